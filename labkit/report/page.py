"""The page: one file of HTML with all that it needs, the same bytes for the same results."""

from __future__ import annotations

import base64
import functools
import hashlib
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

import jinja2
from markupsafe import Markup

from labkit.report import borders, news, text, timeline
from labkit.report.matrix import NOT_RUN, VERDICTS, Cell, Claim, Matrix, Record, Topic, Version

MOST_BYTES = 3_000_000
"""The page is to be sent by mail and opened at once."""

NEWS_SHOWN = 5
"""Claims that one piece of news lists; the filter shows the rest."""

DOTS = 14
"""Claims in one line of a matrix cell."""

DOT = 8
"""Units from one claim's dot to the next."""


@dataclass(frozen=True)
class Detail:
    """How much evidence the page shows; what is left out is in the results files."""

    output: int
    """Characters of what a command printed."""
    others: int
    """The same for versions that say what the newest says; 0: none of their commands."""
    drawings: bool
    """Whether these versions have timelines, too."""
    all_decided: bool = True
    """Whether the versions before a change are shown as the newest is."""
    lanes: int = timeline.MOST_LANES
    """Objects that a timeline draws."""

    @property
    def lines(self) -> int:
        """Lines of what was seen."""
        return self.output // 20

    @property
    def acts(self) -> int:
        return _between(4, self.output // 50, 20)

    @property
    def commands(self) -> int:
        return self.output // 50 + 2

    @property
    def words(self) -> int:
        """Characters of an act or a command."""
        return _between(120, self.output, 300)

    @property
    def manifest(self) -> int:
        return _between(400, 2 * self.output, 6000)

    def reason(self, *, whole: bool) -> int:
        return _between(120, self.output, 2000 if whole else 500)


DETAILS = (
    Detail(4000, 4000, True),
    Detail(4000, 1200, False),
    Detail(2500, 0, False),
    Detail(1000, 0, False),
    Detail(400, 0, False, all_decided=False),
    Detail(100, 0, False, all_decided=False),
    Detail(60, 0, False, all_decided=False, lanes=2),
)
"""From all to little; the page takes the first that fits."""


@dataclass(frozen=True)
class Evidence:
    """What one version's run of a claim left to look at."""

    cell: Cell
    words: str
    """What was allowed and seen of the effect, empty where nothing was awaited."""
    drawing: timeline.Drawing | None
    entries: Sequence[Mapping[str, Any]]
    commands: Sequence[Mapping[str, Any]]
    same_commands: bool
    reason: str
    acts: Sequence[tuple[int, float, str]]
    most_lines: int

    @property
    def shows(self) -> bool:
        """Whether there is more to it than a row of the table of versions."""
        observed = (self.cell.record or {}).get("observations", ())
        return bool(self.reason or self.drawing or self.commands or len(observed) > 1)


def render(matrix: Matrix) -> str:
    """Give the page, with as much evidence as fits."""
    same = {
        (claim.id, cell.version.name)
        for claim in matrix.claims
        for cell in claim.cells
        if cell.record and cell.record is not claim.record and _printed_alike(cell.record, claim.record)
    }
    for detail in DETAILS:
        page = _render(matrix, detail, same)
        if len(page.encode()) <= MOST_BYTES:
            break
    return page


def spans(claim: Claim) -> Iterator[tuple[str, str, list[str]]]:
    """Give a claim's verdicts, newest first, neighbours of one verdict together: ("holds", "1.34-1.35", [the two]).

    The third part names each version. Versions that nobody ran are told once, above all claims; those that it is not
    about, beside its statement.
    """
    cells = [cell for cell in claim.cells if cell.version.tag and claim.is_of(cell.version)]
    while cells:
        verdict = cells[0].verdict
        same = 1
        while same < len(cells) and cells[same].verdict == verdict:
            same += 1
        newest, oldest = cells[0].version.name, cells[same - 1].version.name
        names = [cell.version.name for cell in cells[:same]]
        yield verdict, newest if same == 1 else f"{oldest}\N{EN DASH}{newest}", names
        cells = cells[same:]


def off(claim: Claim) -> list[str]:
    """Name the versions whose notes do not have this claim: it is not about them, or was not run there."""
    return [cell.version.name for cell in claim.cells if cell.verdict == NOT_RUN or not claim.is_of(cell.version)]


def true_of(claim: Claim) -> str:
    """Say of which minors a claim is: "since 1.36", "before 1.36"; "" where of all."""
    parts = (f"since {claim.since}" if claim.since else "", f"before {claim.until}" if claim.until else "")
    return ", ".join(filter(None, parts))


def for_one_version(matrix: Matrix) -> str:
    """Give the style by which the picker shows the notes of one version, without any script.

    What it hides says so in `data-off`. With the script, claims are filtered by that.
    """
    rules = []
    for version in matrix.versions:
        picked, is_off = f':has(.picker [value="{version.name}"]:checked)', f'[data-off~="{version.name}"]'
        rules.append(f"body{picked} #notes :is(.chip, .run){is_off}")
        rules.append(f"body:not(.scripted){picked} .claim{is_off}:not(:has(:target))")
    return f"{', '.join(rules)} {{ display: none }}\n"


def anchor(topic: str) -> str:
    """Give a topic's place in links: it is a name of ours, unless somebody made it up."""
    if re.fullmatch(r"[a-z0-9-]+", topic):
        return f"topic-{topic}"
    return f"topic-{hashlib.sha256(topic.encode()).hexdigest()[:12]}"


def dots(topic: Topic, version: Version) -> tuple[int, int, list[tuple[str, str]]]:
    """Give a cell's drawing, a dot a claim in the lesson's order: width, height, (verdict, path)."""
    paths: dict[str, list[str]] = {}
    for place, claim in enumerate(topic.claims):
        x, y = place % DOTS * DOT, place // DOTS * DOT
        verdict = claim.on(version).verdict
        paths.setdefault(verdict, []).append(_dot(verdict, x, y))
    count = len(topic.claims)
    size = min(count, DOTS) * DOT, -(-count // DOTS) * DOT
    return *size, [(verdict, "".join(path)) for verdict, path in sorted(paths.items())]


def evidence(claim: Claim, detail: Detail, alike: Collection[tuple[str, str]]) -> list[Evidence]:
    """Give what each version that ran the claim has to show, newest first.

    `alike` are claims and versions whose commands printed what they print on the newest.
    """
    told = [cell for cell in claim.cells if cell.record and claim.is_of(cell.version)]
    told = told or [cell for cell in claim.cells if cell.record]
    shown: list[Evidence] = []
    for index, cell in enumerate(told):
        record = cell.record or {}
        changed = detail.all_decided and any(cell.verdict != other.verdict for other in told)
        whole = index == 0 or changed
        same = (claim.id, cell.version.name) in alike
        most = detail.output if whole else detail.others
        shown.append(
            Evidence(
                cell,
                timeline.sides(*effect) if (effect := timeline.effect(record)) else "",
                timeline.draw(record, detail.lanes) if whole or detail.drawings else None,
                record["timeline"] if whole else (),
                [_printed(command, most, detail.words) for command in record["commands"][: detail.commands]]
                if most and not same
                else (),
                same,
                text.cut(record["reason"], detail.reason(whole=whole)),
                [(n, at_s, text.cut(words, detail.words)) for n, at_s, words in timeline.acts(record)[: detail.acts]],
                detail.lines,
            )
        )
    return shown


def commented(manifest: str) -> list[tuple[str, str]]:
    """Split each line of a manifest into what is read by the server and the comment, which is for the reader."""
    lines = []
    for line in manifest.rstrip("\n").split("\n"):
        found = re.match(r"^((?:.*?\s)?)(#.*)$", line)
        lines.append((found[1], found[2]) if found else (line, ""))
    return lines


def _render(matrix: Matrix, detail: Detail, alike: Collection[tuple[str, str]]) -> str:
    style, script = resource("style.css") + for_one_version(matrix), resource("script.js")
    page = templates().get_template("page.html.j2")
    minors = borders.by_minor(matrix)
    return page.render(
        matrix=matrix,
        topics=matrix.topics,
        newest=matrix.newest,
        headline=news.headline(matrix),
        changes=news.changes(matrix),
        bad=news.bad(matrix),
        known_bugs=news.known_bugs(matrix),
        minors=minors,
        other_sides=borders.other_sides(minors),
        not_run=news.not_run(matrix),
        about_the_notes=news.about_the_notes(matrix),
        about_the_mutants=news.about_the_mutants(matrix),
        evidence=lambda claim: evidence(claim, detail, alike),
        most_manifest=detail.manifest,
        style=Markup(style),
        script=Markup(script),
        style_hash=hash_of(style),
        script_hash=hash_of(script),
    )


def _printed_alike(one: Record, other: Record) -> bool:
    """Tell whether commands printed the same but for what differs from run to run: names, times and addresses."""
    pairs = zip(one["commands"], other["commands"], strict=False)
    return len(one["commands"]) == len(other["commands"]) and all(
        a["exit"] == b["exit"]
        and all(a[part] == b[part] or _plain(a[part]) == _plain(b[part]) for part in ("command", "stdout", "stderr"))
        for a, b in pairs
    )


_PASSING = (
    (re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"), "<uid>"),
    (re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z?"), "<time>"),
    (re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}\b"), "<address>"),
    (re.compile(r"\blabs-[0-9a-f]{8}\b"), "<cluster>"),
    (re.compile(r"-[0-9a-f]{6}\b"), "-<namespace>"),
    (re.compile(r"-(?:[bcdf-hj-np-tv-z2456789]{6,10}-)?[bcdf-hj-np-tv-z2456789]{5}\b"), "-<name>"),
    (re.compile(r'("resourceVersion": )"\d+"'), r"\1<number>"),
    (re.compile(r"\b(?:\d+d)?(?:\d+h)?(?:\d+m)?\d+(?:\.\d+)?m?s\b"), "<age>"),
    (re.compile(r"\n\[\d+ more characters\]\Z"), "\n<more>"),
)
"""What two runs of one lab never have in common, and what it is."""


def _plain(printed: str) -> str:
    for pattern, name in _PASSING:
        printed = pattern.sub(name, printed)
    # Columns of a table are as wide as the names in them.
    return re.sub(r" {2,}", "  ", printed)


def seen(entries: Sequence[Mapping[str, Any]], most: int) -> str:
    """Write a timeline's entries as at most so many lines with columns: when, who, what object, what was seen."""
    # A state's words begin with the object's name, which need not be said twice.
    told = [
        (_seconds(e["at_s"]), e["who"], e["object"], text.one_line(e["seen"]).removeprefix(e["object"]).lstrip(": "))
        for e in entries[:most]
    ]
    widths = [min(max((len(line[column]) for line in told), default=0), 40) for column in range(3)]
    lines = [
        f"{at:>{widths[0]}}  {who:<{widths[1]}}  {object:<{widths[2]}}  {words}" for at, who, object, words in told
    ]
    return "\n".join([*lines, f"[{len(entries) - most} more lines]"] if len(entries) > most else lines)


def _between(least: int, wished: int, most: int) -> int:
    return max(least, min(wished, most))


def _printed(command: Mapping[str, Any], most: int, words: int) -> dict[str, Any]:
    out, err = str(command["stdout"]).rstrip("\n"), str(command["stderr"]).rstrip("\n")
    return {
        "command": text.cut(str(command["command"]), words),
        "exit": command["exit"],
        "at_s": command["at_s"],
        "stdout": text.cut(out, most),
        "stderr": text.cut(err, most),
        "lines": len((f"{out}\n" if out else "").splitlines()) + len(err.splitlines()),
    }


def _dot(verdict: str, x: int, y: int) -> str:
    """Draw one claim's dot; each verdict has a shape of its own, so that no colour is needed to tell them apart."""
    shapes = {
        "holds": f"M{x} {y}h6v6h-6z",
        "broken": f"M{x} {y}l6 6m0-6l-6 6",
        "bug-not-seen": f"M{x} {y + 0.5:g}h6l-3 6z",
        "vacuous": f"M{x} {y + 6}h6l-3-6z",
        "inconclusive": f"M{x + 0.5:g} {y + 0.5:g}h5v5h-5z",
        "known-bug": f"M{x + 3} {y}l3 3l-3 3l-3-3z",
        "not-applicable": f"M{x} {y + 3}h6",
        NOT_RUN: f"M{x + 2} {y + 2}h2v2h-2z",
    }
    return shapes[verdict]


@functools.cache
def templates() -> jinja2.Environment:
    """Give the templates, which escape all that is put into them."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("labkit.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals.update(
        NEWS_SHOWN=NEWS_SHOWN,
        NOT_RUN=NOT_RUN,
        VERDICTS=VERDICTS,
        anchor=anchor,
        commented=commented,
        counted=text.counted,
        dots=dots,
        joined=text.joined,
        off=off,
        seen=seen,
        spans=spans,
        true_of=true_of,
    )
    environment.filters.update(
        date=text.date,
        g=lambda number: f"{number:g}",
        first_line=lambda words: words.strip().partition("\n")[0],
        cut=text.cut,
        seconds=_seconds,
    )
    return environment


def _seconds(value: float) -> str:
    try:
        return f"{value:.1f} s"
    except OverflowError:
        return "no time"


def resource(name: str) -> str:
    """Give a file that belongs to the pages: style.css, script.js."""
    return resources.files("labkit.report").joinpath("templates", name).read_text(encoding="utf-8")


def hash_of(content: str) -> str:
    """Give a content's name for the page's own policy, which lets nothing else run."""
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
