"""The matrix as data: every claim's verdict on every version, for whoever builds something else of it."""

from __future__ import annotations

import json
from typing import Any

from labkit.report import news
from labkit.report.matrix import Matrix, Version

SCHEMA = 1


def render(matrix: Matrix) -> str:
    """Give matrix.json: versions, topics with their claims and cells, and what changed, without evidence."""
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
                        "verdicts": {cell.version.name: cell.verdict for cell in claim.cells},
                    }
                    for claim in topic.claims
                ],
            }
            for topic in matrix.topics
        ],
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
