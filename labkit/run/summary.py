"""The words that close a run: verdicts by topic, whatever does not hold and why, and what the run cost."""

from __future__ import annotations

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


def costs(cost: Mapping[str, Any], records: Sequence[Mapping[str, Any]]) -> list[str]:
    """Give the lines on what a run cost, as `cost.cost` gives it, and its longest labs."""
    wall_s, spent = cost["cluster_s"] + cost["labs_s"], cost["cpu_s"]
    lines = [
        "",
        f"cost: {wall_s:.0f} s, floor {cost['floor_s']:.0f} s, ratio {wall_s / max(cost['floor_s'], 0.1):.2f}"
        f" (cluster and images {cost['cluster_s']:.0f} s, labs {cost['labs_s']:.0f} s)",
        f"CPU seconds of the labs: control plane {spent['control_plane']:.0f}, nodes and Pods {spent['nodes']:.0f},"
        f" kubectl and other commands {spent['commands']:.0f}, the harness {spent['harness']:.0f},"
        f" the engine and others on this machine {spent['others']:.0f}",
        f"{cost['over_ceiling']} of {len(records)} claims needed more than their manifests' numbers allow;"
        f" harness: {cost['harness_mib']:.0f} MiB in all its processes at their peak",
    ]
    if latency := cost.get("latency_ms"):
        told = f"median {latency['median']:.1f} ms, p99 {latency['p99']:.1f} ms"
        lines.append(f"from an event's arrival to the assertion: {told}")
    lines.append("longest labs, seconds beside what their manifests ask for at least:")
    slowest = sorted(records, key=lambda r: -float(r["seconds"]))[:SLOWEST]
    return lines + [f"  {r['seconds']:7.1f} s  {r['floor_s']:6.1f} s  {r['id']}" for r in slowest]
