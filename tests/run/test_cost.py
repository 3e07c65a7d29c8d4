"""What a run cost: who spent the cores' seconds, and who needed slack."""

from __future__ import annotations

from typing import Any

from labkit.cluster.node import Node
from labkit.run import cost, summary
from labkit.run.cost import Moment
from labkit.run.usage import Used

NODES = (Node("c-control-plane", "control-plane", "", ""), Node("c-worker", "worker", "", ""))


def record(seen_s: float | None, *, seconds: float = 5.0) -> dict[str, Any]:
    window = {"goal": "it runs", "from_s": 1.0, "earliest_s": 0.0, "latest_s": 3.0, "seen_s": seen_s}
    return {"id": "topic.one", "seconds": seconds, "floor_s": 0.0, "windows": [window]}


def test_a_claim_needs_slack_where_a_window_was_left() -> None:
    assert [cost.over_ceiling(record(seen_s)) for seen_s in (None, 2.0, 4.0, 4.1)] == [False, False, False, True]


def test_each_second_is_somebodys() -> None:
    began = Moment(10.0, 100.0, {"c-control-plane": 5.0, "c-worker": 6.0}, Used(1.0, 0.0, 50.0))
    ended = Moment(70.0, 200.0, {"c-control-plane": 25.0, "c-worker": 46.0}, Used(4.0, 99.0, 90.0))
    told = cost.cost(
        began,
        ended,
        nodes=NODES,
        workers=[Used(2.0, 8.0, 40.0), Used(2.0, 7.0, 45.0)],
        cluster_s=20.0,
        records=[record(2.0, seconds=30.0), record(9.0)],
        latencies_s=[0.001, 0.003],
    )
    assert told["cpu_s"] == {"control_plane": 20.0, "nodes": 40.0, "commands": 15.0, "harness": 7.0, "others": 18.0}
    assert (told["labs_s"], told["harness_mib"], told["over_ceiling"]) == (60.0, 175, 1)
    assert told["floor_s"] >= 20.0 + 30.0
    assert told["latency_ms"]["median"] == 2.0
    assert "control plane 20" in "\n".join(summary.costs(told, [record(2.0)]))
