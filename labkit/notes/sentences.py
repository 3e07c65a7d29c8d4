"""The sentences of notes, and the claims that settle them: known by a fingerprint of their words, none is kept.

labs/fingerprints.yaml has them by the rows of the ledger. A sentence that was edited has another one, and no claim yet.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from labkit.notes.document import Document
from labkit.paths import ROOT

PATH = ROOT / "labs" / "fingerprints.yaml"

RESULTS = ROOT / "results"

KNOWN_SHARE = 0.3
"""Of a document's sentences that must be known before the others are said to have no claim: it is another document."""

NO_CLAIM = "no claim yet"

_ENDS = re.compile(r"(?<=[.!?])(?<!e\.g\.)(?<!i\.e\.)\s+(?=[A-Z`])")


@dataclass(frozen=True)
class Sentence:
    """A sentence, or a line of code."""

    line: int
    text: str

    @property
    def fingerprint(self) -> str:
        """12 hexadecimal digits of its words, whatever stands between them."""
        return fingerprint(self.text)


def fingerprint(text: str) -> str:
    words = " ".join(re.findall(r"[\w/<>=$-]+", text.lower()))
    return hashlib.sha256(words.encode()).hexdigest()[:12]


def sentences(document: Document) -> Iterator[Sentence]:
    """Give a document's sentences and lines of code, in its order."""
    found = [Sentence(line, part) for line, text in document.paragraphs for part in _ENDS.split(text)]
    for block in document.blocks:
        found += [Sentence(block.line + at, line) for at, line in enumerate(block.lines) if re.search(r"\w", line)]
    yield from sorted(found, key=lambda one: one.line)


def rows_by_fingerprint(path: Path = PATH) -> dict[str, list[str]]:
    """Read which rows of the ledger settle which sentence; nothing where there is no such file."""
    if not path.exists():
        return {}
    told: dict[str, list[str]] = {}
    for row, prints in yaml.safe_load(path.read_text(encoding="utf-8")).items():
        for one in prints:
            told.setdefault(str(one), []).append(row)
    return told


def verdicts_by_row(folder: Path = RESULTS) -> dict[str, dict[str, list[tuple[str, str]]]]:
    """Read from results/ what the claims about each row came to: by row and version, claim and verdict."""
    told: dict[str, dict[str, list[tuple[str, str]]]] = {}
    for path in sorted(folder.glob("*.json")):
        try:
            results = json.loads(path.read_text(encoding="utf-8"))
            records = results["claims"]
        except (OSError, ValueError, LookupError, TypeError):
            continue  # `nox -s report` says what is wrong with it
        for record in records:
            for row in record["ledger"]:
                told.setdefault(row, {}).setdefault(path.stem, []).append((record["id"], record["verdict"]))
    return told


def settled(
    document: Document,
    known: Mapping[str, Sequence[str]],
    verdicts: Mapping[str, Mapping[str, Sequence[tuple[str, str]]]],
) -> list[dict[str, Any]]:
    """Tell beside each sentence the claims that settle it, in the shape of check.schema.json."""
    units = list(sentences(document))
    prose = [s for s in units if " " in s.text and not _is_code(document, s.line)]
    mine = sum(s.fingerprint in known for s in prose)
    if not prose or mine < KNOWN_SHARE * len(prose):
        return []
    told = []
    for unit in units:
        rows = known.get(unit.fingerprint, ())
        if rows:
            told.append({"line": unit.line, "text": "; ".join(_row(row, verdicts.get(row, {})) for row in rows)})
        elif unit in prose and len(unit.text.split()) > 3 and not unit.text.endswith(":"):
            told.append({"line": unit.line, "text": NO_CLAIM})
    return told


def _row(row: str, on: Mapping[str, Sequence[tuple[str, str]]]) -> str:
    if not on:
        return f"{row}: not run"
    said = [f"{verdict} on {version} ({claim})" for version, claims in sorted(on.items()) for claim, verdict in claims]
    return f"{row}: {', '.join(said)}"


def _is_code(document: Document, line: int) -> bool:
    return any(b.line <= line < b.line + len(b.lines) for b in document.blocks)
