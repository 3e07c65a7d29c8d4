"""Debian roots out of packages alone: what a node stands on, what kube-proxy needs, and a Python."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from labkit.progress import Progress
from labkit.supply import apt
from labkit.supply.process import Failed, run
from labkit.trouble import CannotRun

NODE_PACKAGES = [
    "systemd", "systemd-sysv", "dbus", "conntrack", "iptables", "nftables", "iproute2", "ethtool", "util-linux",
    "mount", "kmod", "libseccomp2", "pigz", "e2fsprogs", "bash", "ca-certificates", "curl", "jq", "procps",
]  # fmt: skip
"""As kind's images/base/Dockerfile, without what NFS, iSCSI and rootless engines need."""

PROXY_PACKAGES = ["iptables", "nftables", "conntrack", "kmod", "busybox-static"]

BUSYBOX_PACKAGES = ["busybox-static"]

PYTHON_PACKAGES = ["python3", "python3-pip", "python-is-python3", "ca-certificates"]

_UNREAD = (
    "doc",
    "doc-base",
    "info",
    "lintian",
    "linda",
    "locale",
    "man",
    "bash-completion",
    "bug",
    "zsh",
    "gcc",
)
"""Folders of /usr/share that no program here opens."""


def unread(path: str) -> bool:
    """Tell whether a file of a Debian root is documentation, a translation, or a package manager's download."""
    parts = path.split("/")
    return (
        (parts[:2] == ["usr", "share"] and len(parts) > 2 and parts[2] in _UNREAD)
        or path.startswith(("var/lib/apt/lists/", "var/cache/", "var/log/"))
        or "/gconv/" in path
    )


def need_mmdebstrap(progress: Progress) -> None:
    """See to it that Debian roots can be made here.

    Raises: CannotRun when mmdebstrap is missing and may not be installed.
    """
    # On Ubuntu the keys that Debian's packages are signed with are a package of their own.
    if shutil.which("mmdebstrap") and Path("/usr/share/keyrings/debian-archive-keyring.gpg").exists():
        return
    if not apt.usable():
        raise CannotRun(
            "building from Debian packages needs mmdebstrap: install it (and debian-archive-keyring), or run as root"
        )
    apt.install(["mmdebstrap", "debian-archive-keyring"], progress)


def bootstrap(suite: str, packages: list[str], out: Path) -> None:
    """Write a whole small Debian system with these packages, installed and configured, as a tar."""
    _mmdebstrap(["--variant=minbase"], suite, packages, out)


def unpack(suite: str, packages: list[str], out: Path) -> None:
    """Write the files of these packages and of what they depend on, and nothing else, as a tar.

    Nothing is configured: there is no shell to do it, and no link that a package makes when it is installed.
    """
    _mmdebstrap(["--variant=extract"], suite, packages, out)


def _mmdebstrap(options: list[str], suite: str, packages: list[str], out: Path) -> None:
    words = ["mmdebstrap", "--quiet", *options, f"--include={','.join(packages)}", suite, str(out)]
    env = {}
    if os.geteuid() == 0:
        # Root's half-made system lies where the next run sweeps it (a user's must be open to the ids that it maps),
        # and what is mounted in it is mounted for nobody else: it goes with the last process, however that ends.
        env["TMPDIR"] = str(out.parent)
        words = ["unshare", "--mount", "--", *words]
    try:
        run(words, env=env)
    except Failed as failed:
        raise CannotRun(
            f"a Debian {suite} could not be made from packages ({failed.last_words}): {_what_to_do(failed.last_words)}"
        ) from failed


def _what_to_do(said: str) -> str:
    if "chroot mode" in said:
        return (
            "for who is not root it takes the package uidmap, and ids of one's own (`sudo usermod --add-subuids"
            " 100000-165535 --add-subgids 100000-165535 $USER`); or let root do this once with the same engine"
        )
    return "see that this machine reaches a Debian mirror"
