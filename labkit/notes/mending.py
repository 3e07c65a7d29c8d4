"""A line or a manifest at fault, mended: candidates are tried in turn, and what hides behind a fault is found."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from labkit.notes import judge
from labkit.notes.attempt import Attempt, evidence_of
from labkit.notes.findings import Evidence, Finding
from labkit.notes.judge import CONTEXT, FAULT, HOLDS, NOT_RUN, Blame
from labkit.notes.mend import Edit, Text
from labkit.notes.sandbox import Said
from labkit.notes.scenario import File, Step, Subject

MOST_LAYERS = 8
"""Faults of one manifest, each of which hid the next."""


class Again(Exception):
    """A line broke a later one without a word: the scenario is to be tried from the beginning with it mended."""


def mend_line(attempt: Attempt, index: int, step: Step, blame: Blame, evidence: list[Evidence]) -> None:
    """Mend a line by its own words: one fault of it may hide another."""
    reasons = [blame.reason]
    tried: set[str] = set()
    candidates = list(blame.candidates)
    unmended = ""
    for _ in range(MOST_LAYERS):
        fresh = [c for c in candidates if c.text not in tried]
        if not fresh:
            break
        candidate = fresh[0]
        tried.add(candidate.text)
        said = attempt.type(step, candidate.text)
        evidence.append(evidence_of("mended", candidate.text, said))
        if attempt.passed(step, said):
            attempt.mended.scripts[index] = candidate.text
            attempt.fault(step, "; ".join(dict.fromkeys(reasons)), candidate.text, evidence)
            attempt.remember(index, step)
            return
        # One fault may have hidden another of the same line.
        again = judge.blame(
            attempt.failure(replace(step, script=candidate.text), candidate.text, said, ""), attempt.ground.facts
        )
        unmended = f"{candidate.text} was tried: {again.reason}"
        if (
            again.verdict == FAULT
            and again.candidates
            and not again.in_file
            and all(c.line is None for c in again.candidates)
        ):
            reasons.append(again.reason)
            candidates = [*again.candidates, *fresh[1:]]
        else:
            candidates = fresh[1:]
    attempt.lose(step)
    attempt.missed = step.line if attempt.missed is None else attempt.missed
    attempt.fault(step, blame.reason, "", evidence, unmended)


def mend_earlier(attempt: Attempt, index: int, step: Step, blame: Blame, evidence: list[Evidence]) -> None:
    """Mend the line that this one hangs on, type that again, and then this. Raises Again where all is to be typed."""
    here = [c for c in blame.candidates if c.line is None]
    if found := attempt.first_that_passes(step, here, evidence):
        attempt.mended.scripts[index] = found.text
        attempt.fault(step, blame.reason, found.text, evidence)
        return
    cause = next(c.line for c in blame.candidates if c.line is not None)
    broken = attempt.scenario.steps[cause]
    untried = [c for c in blame.candidates if c.line is not None and attempt.mended.scripts.get(cause) != c.text]
    if untried and not attempt.control and cause not in attempt.mended.causes:
        # What the line has done cannot be taken back here; from the beginning it can.
        attempt.mended.scripts[cause] = untried[0].text
        attempt.mended.causes[cause] = (blame.reason, tuple(evidence))
        raise Again
    if cause in attempt.mended.causes and cause in attempt.mended.scripts:
        del attempt.mended.scripts[cause]
        raise Again
    attempt.lose(step)
    attempt.tell(step, NOT_RUN, f"not reached because of line {broken.line}", evidence)


def mend_file(attempt: Attempt, index: int, step: Step, blame: Blame, evidence: list[Evidence]) -> None:
    """Mend a manifest layer by layer: each fault may hide the next."""
    file = next((f for f in step.files if f.block is not None), None)
    if file is None or file.block is None:
        attempt.lose(step)
        told = step.files[0].path if step.files else ""
        attempt.fault(step, blame.reason + (f" (in {told}, beside the notes)" if told else ""), "", evidence)
        return
    text = attempt.mended.blocks.get(file.block) or _text(attempt, step, file)
    layers: list[tuple[str, tuple[Edit, ...]]] = []
    fills: list[str] = []
    passed = False
    for _ in range(MOST_LAYERS):
        found = _next_layer(attempt, step, file, text, blame, evidence)
        if found is None:
            layers.append((blame.reason, ()))
            break
        text, edits, fill, said = found
        (fills.append(blame.reason) if fill else layers.append((blame.reason, edits)))
        if attempt.passed(step, said):
            passed = True
            break
        blame = judge.blame(attempt.failure(step, step.script, said, text.text), attempt.ground.facts)
        if blame.verdict != FAULT and not any(c.fills for c in blame.candidates):
            # What is left is no fault of the manifest: as far as it can be seen here, it is mended.
            passed = blame.verdict == CONTEXT
            break
    if passed:
        attempt.mended.blocks[file.block] = text
    else:
        attempt.lose(step)
    _tell_layers(attempt, step, file, layers, passed, evidence)
    if not layers and passed:
        attempt.tell(step, HOLDS, "", evidence)
    elif not layers:
        attempt.tell(step, NOT_RUN, blame.reason, evidence)
    if step.subject == "command":
        if passed:
            attempt.tell(step, HOLDS, "", evidence, [f"with the block of line {_line_of(attempt, file)} mended"])
            attempt.remember(index, step)
        else:
            attempt.tell(step, NOT_RUN, f"not reached because of line {_line_of(attempt, file)}", evidence)


def _line_of(attempt: Attempt, file: File) -> int:
    return attempt.ground.notes.document.blocks[file.block or 0].line


def _tell_layers(
    attempt: Attempt,
    step: Step,
    file: File,
    layers: Sequence[tuple[str, tuple[Edit, ...]]],
    passed: bool,
    evidence: Sequence[Evidence],
) -> None:
    subject: Subject = "fragment" if step.subject == "fragment" else "manifest"
    start = _line_of(attempt, file)
    block = attempt.ground.notes.document.blocks[file.block or 0]
    whole = replace(step, subject=subject, line=start, end=start + len(block.lines) - 1, command=None, block=file.block)
    lines = attempt.ground.notes.document.lines
    for reason, edits in layers:
        line = edits[0].line if edits else start
        written = lines[line - 1].strip() if line <= len(lines) else ""
        told = "\n".join(new.rstrip() for edit in edits for new in edit.new) if passed else ""
        if not step.given:
            attempt.findings.append(
                Finding(whole, written, FAULT, reason, line, told, edits if passed else (), step.told, tuple(evidence))
            )


def _next_layer(
    attempt: Attempt, step: Step, file: File, text: Text, blame: Blame, evidence: list[Evidence]
) -> tuple[Text, tuple[Edit, ...], bool, Said] | None:
    """Try the candidates for a manifest's first fault; give the first with which it gets further."""
    before = evidence[-1].stderr
    for candidate in blame.candidates:
        changed, edits = text.become(candidate.text)
        attempt.write(file.path, changed.text)
        said = attempt.type(step, step.script)
        evidence.append(evidence_of("mended", step.script, said))
        if attempt.passed(step, said) or (said.stderr != before and _depth(said.stderr) >= _depth(before)):
            return changed, edits, candidate.fills, said
    attempt.write(file.path, text.text)
    return None


_DEPTHS = (
    r"error (?:parsing|converting)",
    r"no matches for kind|no kind .* is registered",
    r"resource name may not be empty",
    r"cannot unmarshal",
    r"strict decoding error",
    r"is invalid:",
)
"""What is said of a manifest in the order in which it is read. A candidate with which reading ends sooner is no mend:
what is said then is the candidate's own fault, not one of the notes."""


def _depth(said: str) -> int:
    return next((depth for depth, words in enumerate(_DEPTHS) if re.search(words, said)), len(_DEPTHS))


def _text(attempt: Attempt, step: Step, file: File) -> Text:
    """Give a block's text with the place of each line; what the check has put around a piece has none."""
    block = attempt.ground.notes.document.blocks[file.block or 0]
    lines = file.text.rstrip("\n").split("\n")
    head = len(lines) - len(block.lines) if step.subject == "fragment" else 0
    places = [block.line + at - head if at >= head else None for at in range(len(lines))]
    return Text(tuple(lines), tuple(places))
