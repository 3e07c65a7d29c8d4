"""How a check's findings are told: in a terminal, as JSON, to GitHub and as JUnit. What documents say is untrusted."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from labkit.ci import github, junit
from labkit.notes import findings as told
from labkit.notes import mend, sentences
from labkit.notes.findings import Evidence, Finding, Judged
from labkit.notes.judge import CONTEXT, FAULT, HOLDS, NOT_RUN, WARNS
from labkit.notes.understand import Notes
from labkit.report import text
from labkit.supply import versions

MOST_OUTPUT = 4000
"""Characters of one output in JSON and on the page."""

MOST_SHOWN = 44
"""Characters of a line of notes in the terminal."""


@dataclass(frozen=True)
class Checked:
    """A document with what each version said of it, newest first."""

    name: str
    """As the user named it."""
    notes: Notes
    judged: tuple[Judged, ...]
    claims: tuple[Mapping[str, Any], ...] = ()
    """The claims of this project that settle its sentences: line and text."""

    def rows(self) -> Iterator[Row]:
        """Give what was looked at, each with its findings on all versions."""
        rows: dict[tuple[int, str, str, int], list[tuple[str, Finding]]] = {}
        for judged in self.judged:
            seen: dict[tuple[int, str, str], int] = {}
            for finding in judged.findings:
                key = (finding.line, finding.step.subject, finding.text)
                seen[key] = seen.get(key, 0) + 1
                rows.setdefault((*key, seen[key]), []).append((judged.kubernetes, finding))
        for (line, _, _, _), on in sorted(rows.items(), key=lambda row: row[0]):
            yield Row(line, tuple(on))


@dataclass(frozen=True)
class Row:
    """One line or block of a document, on each version."""

    line: int
    on: tuple[tuple[str, Finding], ...]

    @property
    def worst(self) -> Finding:
        return min((f for _, f in self.on), key=lambda f: _LOUD.index(f.verdict))

    def spans(self) -> Iterator[tuple[str, Finding]]:
        """Give the different findings with the versions that they are of."""
        alike: dict[tuple[str, str, str], list[tuple[str, Finding]]] = {}
        for version, finding in self.on:
            alike.setdefault((finding.verdict, finding.reason, finding.mended), []).append((version, finding))
        for same in alike.values():
            yield span([version for version, _ in same]), same[0][1]


_LOUD = (FAULT, WARNS, CONTEXT, NOT_RUN, HOLDS)


def span(tags: Sequence[str]) -> str:
    """Name versions as a range of minors: 1.34 to 1.37."""
    minors = sorted({versions.minor_of(tag) for tag in tags}, key=lambda m: int(m.partition(".")[2]))
    return minors[0] if len(minors) == 1 else f"{minors[0]} to {minors[-1]}" if _whole(minors) else ", ".join(minors)


def _whole(minors: Sequence[str]) -> bool:
    numbers = [int(m.partition(".")[2]) for m in minors]
    return numbers == list(range(numbers[0], numbers[-1] + 1))


def lines(checked: Checked) -> Iterator[str]:
    """Tell a document in the terminal: what does not simply hold, and the numbers."""
    name = text.clean(checked.name)
    several = len(checked.judged) > 1
    for row in checked.rows():
        place = f"{name}:{row.line}"
        for on, finding in row.spans():
            if finding.verdict == HOLDS:
                continue
            shown = _short(finding.text)
            where = f"on {on}: " if several else ""
            reason = f"{where}{_line(finding.reason)}"
            yield f"{place:<{len(name) + 6}} {finding.verdict:<8} {shown:<{MOST_SHOWN}}  {reason}".rstrip()
            indent = " " * (len(name) + 16)
            if finding.verdict == FAULT and finding.proven:
                first, *more = text.clean(finding.mended).strip("\n").split("\n")
                yield f"{indent}mended and seen to work: {first.strip()}" + (
                    f" (and {text.counted(len(more), 'more line')})" if more else ""
                )
            elif finding.verdict == FAULT:
                yield f"{indent}no mend: {_line(finding.unmended)}" if finding.unmended else f"{indent}no mend found"
    for line, finding_ in checked.notes.findings:
        yield f"{name + ':' + str(line):<{len(name) + 6}} {'note':<8} {_line(finding_)}"
    for judged in checked.judged:
        version = f" on {judged.kubernetes}" if several else ""
        yield f"{name:<{len(name) + 6}} {told.summary(judged.findings)}{version}"
    if checked.claims:
        unsettled = sum(claim["text"] == sentences.NO_CLAIM for claim in checked.claims)
        settled = text.counted(len(checked.claims) - unsettled, "sentence")
        yield f"{'':<{len(name) + 6}} settled by claims: {settled}; no claim yet: {unsettled} (the page has them)"
    if checked.notes.document.mentions:
        counted = text.counted(checked.notes.document.mentions, "piece")
        yield f"{'':<{len(name) + 6}} seen and not run: {counted} of code inside sentences"


def diff(checked: Checked) -> str:
    """Give every proven mend of the newest version on which there is one, as `git apply` takes it."""
    edits = {e for row in checked.rows() for e in row.worst.edits}
    return mend.diff(checked.notes.document, edits, checked.name)


def document(checked: Checked) -> dict[str, Any]:
    """Give a document's findings as JSON takes them; the schema is check.schema.json."""
    return {
        "path": checked.name,
        "lines": list(checked.notes.document.lines),
        "versions": [
            {"kubernetes": j.kubernetes, "seconds": round(j.seconds, 1), "counts": dict(told.counts(j.findings))}
            for j in checked.judged
        ],
        "findings": [
            {
                "line": row.line,
                "end": max(row.line, row.on[0][1].step.end),
                "subject": row.on[0][1].step.subject,
                "text": row.on[0][1].text,
                "on": {version: _finding(finding) for version, finding in row.on},
            }
            for row in checked.rows()
        ],
        "notes": [{"line": line, "text": said} for line, said in checked.notes.findings],
        "mentions": checked.notes.document.mentions,
        "diff": diff(checked),
        "claims": [dict(claim) for claim in checked.claims],
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "verdict": finding.verdict,
        "reason": finding.reason,
        "mended": finding.mended,
        "proven": finding.proven,
        "told": [*finding.told, *([f"no mend: {finding.unmended}"] if finding.unmended else [])],
        "evidence": [_evidence(e) for e in finding.evidence],
    }


