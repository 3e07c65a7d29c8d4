"""How many cores a run may use: those of the machine, or fewer where the kernel keeps it to some of them.

A job in a container of a CI sees every core of its machine, and may have two of sixty-four: as many labs as for all of
them would starve each other.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

CGROUPS = Path("/sys/fs/cgroup")

OWN = Path("/proc/self/cgroup")


def cores() -> int:
    """Give the cores that this process may use: by its affinity, and by the limits of its cgroups, rounded up."""
    there = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min([there, *(math.ceil(limit) for limit in _limits())]))


def _limits() -> Iterator[float]:
    """Give the limits, in cores, of all cgroups that this process is in, versions 1 and 2. Source: cgroups(7)."""
    try:
        lines = OWN.read_text(encoding="utf-8").splitlines()
    except OSError:  # macOS
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        root = CGROUPS / "cpu" if controllers else CGROUPS
        # A container may be shown the path that the machine calls it by, and then has its own cgroup for a root.
        for folder in (PurePosixPath(path), *PurePosixPath(path).parents):
            within = root / folder.relative_to("/")
            try:
                if controllers:
                    quota, period = ((within / f"cpu.cfs_{one}_us").read_text() for one in ("quota", "period"))
                else:
                    quota, period = (within / "cpu.max").read_text().split()
                if quota.strip() not in ("max", "-1"):
                    yield int(quota) / int(period)
            except (OSError, ValueError):
                continue
