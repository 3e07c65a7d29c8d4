"""The words that close a run: verdicts by topic, whatever does not hold and why, and what the run cost."""

from __future__ import annotations

import os
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from labkit.claims import ledger
from labkit.claims.verdicts import VERDICTS

SLOWEST = 6
_SELDOM = ("bug-not-seen", "known-bug")
"""Verdicts that have a column only where there are any."""


def columns(records: Sequence[Mapping[str, Any]]) -> list[str]:
    """Give the verdicts that a table of these records has columns for."""
    there = {record["verdict"] for record in records}
    return [verdict for verdict in VERDICTS if verdict in there or verdict not in _SELDOM]


def verdicts(
    records: Sequence[dict[str, Any]], rows: dict[str, dict[str, str]], *, missing: Sequence[str], trouble: str | None
) -> list[str]:
    """Give a table of verdicts by topic with the rows of the notes that they settle, then what does not hold."""
    topics = sorted({r["topic"] for r in records})
    told = ledger.coverage(rows, (row for r in records for row in r["ledger"]))
    shown_verdicts = columns(records)
    lines = ["", f"{'topic':<14}" + "".join(f"{c:>15}" for c in shown_verdicts) + f"{'rows of the notes':>22}"]
    for topic in topics:
        counts = Counter(r["verdict"] for r in records if r["topic"] == topic)
        reached, untestable, all_rows = told.get(topic, (0, 0, 0))
        shown = f"{reached} of {all_rows}" + (f", {untestable} cannot" if untestable else "")
        lines.append(f"{topic:<14}" + "".join(f"{counts[c] or '·':>15}" for c in shown_verdicts) + f"{shown:>22}")
    for record in records:
        if record["verdict"] not in ("holds", "not-applicable"):
            lines += ["", f"{record['verdict']}: {record['id']}", f"  {record['statement']}"]
            lines += [f"  {line}" for line in record["reason"].splitlines()]
    # A whole topic may lack what it is about: one reason for all of them.
    reasons = [r["reason"] for r in records if r["verdict"] == "not-applicable"]
    for reason in dict.fromkeys(reasons):
        ids = [r["id"] for r in records if (r["verdict"], r["reason"]) == ("not-applicable", reason)]
        lines += ["", f"not-applicable: {', '.join(ids)}", f"  {reason}"]
    sabotages = [s for r in records for s in r["sabotage"]]
    if sabotages:
        killed = sum(s["result"] == "killed" for s in sabotages)
        lines += ["", f"sabotages: {killed} of {len(sabotages)} killed"]
    if missing:
        lines += ["", f"not run: {len(missing)} of the labs that were asked for, the first is {missing[0]}"]
    if trouble:
        lines += ["", f"cannot run: {trouble}"]
    return lines


def costs(
    records: Sequence[dict[str, Any]],
    *,
    phases: dict[str, float],
    labs_s: float,
    cpu_s: float,
    latencies_s: Sequence[float],
    harness_mib: float,
) -> list[str]:
    """Give the run's wall time beside its floor: cluster, load, and the longest lab or the cores' work.

    `phases` are the cluster's seconds by name, `labs_s` the wall time of all labs, `cpu_s` the seconds that the
    machine's cores worked meanwhile, `latencies_s` those from a watch event's arrival to the assertion on it.
    """
    slowest = sorted(records, key=lambda r: -float(r["seconds"]))
    longest_s = float(slowest[0]["seconds"]) if slowest else 0.0
    cores_s = cpu_s / (os.cpu_count() or 1)
    cluster_s = phases.get("cluster", 0.0)
    floor_s, wall_s = cluster_s + max(longest_s, cores_s), cluster_s + labs_s
    lines = [
        "",
        f"cost: {wall_s:.0f} s, floor {floor_s:.0f} s, ratio {wall_s / max(floor_s, 0.1):.2f}"
        f" (cluster and images {cluster_s:.0f} s, labs {labs_s:.0f} s;"
        f" longest lab {longest_s:.0f} s, the cores' work {cores_s:.0f} s)",
    ]
    if len(latencies_s) > 1:
        p99 = statistics.quantiles(latencies_s, n=100)[98]
        lines.append(
            f"from an event's arrival to the assertion: median {statistics.median(latencies_s) * 1000:.1f} ms,"
            f" p99 {p99 * 1000:.1f} ms over {len(latencies_s)}"
        )
    lines.append(f"harness: {harness_mib:.0f} MiB in all its processes at their peak")
    lines.append("longest labs, seconds beside what their manifests ask for at least:")
    lines += [f"  {r['seconds']:7.1f} s  {r['floor_s']:6.1f} s  {r['id']}" for r in slowest[:SLOWEST]]
    return lines
