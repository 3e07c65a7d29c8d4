"""What a container's cgroup says of its CPU and memory, in the same words for both versions of cgroups."""

from __future__ import annotations

from dataclasses import dataclass

FILES = (
    *("cpu.max", "cpu.weight", "cpu.stat", "memory.max"),
    *("cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us", "cpu/cpu.shares", "cpu/cpu.stat"),
    *("cpuacct/cpuacct.usage", "memory/memory.limit_in_bytes"),
)
"""The files that are read, below /sys/fs/cgroup: those of version 2, then those of version 1.

Source: https://docs.kernel.org/admin-guide/cgroup-v2.html and .../cgroup-v1/, https://docs.kernel.org/scheduler/sched-bwc.html
"""

SCRIPT = (
    f"cd /sys/fs/cgroup; for f in {' '.join(FILES)}; do"
    " test -r $f && { printf %s $f; while read -r line; do printf ' %s' \"$line\"; done < $f; echo; }; done; true"
)
"""What sh is to run in a container; `read` understands what it prints: a file's name and its words on each line.

All of it is built into sh: what an exec starts counts to the container's own CPU time.
"""

NO_LIMIT = 2**62
"""Bytes from which on version 1 means that there is no limit."""


@dataclass(frozen=True)
class Cgroup:
    """The numbers of one container. Limits are None where there is none.

    Units: cores for `cpu_limit`, bytes for `memory_limit`, seconds of one core for `used_s`. `throttled` counts the
    periods (of 0.1 s) in which it wanted more CPU than its limit. `cpu_weight` is to be compared with another
    container's of the same node only: its scale differs between the versions.
    """

    cpu_limit: float | None
    cpu_weight: int
    used_s: float
    throttled: int
    memory_limit: int | None


def read(printed: str) -> Cgroup:
    """Understand what SCRIPT has printed. Raises ValueError where it is not whole."""
    files = {line.split()[0]: line.split()[1:] for line in printed.splitlines() if line.strip()}
    try:
        if "cpu.max" in files:
            quota, period = files["cpu.max"]
            stat = _pairs(files["cpu.stat"])
            used_s, memory = stat["usage_usec"] / 1e6, files["memory.max"][0]
            weight = files["cpu.weight"][0]
        else:
            quota, period = files["cpu/cpu.cfs_quota_us"][0], files["cpu/cpu.cfs_period_us"][0]
            stat = _pairs(files["cpu/cpu.stat"])
            used_s, memory = int(files["cpuacct/cpuacct.usage"][0]) / 1e9, files["memory/memory.limit_in_bytes"][0]
            weight = files["cpu/cpu.shares"][0]
    except (KeyError, IndexError, ValueError) as missing:
        raise ValueError(f"no whole cgroup in {printed[:300]!r}") from missing
    return Cgroup(
        cpu_limit=None if quota in ("max", "-1") else int(quota) / int(period),
        cpu_weight=int(weight),
        used_s=used_s,
        throttled=stat["nr_throttled"],
        memory_limit=None if memory == "max" or int(memory) >= NO_LIMIT else int(memory),
    )


def _pairs(words: list[str]) -> dict[str, int]:
    return {name: int(number) for name, number in zip(words[::2], words[1::2], strict=True)}
