"""A scenario tried line by line, each judged by what the notes want of it; mends are held against a control."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from labkit.notes import images, judge, mending, output, understand
from labkit.notes.attempt import Attempt, calls_of, evidence_of
from labkit.notes.findings import Evidence, Finding
from labkit.notes.judge import CONTEXT, FAULT, HOLDS, NOT_RUN, WARNS, Blame
from labkit.notes.mending import Again
from labkit.notes.place import place
from labkit.notes.sandbox import Ended, Said
from labkit.notes.scenario import Step

_NOTHING_TO_MEND = "the line does what it says; what is wrong is that the notes have it fail"


class Trial(Attempt):
    """One time through a scenario, to the findings."""

    def go(self) -> list[Finding] | None:
        """Type all lines; give None where an earlier line was mended, and all is to be tried again."""
        try:
            return self._go()
        except Again:
            # Only the cause is typed mended from the beginning: of all else its own fault is to be seen again.
            self.mended.scripts = {at: text for at, text in self.mended.scripts.items() if at in self.mended.causes}
            self.mended.blocks.clear()
            return None

    def _go(self) -> list[Finding]:
        with place(self.ground.cluster, self.scenario) as here, self.ground.many.one(here.namespace) as sandbox:
            self.here, self.sandbox = here, sandbox
            for index, step in enumerate(self.scenario.steps):
                try:
                    self._step(index, step)
                except Ended as ended:
                    self.tell(step, NOT_RUN, str(ended))
                    for rest in self.scenario.steps[index + 1 :]:
                        self.tell(rest, NOT_RUN, f"not reached because of line {step.line}")
                    break
        return self.findings

    def _step(self, index: int, step: Step) -> None:
        script = self.mended.scripts.get(index, step.script)
        for file in step.files:
            text = self.mended.blocks[file.block].text if file.block in self.mended.blocks else file.text
            self.write(file.path, text)
        self.make_again(step)
        said = self.type(step, script)
        evidence = [evidence_of("as written", script, said)]
        if wanted := understand.must_fail(self.ground.notes, step.command) if step.command is not None else "":
            self._must_fail(index, step, wanted, said, evidence)
        elif self.passed(step, said):
            self._passes(index, step, said, evidence)
        else:
            self._fails(index, step, script, said, evidence)

    def _passes(self, index: int, step: Step, said: Said, evidence: Sequence[Evidence]) -> None:
        told = judge.warnings(said.stderr)
        stood_in = [] if self._dry else list(self.ground.images.told(images.of_step(step)))
        stand_ins = [f"the check has made {k} {n}, which the notes never make" for _, (k, n) in self.scenario.stand_ins
                     if any((k, n) in call.uses() for call in calls_of(step))]  # fmt: skip
        self.remember(index, step)
        if index in self.mended.causes:
            reason, seen = self.mended.causes[index]
            self.fault(step, reason, self.mended.scripts.get(index, ""), [*seen, *evidence])
            return
        if not (stood_in or self._trouble or self.ground.images.stood_in):
            became, how = output.compare(self.shown_under(step), said.stdout)
            if became == output.DIFFERENT:
                told = (*told, f"the output differs: {how}")
            elif became == output.FORMAT:
                stand_ins.append("the output has another form than the notes show")
        self.tell(step, WARNS if told else HOLDS, "; ".join(told), evidence, [*stood_in, *stand_ins])

    def _must_fail(self, index: int, step: Step, wanted: str, said: Said, evidence: list[Evidence]) -> None:
        """Judge a line that the notes have fail: then success is the fault, and so is another reason of its own."""
        if self.passed(step, said):
            if lacks := self._lacks_to_fail(step, wanted):
                self.tell(step, CONTEXT, f"the notes have it fail ({wanted}); here it succeeds: {lacks}", evidence)
            else:
                self.fault(step, f"the notes have it fail ({wanted}), and it succeeds", "", evidence, _NOTHING_TO_MEND)
            return
        facts = self.ground.facts
        blame = judge.blame(self.failure(step, step.script, said, self.manifest(step)), facts)
        if blame.verdict == NOT_RUN:
            self.tell(step, NOT_RUN, blame.reason, evidence)
            return
        shown = judge.blame(self.failure(step, step.script, replace(said, stdout="", stderr=wanted), ""), facts)
        if output.fails_alike(wanted, said.text) or (blame.verdict, blame.reason) == (shown.verdict, shown.reason):
            self.tell(step, HOLDS, "", evidence, ["it fails, as the notes have it"])
            return
        otherwise = f"the notes have it fail otherwise ({wanted})"
        if blame.verdict != FAULT or blame.in_file or any(c.line is not None for c in blame.candidates):
            self.tell(step, CONTEXT, f"{otherwise}: {judge.last_words(said.text)}", evidence)
            return
        for candidate in blame.candidates:
            again = self.type(step, candidate.text)
            evidence.append(evidence_of("mended", candidate.text, again))
            if not self.passed(step, again) and output.fails_alike(wanted, again.text):
                self.mended.scripts[index] = candidate.text
                self.fault(step, f"{otherwise}: {blame.reason}", candidate.text, evidence)
                return
        self.fault(step, f"{otherwise}: {blame.reason}", "", evidence)

    def _lacks_to_fail(self, step: Step, wanted: str) -> str:
        """Say what a line may lack here that it fails on where the notes were written; "" for nothing."""
        if wanted in output.OF_THE_MOMENT:
            return "what it met was of that moment"
        uses = {thing for call in calls_of(step) for thing in call.uses()}
        for _, (kind, name) in self.scenario.stand_ins:
            if (kind, name) in uses:
                return f"the check has made {kind} {name}"
        section = self.ground.notes.document.blocks[step.block or 0].section
        missed = [self.missed] if self.missed is not None else []
        missed += [
            left.line
            for left in self.ground.left
            if left.subject == "command"
            and left.line < step.line
            and self.ground.notes.document.blocks[left.block or 0].section == section
        ]
        return f"line {min(missed)} did not come about before it" if missed else ""

    def _fails(self, index: int, step: Step, script: str, said: Said, evidence: list[Evidence]) -> None:
        calls = calls_of(step)
        failure = self.failure(step, script, said, self.manifest(step))
        if (line := self._cause(step, said)) is not None:
            self.lose(step)
            self.tell(step, NOT_RUN, f"not reached because of line {line}", evidence)
            return
        blame = judge.blame(failure, self.ground.facts)
        if not calls and blame.verdict == FAULT and step.subject == "command" and not blame.candidates:
            blame = Blame(CONTEXT, blame.reason)
        if substitute := self.first_that_passes(step, blame.substitutes, evidence):
            self.tell(step, HOLDS, "", evidence, [f"typed as: {substitute.text}"])
            return
        if blame.verdict != FAULT and not any(c.fills for c in blame.candidates):
            reason = self._trouble if self._trouble and calls and blame.verdict == CONTEXT else blame.reason
            self.lose(step)
            self.tell(step, blame.verdict, reason, evidence)
            return
        if blame.in_file:
            mending.mend_file(self, index, step, blame, evidence)
        elif any(candidate.line is not None for candidate in blame.candidates):
            mending.mend_earlier(self, index, step, blame, evidence)
        else:
            mending.mend_line(self, index, step, blame, evidence)

    def _cause(self, step: Step, said: Said) -> int | None:
        """Name the earlier line without which this one cannot work."""
        if "NotFound" not in said.stderr and "not found" not in said.text:
            return None
        for call in calls_of(step):
            for thing in call.uses():
                if thing in self._lost:
                    return self._lost[thing]
        return None


def confirmed(findings: list[Finding], control: list[Finding]) -> list[Finding]:
    """Keep of mends what the control has seen to work."""
    told = []
    for finding in findings:
        if finding.verdict != FAULT or not finding.edits:
            told.append(finding)
            continue
        seen = next((f for f in control if _same(f.step, finding.step)), None)
        evidence = (
            (*finding.evidence, *(replace(e, when="control") for e in seen.evidence)) if seen else finding.evidence
        )
        if seen is not None and (
            seen.verdict in (HOLDS, WARNS) or (seen.verdict == FAULT and seen.edits == finding.edits)
        ):
            told.append(replace(finding, evidence=evidence))
        else:
            told.append(replace(finding, edits=(), mended="", evidence=evidence))
    return told


def _same(control: Step, found: Step) -> bool:
    """Tell whether a step of the control tries what was found at fault: that line, or that block's manifest."""
    if found.command is not None:
        return control.command == found.command
    return any(file.block == found.block for file in control.files)
