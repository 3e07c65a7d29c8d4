"""Results of several versions as one matrix: each claim's verdict on each version, and what changed between them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from labkit.claims import verdicts
from labkit.claims.releases import age, is_tag, minor_number
from labkit.mutants import mutant_verdicts
from labkit.report import text
from labkit.trouble import CannotRun

Record = dict[str, Any]

NOT_RUN = "not-run"
VERDICTS = (*verdicts.VERDICTS, NOT_RUN)
"""All that a cell can say; the last where a version's results know nothing of the claim."""

BAD = verdicts.FINDINGS
"""Verdicts that say that a claim cannot be relied on."""

DECIDED = ("holds", *BAD, "known-bug", "not-applicable")
"""Verdicts that say something of Kubernetes or the lab; the others only say that nobody knows."""

SAID = {
    "holds": "holds",
    "broken": "is broken",
    "bug-not-seen": "does not show its known bug",
    "vacuous": "is vacuous",
    "known-bug": "meets a known bug of Kubernetes",
    "inconclusive": "is inconclusive",
    "not-applicable": "does not apply",
    NOT_RUN: "was not run",
}

_CLAIM = re.compile(r"[a-z]+\.[a-z0-9-]+")


@dataclass(frozen=True)
class Version:
    """One column: a version with its results, or one that is wanted and was not run."""

    name: str
    """How a reader calls it: 1.37; 1.37.1 where another patch of the minor is there too."""
    tag: str | None
    """v1.37.0; None where it was not run."""
    run: dict[str, Any] = field(default_factory=dict, compare=False)
    """What the results say of the cluster: node_image, origin, started, seconds."""

    @property
    def minor(self) -> int:
        """The number of its minor: 37."""
        return minor_number(self.name)

    @property
    def at(self) -> datetime | None:
        return text.moment(str(self.run.get("started", "")))


@dataclass(frozen=True)
class Cell:
    """What one version says of one claim."""

    version: Version
    verdict: str
    record: Record | None = None

    @property
    def bug(self) -> str:
        """The address of the known bug that the claim names, "" where it names none."""
        return str(((self.record or {}).get("bug") or {}).get("address", ""))


@dataclass(frozen=True)
class Change:
    """A claim's verdict on one version that differs from the one on the last version before it that had one."""

    older: Version
    newer: Version
    before: str
    after: str


@dataclass(frozen=True)
class Claim:
    """A row: one claim on all versions. `record` is that of the newest version that ran it and that it is about."""

    id: str
    record: Record
    cells: tuple[Cell, ...]
    changes: tuple[Change, ...]
    caught: tuple[Mapping[str, str], ...] = ()
    """Changes of Kubernetes that it was seen to catch, as `mutant_verdicts.caught` gives them."""

    @property
    def statement(self) -> str:
        return str(self.record["statement"])

    @property
    def since(self) -> str | None:
        """The first minor of which it is true, None where that is not told."""
        return _minor_told(self.record, "since")

    @property
    def until(self) -> str | None:
        """The first minor of which it is no longer true, None where there is none."""
        return _minor_told(self.record, "until")

    @property
    def bug_patches(self) -> tuple[str, ...]:
        """The patches of Kubernetes that have the known bug which the claim names."""
        return tuple((self.record.get("bug") or {}).get("patches", ()))

    def is_of(self, version: Version) -> bool:
        """Tell whether it is a claim about that version at all."""
        return _is_of(self.record, version)

    @property
    def verdicts(self) -> str:
        """All verdicts in one sentence: "holds on 1.37 and 1.36; was not run on 1.35"."""
        spans: list[tuple[str, list[str]]] = []
        for cell in self.cells:
            if not spans or spans[-1][0] != cell.verdict:
                spans.append((cell.verdict, []))
            spans[-1][1].append(cell.version.name)
        return "; ".join(f"{SAID[verdict]} on {text.joined(names)}" for verdict, names in spans)

    def on(self, version: Version) -> Cell:
        return next(cell for cell in self.cells if cell.version == version)


