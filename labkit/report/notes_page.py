"""The page of somebody's notes: their text as written, and at each line what became of it on each version."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from labkit.report import page, text

SIGNS = {"fault": "✗", "warns": "!", "context": "?", "not run": "\N{EN DASH}", "holds": "✓"}
"""From the worst to the best."""

CLASSES = {"fault": "broken", "warns": "vacuous", "context": "inconclusive", "not run": "not-run", "holds": "holds"}
"""What the style sheet calls them."""

AMISS = ("fault", "warns")
"""What a reader looks for first."""

MOST_EVIDENCE = 8
"""Things typed that are shown of one line and version; the first and the last tell most."""


@dataclass(frozen=True)
class Piece:
    """Lines of the notes up to one that something was found about."""

    lines: tuple[tuple[int, str], ...]
    found: tuple[Mapping[str, Any], ...]
    """What was found at the last of them."""
    claims: tuple[Mapping[str, Any], ...]


def render(document: Mapping[str, Any]) -> str:
    """Give the page of one document of a check, as `check.schema.json` has it."""
    shown = text.cleaned(dict(document))
    style = page.resource("style.css")
    template = page.templates().get_template("notes.html.j2")
    return template.render(
        document=shown,
        pieces=list(pieces(shown)),
        style=Markup(style),
        style_hash=page.hash_of(style),
        amiss=[f for f in shown["findings"] if any(said["verdict"] in AMISS for said in f["on"].values())],
        spans=spans,
        SIGNS=SIGNS,
        AMISS=AMISS,
        CLASSES=CLASSES,
        MOST_EVIDENCE=MOST_EVIDENCE,
    )


def pieces(document: Mapping[str, Any]) -> Iterator[Piece]:
    """Part a document's lines where something was found."""
    at: dict[int, list[Mapping[str, Any]]] = {}
    claims: dict[int, list[Mapping[str, Any]]] = {}
    for finding in document["findings"]:
        at.setdefault(finding["line"], []).append(finding)
    for claim in document["claims"]:
        claims.setdefault(claim["line"], []).append(claim)
    lines: list[tuple[int, str]] = []
    for number, line in enumerate(document["lines"], 1):
        lines.append((number, line))
        if number in at or number in claims:
            yield Piece(tuple(lines), tuple(at.get(number, ())), tuple(claims.get(number, ())))
            lines = []
    if lines:
        yield Piece(tuple(lines), (), ())


def spans(finding: Mapping[str, Any]) -> Iterator[tuple[Sequence[str], Mapping[str, Any]]]:
    """Give the versions that say the same of a line, and what they say."""
    alike: dict[tuple[str, str, str], list[str]] = {}
    for version, said in finding["on"].items():
        alike.setdefault((said["verdict"], said["reason"], said["mended"]), []).append(version)
    for versions in alike.values():
        yield versions, finding["on"][versions[0]]
