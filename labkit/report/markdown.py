"""The matrix in Markdown: the news and a table of topics, short enough for a README."""

from __future__ import annotations

import re

from labkit.report import borders, news
from labkit.report.matrix import BAD, NOT_RUN, VERDICTS, Matrix, Topic, Version
from labkit.report.text import counted, date, joined, one_line

NEWS_SHOWN = 5
"""Lines of broken and changed claims; the page has them all."""


def render(matrix: Matrix) -> str:
    """Give the Markdown: headline and age, what is broken and what changed, topics by versions."""
    newest = matrix.newest
    lines = [f"**{escaped(news.headline(matrix))}**"]
    if newest.at:
        lines[0] += f" As of {date(newest.at)}, {newest.tag}."
    told = [
        f"- {verdict.replace('-', ' ')} on {joined(names)}: {escaped(claim.statement)} (`{claim.id}`)"
        for claim, verdict, names in news.bad(matrix)
    ]
    told += [
        f"- {f'[known bug](<{bug}>)' if bug else 'known bug'} of Kubernetes on {joined(names)}:"
        f" {escaped(claim.statement)} (`{claim.id}`)"
        for claim, bug, names in news.known_bugs(matrix)
    ]
    changed = [minor for minor in borders.by_minor(matrix) if minor.borders]
    if changed:
        told.append(
            "- "
            + joined([f"{minor.name} changed {counted(minor.borders, 'thing')}" for minor in changed])
            + " in these notes"
        )
    for change in news.changes(matrix):
        ids = [f"`{claim.id}`" for claim, _ in change.changed[:3]]
        more = len(change.changed) - len(ids)
        said = joined([*ids, counted(more, "other")] if more else ids)
        told.append(f"- changed from {change.older.name} to {change.newer.name}: {said}")
    if len(told) > NEWS_SHOWN:
        told = [*told[:NEWS_SHOWN], f"- and {len(told) - NEWS_SHOWN} more"]
    if told:
        lines += ["", *told]
    columns = [version.name for version in matrix.versions] + (["catch a change"] if matrix.mutants else [])
    lines += ["", f"| topic | claims | {' | '.join(columns)} |"]
    lines.append("| --- | ---: |" + " ---: |" * len(columns))
    for topic in matrix.topics:
        cells = [_cell(topic, version) for version in matrix.versions]
        cells += [str(topic.catching)] if matrix.mutants else []
        lines.append(f"| {escaped(topic.title)} | {len(topic.claims)} | {' | '.join(cells)} |")
    for said in (news.about_the_notes(matrix), news.about_the_mutants(matrix)):
        lines += ["", said] if said else []
    return "\n".join(lines) + "\n"


def escaped(words: str) -> str:
    """Give words that Markdown shows as they are: no markup, no table cell, no mention of anybody."""
    flat = one_line(words).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    flat = re.sub(r"([\\`*_{}\[\]()#+!|~$])", r"\\\1", flat)
    return flat.replace("@", "&#64;").replace("://", ":&#47;&#47;").replace("www.", "www&#46;")


def _cell(topic: Topic, version: Version) -> str:
    counts = topic.counts(version)
    if counts[NOT_RUN] == sum(counts.values()):
        return "not run"
    parts = [f"{counts['holds']} hold"] if counts["holds"] else []
    parts += [f"**{counts[verdict]} {verdict.replace('-', ' ')}**" for verdict in BAD if counts[verdict]]
    others = [verdict for verdict in VERDICTS if verdict not in ("holds", *BAD)]
    parts += [f"{counts[v]} {v.replace('-', ' ')}" for v in others if counts[v]]
    return ", ".join(parts)
