"""What a node's cgroup tells of its CPU time, in either version."""

from __future__ import annotations

import pytest

from labkit.cluster import nodes


def test_both_versions_of_cgroups_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    told = {
        "one": (0, "8003294701\n"),
        "two": (0, "usage_usec 8003294\nuser_usec 5000000\nsystem_usec 3003294\n"),
        "gone": (1, "cat: no such file"),
    }
    monkeypatch.setattr(nodes, "execute", lambda name, _: told[name])
    assert nodes.cpu_s(list(told)) == {"one": pytest.approx(8.003, abs=1e-3), "two": pytest.approx(8.003, abs=1e-3)}
