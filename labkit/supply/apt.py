"""Debian packages on this machine: what is missing is installed, by root only, and said."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from labkit.progress import Progress
from labkit.supply.process import Failed, run
from labkit.trouble import CannotRun


def usable() -> bool:
    """Tell whether packages can be installed: root on Debian, Ubuntu or a relative."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None and Path("/etc/debian_version").exists()


def install(packages: list[str], progress: Progress) -> None:
    """Install packages without their recommendations; the package lists are fetched first.

    Raises: CannotRun with apt's own last words.
    """
    progress.say(f"installing from this machine's package source: {' '.join(packages)}")
    env = {"DEBIAN_FRONTEND": "noninteractive"}
    wait_for_others = ["-o", "DPkg::Lock::Timeout=300"]
    try:
        # A list that cannot be refreshed (a third-party source that is down) is no reason to stop: the install tells.
        run(["apt-get", "update", "-qq"], env=env, check=False)
        run(
            ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *wait_for_others, *packages],
            env=env,
        )
    except Failed as failed:
        raise CannotRun(
            f"apt-get could not install {' '.join(packages)} ({failed.last_words}):"
            " mend the package sources or install them yourself, then run again"
        ) from failed


def available(package: str) -> bool:
    """Tell whether the package source has such a package at all (names differ between releases)."""
    return "Package:" in run(["apt-cache", "show", package], check=False)
