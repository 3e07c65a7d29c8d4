"""A minikube of ours under a lease, for the process that answers for it.

It holds the lease from the start; the labs themselves type `minikube start`, since that is what they are about, and the
first one that wants it started starts it. What they made goes with the lease.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from labkit.cluster import lease, nodes, removal
from labkit.cluster.minikube_profile import Profile
from labkit.paths import cache_dir
from labkit.progress import Progress
from labkit.supply import providing, versions


@dataclass(frozen=True)
class Source:
    """Where a minikube comes from: built here with all it needs, or somebody's on PATH, which fetches that itself."""

    binary: Path
    kubernetes: str
    base_image: str = ""
    cache: Path | None = None


def is_on_path() -> bool:
    """Tell whether there is a minikube on PATH."""
    return shutil.which("minikube") is not None


def source(kubernetes: str, *, build: bool, progress: Progress) -> Source | None:
    """Give the minikube that starts this version: built where that is asked for, else the one on PATH, if any.

    Raises: CannotRun where it cannot be built.
    """
    if build:
        made = providing.provide_minikube(kubernetes, progress=progress)
        return Source(made.binary, made.kubernetes, made.base_image, made.cache)
    found = shutil.which("minikube")
    # By this name: what it links to may be several programs, told apart by it.
    return Source(Path(found).absolute(), versions.resolve(kubernetes).tag) if found else None


def set_up(source: Source, held: lease.Lease, kubectl: Path) -> Profile:
    """Lay out the folder of a profile that is leased; nothing is started."""
    programs = held.folder / "bin"
    programs.mkdir()
    (programs / "minikube").symlink_to(source.binary)
    (programs / "kubectl").symlink_to(kubectl)
    _fill_cache(source, held.folder / ".minikube" / "cache")
    return Profile(held.record.cluster, held.folder, settings(source, held.record.cluster, held.folder))


def settings(source: Source, profile: str, folder: Path) -> dict[str, str]:
    """Give the settings of a profile, so that a lab types what a reader types: `minikube start`."""
    chosen = {
        "MINIKUBE_HOME": str(folder),
        "MINIKUBE_PROFILE": profile,
        "MINIKUBE_DRIVER": "docker",
        # As root, and for a Kubernetes newer than this minikube, it does not start otherwise.
        "MINIKUBE_FORCE": "true",
        "MINIKUBE_KUBERNETES_VERSION": source.kubernetes,
        "MINIKUBE_WANTUPDATENOTIFICATION": "false",
        "MINIKUBE_IN_STYLE": "false",
        # A client without the plugin for BuildKit can still build.
        "DOCKER_BUILDKIT": "0",
        "SHELL": "/bin/sh",
    }
    return chosen | ({"MINIKUBE_BASE_IMAGE": source.base_image} if source.base_image else {})


def _fill_cache(source: Source, cache: Path) -> None:
    """Make minikube's own cache: what was built for it, or one that outlives the run where it downloads."""
    if source.cache is None:
        kept = cache_dir() / "minikube-downloads"
        kept.mkdir(parents=True, exist_ok=True)
        cache.parent.mkdir(parents=True)
        cache.symlink_to(kept)
        return
    # minikube writes beside what it finds, and parts stay as they were made: links to files, in folders of its own.
    for path in source.cache.rglob("*"):
        if path.is_file():
            link = cache / path.relative_to(source.cache)
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(path)


@contextlib.contextmanager
def leased(source: Source, kubectl: Path, progress: Progress) -> Iterator[Profile]:
    """Have a profile for the length of a block; for the controlling process, in its main thread.

    Nothing is started. However the block ends, whatever was started meanwhile is removed, and Ctrl-C and SIGTERM wait
    for that. What SIGKILL leaves behind is removed by the next run or by `down`.
    """
    held = lease.grant(
        kubernetes=source.kubernetes,
        node_image=source.base_image,
        origin="built" if source.cache else "pulled",
        kind=str(source.binary),
        maker=lease.MINIKUBE,
        engine=nodes.engine_id(),
    )
    with contextlib.ExitStack() as undo:
        undo.callback(removal.part, held, progress)
        yield set_up(source, held, kubectl)