@dataclass(frozen=True)
class Topic:
    """A chapter: what its module says, its claims in the order of the lesson, and the rows that no lab can show."""

    name: str
    title: str
    lead: str
    prose: str
    claims: tuple[Claim, ...]
    untold: tuple[tuple[str, str], ...] = ()
    """(row, reason)."""

    def counts(self, version: Version) -> Counter[str]:
        """Count the verdicts of the claims that are about that version."""
        return Counter(claim.on(version).verdict for claim in self.claims if claim.is_of(version))

    @property
    def catching(self) -> int:
        """How many of its claims were seen to catch a change of Kubernetes."""
        return sum(bool(claim.caught) for claim in self.claims)


@dataclass(frozen=True)
class Matrix:
    """Everything that the outputs are made from."""

    versions: tuple[Version, ...]
    """Newest first."""
    topics: tuple[Topic, ...]
    mutants: tuple[Record, ...] = ()
    """What became of the changes of Kubernetes, on the newest version that they were tried on."""

    @property
    def claims(self) -> list[Claim]:
        return [claim for topic in self.topics for claim in topic.claims]

    @property
    def ran(self) -> list[Version]:
        return [version for version in self.versions if version.tag]

    @property
    def newest(self) -> Version:
        return self.ran[0]

    def counts(self, version: Version) -> Counter[str]:
        return sum((topic.counts(version) for topic in self.topics), Counter())


def build(
    results: Iterable[tuple[str, Mapping[str, Any]]],
    *,
    wanted: Sequence[str],
    ledger: Mapping[str, Mapping[str, str]] | None = None,
    mutants: Sequence[Record] = (),
) -> Matrix:
    """Merge results (each with the file's name, as `results_file.read` gives them) into one matrix.

    `wanted` are the minors that must not be missing (versions.yaml's), `ledger` the notes' rows in their order,
    `mutants` the runs of mutants, newest version first (as `mutant_verdicts.read` gives them).
    Raises CannotRun, naming the file, for two files of one version and for names that no run of ours gives.
    """
    ledger = ledger or {}
    files: dict[str, str] = {}
    told: dict[str, dict[str, Any]] = {}
    for file, content in sorted(results, key=lambda pair: pair[0]):
        one = text.cleaned(content)
        _check(file, one)
        tag = one["kubernetes"]["server"]
        if tag in files:
            raise CannotRun(f"{files[tag]} and {file} are both of {tag}; keep the one that you mean")
        files[tag], told[tag] = file, one
    if not told:
        raise CannotRun("there are no results to report; run `nox -s labs` first")
    versions = _columns(told, wanted)
    by_tag = {tag: {record["id"]: record for record in one["claims"]} for tag, one in told.items()}
    runs = [text.cleaned(run) for run in mutants]
    caught = mutant_verdicts.caught(runs)
    ids = {id: None for records in by_tag.values() for id in records}
    claims = [_row(id, versions, by_tag, caught.get(id, [])) for id in ids]
    tried = tuple(runs[0]["mutants"]) if runs else ()
    return Matrix(versions, tuple(_topics(claims, _prose(versions, told), ledger)), tried)


def _check(file: str, one: Mapping[str, Any]) -> None:
    """Hold what names files, links and columns to what our runs write; the schema is looser."""
    tag = str(one["kubernetes"]["server"])
    if not is_tag(tag):
        raise CannotRun(f"{file} is of {tag[:40]!r}, which is no version of Kubernetes; run `nox -s labs` again")
    for id, times in Counter(str(record["id"]) for record in one["claims"]).items():
        if not _CLAIM.fullmatch(id):
            raise CannotRun(f"{file} names a claim {id[:80]!r}, which cannot be one; run `nox -s labs` again")
        if times > 1:
            raise CannotRun(f"{file} has the claim {id} {times} times; run `nox -s labs` again")


