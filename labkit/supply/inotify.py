"""What the kernel lets one user watch: too little of it, and a node dies with words that do not say so.

Each node's systemd, containerd and kubelet hold dozens of instances. With Linux' default of 128 the second node's
kubelet dies, or runc says "read init-p: connection reset by peer".
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path

from docker import DockerClient
from docker.errors import DockerException
from requests.exceptions import RequestException

from labkit.progress import Progress

WANTED: Mapping[str, int] = {"max_user_instances": 1024, "max_user_watches": 65536}
"""By the kernel's name, what three nodes can live with. Source: kind.sigs.k8s.io/docs/user/known-issues/, halved;
two clusters of three nodes held 110 instances and 1,200 watches."""

_FOLDER = Path("/proc/sys/fs/inotify")


def short(folder: Path = _FOLDER) -> dict[str, int]:
    """Give the limits of this machine that are too low, as they are; none where the kernel has none."""
    found = {}
    for name, wanted in WANTED.items():
        with contextlib.suppress(OSError, ValueError):
            if (limit := int((folder / name).read_text())) < wanted:
                found[name] = limit
    return found


def raise_limits(progress: Progress, folder: Path = _FOLDER) -> None:
    """Raise what is too low, where this process may: as root."""
    for name, limit in short(folder).items():
        with contextlib.suppress(OSError):
            (folder / name).write_text(str(WANTED[name]))
            progress.say(f"raised fs.inotify.{name} from {limit} to {WANTED[name]} (three nodes need more)")


def raise_from_inside(client: DockerClient, image: str, progress: Progress, folder: Path = _FOLDER) -> None:
    """Raise what is still too low from a privileged container, as a node is one; say what is then still too low.

    The limits belong to the machine and not to a container: whoever may start nodes may raise them.
    """
    if not (low := short(folder)):
        return
    script = "; ".join(f"echo {WANTED[name]} > {folder / name}" for name in low)
    with contextlib.suppress(DockerException, RequestException):
        client.containers.run(image, ["-c", script], entrypoint="sh", privileged=True, remove=True)
    left = short(folder)
    for name in low.keys() - left.keys():
        progress.say(f"raised fs.inotify.{name} from {low[name]} to {WANTED[name]} (three nodes need more)")
    if left:
        progress.say(f"a node may fail here: {told(left)}")


def told(low: Mapping[str, int]) -> str:
    """Say what is too low, and the command that raises it; to be added to what a node says that dies of it."""
    values = " ".join(f"fs.inotify.{name}={WANTED[name]}" for name in low)
    named = " and ".join(f"fs.inotify.{name} is {limit}" for name, limit in low.items())
    return f"{named}, too few for three nodes: sudo sysctl {values}"
