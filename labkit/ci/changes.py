"""Which claims have changed for good: the same new verdict in two runs in a row.

One run may be wrong about a claim in ways that nobody thought of; a second that says the same is news.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from labkit.claims.verdicts import FINDINGS

JUDGED = ("holds", *FINDINGS, "known-bug", "not-applicable")
"""The verdicts that say something about Kubernetes; a run that was inconclusive about a claim is passed over."""


@dataclass(frozen=True)
class Change:
    """A claim's verdict on one minor, which two runs gave in a row, and the other one that the run before them gave."""

    claim: str
    statement: str
    minor: str
    before: str
    now: str
    reason: str
    """Why, in the newest run; empty where the claim holds."""


def changes(runs: Sequence[Mapping[str, Any]]) -> list[Change]:
    """Give what changed with the newest run of one minor.

    `runs` are results documents of that minor, oldest first. A change is told once: by the run that confirms it.
    """
    if not runs:
        return []
    newest = runs[-1]
    minor = minor_of(newest)
    changed = []
    for record in newest["claims"]:
        verdicts = [v for v in (_verdict(run, record["id"]) for run in runs) if v in JUDGED]
        if len(verdicts) < 3 or record["verdict"] not in JUDGED:
            continue
        before, once, twice = verdicts[-3:]
        if before != once == twice:
            changed.append(Change(record["id"], record["statement"], minor, before, twice, record["reason"]))
    return changed


def minor_of(results: Mapping[str, Any]) -> str:
    """Give the minor that a results document judges: 1.37 of v1.37.0, and of v1.37.0-rc.1 too."""
    return ".".join(results["kubernetes"]["server"].removeprefix("v").split(".")[:2])


def _verdict(results: Mapping[str, Any], claim: str) -> str | None:
    return next((record["verdict"] for record in results["claims"] if record["id"] == claim), None)