def _evidence(evidence: Evidence) -> dict[str, Any]:
    return {
        "when": evidence.when,
        "typed": text.cut(evidence.typed, MOST_OUTPUT),
        "exit": evidence.rc,
        "stdout": text.cut(evidence.stdout, MOST_OUTPUT),
        "stderr": text.cut(evidence.stderr, MOST_OUTPUT),
        "seconds": round(evidence.seconds, 2),
    }


def marks(checked: Checked) -> Iterator[str]:
    """Give the workflow commands that mark faults and warnings on the notes' own lines."""
    levels = {FAULT: "error", WARNS: "warning"}
    for row in checked.rows():
        for on, finding in row.spans():
            if level := levels.get(finding.verdict):
                mended = f"\nmended and seen to work: {finding.mended}" if finding.proven else ""
                message = f"{finding.text}\n{finding.reason}{mended}"
                yield github.command(
                    level, message, file=checked.name, line=str(row.line), title=f"{finding.verdict} on {on}"
                )


def step_summary(all_checked: Sequence[Checked]) -> str:
    """Give a check's summary in Markdown."""
    table = [f"| document | {' | '.join(_LOUD)} |", "| --- |" + " ---: |" * len(_LOUD)]
    for checked in all_checked:
        for judged in checked.judged:
            count = told.counts(judged.findings)
            shown = " | ".join(str(count[verdict] or "·") for verdict in _LOUD)
            table.append(f"| {github.inline(checked.name)} ({judged.kubernetes}) | {shown} |")
    parts = ["## Notes, line by line\n", "\n".join(table) + "\n"]
    for checked in all_checked:
        for row in checked.rows():
            for on, finding in row.spans():
                if finding.verdict in (FAULT, WARNS):
                    head = f"### {finding.verdict}: {github.inline(checked.name)}:{row.line} on {on}"
                    mended = f"\nmended and seen to work:\n\n{github.fenced(finding.mended)}" if finding.proven else ""
                    parts.append(f"{head}\n\n{github.fenced(finding.text)}\n{github.inline(finding.reason)}\n{mended}")
    return github.fitting(parts, github.MOST_SUMMARY)


def junit_xml(all_checked: Sequence[Checked]) -> str:
    """Give all findings as JUnit: a fault is a failure, what was not run or lacks something is skipped."""
    suites = ET.Element("testsuites")
    for checked in all_checked:
        for judged in checked.judged:
            count = told.counts(judged.findings)
            suite = ET.SubElement(
                suites,
                "testsuite",
                name=junit.legal(f"{checked.name} on {judged.kubernetes}"),
                tests=str(len(judged.findings)),
                failures=str(count[FAULT]),
                errors="0",
                skipped=str(count[CONTEXT] + count[NOT_RUN]),
                time=f"{judged.seconds:.1f}",
            )
            for finding in judged.findings:
                case = ET.SubElement(
                    suite,
                    "testcase",
                    classname=junit.legal(checked.name),
                    name=junit.legal(f"line {finding.line}: {_line(finding.text)}"),
                    file=junit.legal(checked.name),
                    line=str(finding.line),
                    time=f"{sum(e.seconds for e in finding.evidence):.2f}",
                )
                if finding.verdict == FAULT:
                    ET.SubElement(case, "failure", message=junit.legal(finding.reason)).text = junit.legal(
                        finding.mended
                    )
                elif finding.verdict in (CONTEXT, NOT_RUN):
                    ET.SubElement(case, "skipped", message=junit.legal(f"{finding.verdict}: {finding.reason}"))
                elif finding.verdict == WARNS:
                    ET.SubElement(case, "system-out").text = junit.legal(f"warns: {finding.reason}")
    return ET.tostring(suites, encoding="unicode", xml_declaration=True)


def _short(line: str) -> str:
    shown = _line(line)
    return shown if len(shown) <= MOST_SHOWN else f"{shown[: MOST_SHOWN - 1]}…"


def _line(words: str) -> str:
    return text.one_line(text.clean(words))
