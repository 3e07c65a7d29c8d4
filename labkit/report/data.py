"""The matrix as data: every claim's verdict on every version, for whoever builds something else of it."""

from __future__ import annotations

import json
from typing import Any

from labkit.report import borders, news
from labkit.report.matrix import Matrix, Version

SCHEMA = 1


def render(matrix: Matrix) -> str:
    """Give matrix.json: versions, topics with their claims and cells, minors and what changed, without evidence."""
    shown = {
        "schema": SCHEMA,
        "headline": news.headline(matrix),
        "versions": [_version(matrix, version) for version in matrix.versions],
        "topics": [
            {
                "topic": topic.name,
                "title": topic.title,
                "claims": [
                    {
                        "id": claim.id,
                        "statement": claim.statement,
                        "ledger": claim.record["ledger"],
                        "notes": claim.record["notes"],
                        "source": claim.record["source"],
                        "since": claim.since,
                        "until": claim.until,
                        "bug": claim.record.get("bug"),
                        "verdicts": {cell.version.name: cell.verdict for cell in claim.cells},
                        "caught": [change["mutant"] for change in claim.caught],
                    }
                    for claim in topic.claims
                ],
            }
            for topic in matrix.topics
        ],
        "minors": [
            {
                "minor": minor.name,
                "borders": [
                    {
                        "topic": topic.name,
                        "since": border.since.id if border.since else None,
                        "before": border.before.id if border.before else None,
                    }
                    for topic, told in minor.topics
                    for border in told
                ],
                "known_bugs": [claim.id for claim in minor.bugs],
            }
            for minor in borders.by_minor(matrix)
        ],
        "mutants": {one["name"]: one["verdict"] for one in matrix.mutants},
        "changes": [
            {"claim": claim.id, "from": pair.older.name, "to": pair.newer.name, "was": step.before, "is": step.after}
            for pair in news.changes(matrix)
            for claim, step in pair.changed
        ],
    }
    return json.dumps(shown, indent=1, ensure_ascii=False) + "\n"


def _version(matrix: Matrix, version: Version) -> dict[str, Any]:
    counts = {verdict: number for verdict, number in sorted(matrix.counts(version).items()) if number}
    if not version.tag:
        return {"version": version.name, "run": False}
    return {"version": version.name, "run": True, **version.run, "verdicts": counts}
