"""What a run cost: the seconds it took beside the least they could be, and who spent the cores' seconds.

The kernel's own accounting says who: the engine reads the cgroup of each node's container (version 1 or 2 alike), and
every process knows what it used itself and what its ended children did.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psutil

from labkit.cluster.node import Node
from labkit.run.usage import Used, used


@dataclass(frozen=True)
class Moment:
    """One reading of the clocks, in seconds: wall time, all cores of the machine, each node by name, this process."""

    wall_s: float
    machine_s: float
    nodes_s: Mapping[str, float]
    own: Used


def moment(nodes_s: Mapping[str, float]) -> Moment:
    """Read the clocks; `nodes_s` are those of the nodes, by name."""
    times = psutil.cpu_times()
    machine_s = sum(times) - times.idle - getattr(times, "iowait", 0.0) - getattr(times, "guest", 0.0)
    return Moment(time.monotonic(), float(machine_s), nodes_s, used())


def cost(
    began: Moment,
    ended: Moment,
    *,
    nodes: Sequence[Node],
    workers: Sequence[Used],
    cluster_s: float,
    records: Sequence[Mapping[str, Any]],
    latencies_s: Sequence[float],
) -> dict[str, Any]:
    """Give what the labs of a run cost, as a results file keeps it.

    `workers` are what each worker used during them, `cluster_s` what the cluster took before, `latencies_s` the seconds
    from a watch event's arrival to the assertion on it.
    """
    own = ended.own.since(began.own)
    # Workers that have ended are this process's children, too; their commands are theirs.
    harness = [Used(own.own_s, 0.0 if workers else own.commands_s, own.peak_mib), *workers]
    spent = {name: ended.nodes_s[name] - began.nodes_s.get(name, 0.0) for name in ended.nodes_s}
    roles = {node.name: node.role for node in nodes}
    told = {
        "control_plane": sum(s for name, s in spent.items() if roles.get(name) == "control-plane"),
        "nodes": sum(s for name, s in spent.items() if roles.get(name) == "worker"),
        "commands": sum(one.commands_s for one in harness),
        "harness": sum(one.own_s for one in harness),
    }
    machine_s = ended.machine_s - began.machine_s
    told["others"] = max(0.0, machine_s - sum(told.values()))
    labs_s = ended.wall_s - began.wall_s
    longest = sorted(records, key=lambda record: -float(record["seconds"]))
    floor_s = cluster_s + max(float(longest[0]["seconds"]) if longest else 0.0, machine_s / (os.cpu_count() or 1))
    given: dict[str, Any] = {
        "cluster_s": round(cluster_s, 1),
        "labs_s": round(labs_s, 1),
        "floor_s": round(floor_s, 1),
        "cpu_s": {who: round(seconds, 1) for who, seconds in told.items()},
        "harness_mib": round(sum(one.peak_mib for one in harness)),
        "over_ceiling": sum(over_ceiling(record) for record in records),
    }
    if len(latencies_s) > 1:
        given["latency_ms"] = {
            "median": round(statistics.median(latencies_s) * 1000, 1),
            "p99": round(statistics.quantiles(latencies_s, n=100)[98] * 1000, 1),
        }
    return given


def over_ceiling(record: Mapping[str, Any]) -> bool:
    """Tell whether a claim needed slack: something that it awaited came later than its manifest's own numbers allow."""
    return any(
        window["seen_s"] is not None and window["seen_s"] - window["from_s"] > window["latest_s"]
        for window in record["windows"]
    )