def _columns(told: Mapping[str, Mapping[str, Any]], wanted: Sequence[str]) -> tuple[Version, ...]:
    """Give a column for each result and for each minor that is wanted and has none, newest first."""
    minors = Counter(_minor(tag) for tag in told if "-" not in tag)
    columns = [
        (
            age(tag),
            Version(
                _minor(tag) if minors[_minor(tag)] == 1 and "-" not in tag else tag.removeprefix("v"),
                tag,
                dict(one["kubernetes"]),
            ),
        )
        for tag, one in told.items()
    ]
    columns += [(age(f"v{minor}.0"), Version(minor, None)) for minor in sorted(set(wanted)) if not minors[minor]]
    return tuple(version for _, version in sorted(columns, key=lambda column: column[0], reverse=True))


def _minor(tag: str) -> str:
    return ".".join(tag.removeprefix("v").split(".")[:2])


def _row(
    id: str,
    versions: Sequence[Version],
    by_tag: Mapping[str, Mapping[str, Record]],
    caught: Iterable[Mapping[str, str]],
) -> Claim:
    cells: list[Cell] = []
    for version in versions:
        record = by_tag[version.tag].get(id) if version.tag else None
        cells.append(Cell(version, str(record["verdict"]) if record else NOT_RUN, record))
    changes: list[Change] = []
    older: Cell | None = None
    for cell in reversed(cells):
        # That a claim about some minors is not applicable on others is no news.
        if cell.verdict not in DECIDED or not _is_of(cell.record or {}, cell.version):
            continue
        if older and older.verdict != cell.verdict:
            changes.append(Change(older.version, cell.version, older.verdict, cell.verdict))
        older = cell
    records = [cell.record for cell in cells if cell.record]
    about = [cell.record for cell in cells if cell.record and _is_of(cell.record, cell.version)]
    newest = (about or records)[0]
    return Claim(id, newest, tuple(cells), tuple(reversed(changes)), tuple(caught))


def _is_of(record: Record, version: Version) -> bool:
    since, until = _minor_told(record, "since"), _minor_told(record, "until")
    return not ((since and version.minor < minor_number(since)) or (until and version.minor >= minor_number(until)))


def _minor_told(record: Record, side: str) -> str | None:
    # Results of earlier times have neither side.
    told: str | None = record.get(side)
    return told


def _prose(versions: Sequence[Version], told: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, str]]:
    """Give what the newest results say of each topic."""
    prose: dict[str, dict[str, str]] = {}
    for version in versions:
        for topic in told[version.tag].get("topics", ()) if version.tag else ():
            prose.setdefault(topic["topic"], topic)
    return prose


def _topics(
    claims: list[Claim], prose: Mapping[str, Mapping[str, str]], ledger: Mapping[str, Mapping[str, str]]
) -> Iterable[Topic]:
    """Give the topics in the notes' order and their claims in the lesson's: as the labs stand in their module."""
    rows = {row: place for place, row in enumerate(row for told in ledger.values() for row in told)}
    chapters = {topic: place for place, topic in enumerate(ledger)}

    def place(claim: Claim) -> tuple[float, float, str]:
        line = claim.record.get("lab", {}).get("line", float("inf"))
        return line, min(rows.get(row, float("inf")) for row in claim.record["ledger"]), claim.id

    names = {str(claim.record["topic"]) for claim in claims}
    for name in sorted(names, key=lambda name: (chapters.get(name, len(chapters)), name)):
        said = prose.get(name, {})
        yield Topic(
            name,
            said.get("title") or name.capitalize(),
            said.get("lead", ""),
            said.get("prose", ""),
            tuple(sorted((claim for claim in claims if claim.record["topic"] == name), key=place)),
            tuple((row, reason) for row, reason in ledger.get(name, {}).items() if reason),
        )
