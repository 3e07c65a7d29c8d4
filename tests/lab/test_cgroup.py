"""Both versions of cgroups say the same of a container."""

from __future__ import annotations

import pytest

from labkit.lab.cgroup import FILES, SCRIPT, Cgroup, read

V2 = """\
cpu.max 10000 100000
cpu.weight 4
cpu.stat usage_usec 512345 user_usec 500000 system_usec 12345 nr_periods 60 nr_throttled 51 throttled_usec 4200000
memory.max 33554432
"""
V1 = """\
cpu/cpu.cfs_quota_us 10000
cpu/cpu.cfs_period_us 100000
cpu/cpu.shares 102
cpu/cpu.stat nr_periods 60 nr_throttled 51 throttled_time 4200000000
cpuacct/cpuacct.usage 512345000
memory/memory.limit_in_bytes 33554432
"""


@pytest.mark.parametrize(("printed", "weight"), [(V2, 4), (V1, 102)])
def test_both_versions_are_understood(printed: str, weight: int) -> None:
    assert read(printed) == Cgroup(0.1, weight, 0.512345, 51, 33554432)


@pytest.mark.parametrize(
    "printed",
    [
        V2.replace("10000 100000", "max 100000").replace("33554432", "max"),
        V1.replace("quota_us 10000", "quota_us -1").replace("33554432", "9223372036854771712"),
    ],
)
def test_no_limit_is_none(printed: str) -> None:
    assert (read(printed).cpu_limit, read(printed).memory_limit) == (None, None)


@pytest.mark.parametrize(
    "printed", ["", "cpu.max 10000 100000\n", V1.replace("nr_throttled 51", "nr_throttled"), "sh: what?"]
)
def test_half_a_cgroup_is_none(printed: str) -> None:
    with pytest.raises(ValueError, match="no whole cgroup"):
        read(printed)


def test_every_file_that_is_understood_is_read() -> None:
    assert {line.split()[0] for line in (V1 + V2).splitlines()} == set(FILES)
    assert all(file in SCRIPT for file in FILES)
