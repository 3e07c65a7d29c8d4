"""Badges: how a version fares, as SVG and as the JSON that badge servers read."""

from __future__ import annotations

import json

from markupsafe import escape

from labkit.report.matrix import BAD, NOT_RUN, Matrix, Version
from labkit.report.text import counted

LETTER = 6.6
"""Units that a letter takes on average in 11 units of Verdana or its like."""

COLOURS = {"green": "#2e7d4f", "red": "#b3201c", "orange": "#8f5a00", "grey": "#5f666d"}
"""White letters on each of them have a contrast of 4.5 and more."""


def render(matrix: Matrix) -> dict[str, str]:
    """Give the badges by file name: <version>.svg and .json of each column, and latest of the newest that was run."""
    files = {}
    named = [(version.name, version) for version in matrix.versions] + [("latest", matrix.newest)]
    for name, version in named:
        label, (message, colour) = f"notes on Kubernetes {version.name}", fares(matrix, version)
        shown = {"schemaVersion": 1, "label": label, "message": message, "color": COLOURS[colour]}
        files[f"{name}.json"] = json.dumps(shown, indent=1) + "\n"
        files[f"{name}.svg"] = svg(label, message, COLOURS[colour])
    return files


def fares(matrix: Matrix, version: Version) -> tuple[str, str]:
    """Give a version's words and colour. Green is only what was run whole and holds whole, but for known bugs."""
    counts = matrix.counts(version)
    judged = sum(counts.values()) - counts[NOT_RUN]
    if not judged:
        return "not run", "grey"
    if bad := sum(counts[verdict] for verdict in BAD):
        worst = next(verdict for verdict in BAD if counts[verdict])
        return f"{bad} of {judged} {worst.replace('-', ' ')}", "red"
    asked = sum(counts.values()) - counts["not-applicable"]
    known = f", {counted(counts['known-bug'], 'known bug')}" if counts["known-bug"] else ""
    if counts["holds"] + counts["known-bug"] == asked:
        return f"{counts['holds']} hold{known}", "green"
    return f"{counts['holds']} of {asked} hold{known}", "orange"


def svg(label: str, message: str, colour: str) -> str:
    left, right = (round(len(words) * LETTER + 12) for words in (label, message))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="20" role="img"'
        f' aria-label="{escape(label)}: {escape(message)}"><title>{escape(label)}: {escape(message)}</title>'
        f'<clipPath id="r"><rect width="{left + right}" height="20" rx="3"/></clipPath><g clip-path="url(#r)">'
        f'<path fill="#444" d="M0 0h{left}v20H0z"/><path fill="{colour}" d="M{left} 0h{right}v20H{left}z"/></g>'
        f'<g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">'
        f'<text x="{left / 2:g}" y="14">{escape(label)}</text>'
        f'<text x="{left + right / 2:g}" y="14">{escape(message)}</text></g></svg>\n'
    )
