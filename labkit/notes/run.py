"""A plan tried on a cluster: each line typed as written; what fails blamed, mended, and tried from the beginning."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from labkit.cluster import LabCluster
from labkit.cluster.nodes import answering, engine
from labkit.notes import dockerfiles, images, judge, kubectl, output, shell, spelling, understand
from labkit.notes.facts import ClusterFacts
from labkit.notes.findings import Evidence, Finding
from labkit.notes.images import Images
from labkit.notes.judge import CONTEXT, FAULT, HOLDS, NOT_RUN, WARNS, Blame, Candidate, Failure
from labkit.notes.kubectl import Kubectl, Object
from labkit.notes.mend import Edit, Text
from labkit.notes.place import Names, place
from labkit.notes.sandbox import STEP_S, Ended, Said, Sandboxes
from labkit.notes.scenario import DRY_RUNS, File, Plan, Scenario, Step, Subject
from labkit.notes.understand import Notes, objects_made
from labkit.trouble import CannotRun, Inconclusive

SIDE_BY_SIDE = 4
"""Scenarios at once. They mostly wait for the API server."""

MOST_S = 1800.0
"""Seconds for one document on one version, after which no scenario begins; the longest of 14 took two minutes."""

MOST_LAYERS = 8
"""Faults of one manifest, each of which hid the next."""

FAILED = "the cluster or the sandbox failed"

IN_TROUBLE_S = 6.0
"""Seconds for a line that waits for Pods of which it is known that they do not run."""

DOCKERFILE_STAGE = "labs-parsed-only"
"""A stage that no Dockerfile has: the engine parses the whole file, finds that out, and builds nothing."""


@dataclass
class _Mended:
    """What is known of a scenario to work better than what the notes have."""

    scripts: dict[int, str] = field(default_factory=dict)
    """By step."""
    blocks: dict[int, Text] = field(default_factory=dict)
    causes: dict[int, tuple[str, tuple[Evidence, ...]]] = field(default_factory=dict)
    """Steps that answered 0 and broke a later one: why, and what was seen of that."""

    def __bool__(self) -> bool:
        return bool(self.scripts or self.blocks)


def run(notes: Notes, planned: Plan, cluster: LabCluster, many: Sandboxes) -> tuple[Finding, ...]:
    """Give every step of a plan its verdict on a cluster."""
    runner = _Runner(notes, cluster, many)
    runner.left = planned.left
    found = [_not_run(notes, step) for step in planned.left if step.subject != "Dockerfile"]
    dockerfiles = [step for step in planned.left if step.subject == "Dockerfile"]
    runner.provide_images(planned)
    beside = [s for s in planned.scenarios if not s.alone]
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        try:
            for findings in pool.map(runner.scenario, beside):
                found += findings
        except BaseException:
            # The pool waits for what it has begun, and a scenario may take minutes: Ctrl-C is not to.
            many.end()
            raise
    for scenario in (s for s in planned.scenarios if s.alone):
        found += runner.scenario(scenario)
    for step in dockerfiles:
        found += dockerfile(notes, step)
    for one in spelling.contradictions(notes, runner.images.stood_in | runner.images.unpullable):
        found = list(_contradicted(notes, found, one))
    return tuple(sorted(found, key=lambda f: (f.line, f.step.line)))


def _contradicted(notes: Notes, found: Sequence[Finding], one: spelling.Contradiction) -> Iterator[Finding]:
    """Put what the notes contradict among the findings: a line's own verdict becomes that, a block gets one more."""
    told = False
    for finding in found:
        step = finding.step
        if not one.in_command:
            yield finding
            if not told and (step.block == one.block or any(file.block == one.block for file in step.files)):
                told = True
                block = notes.document.blocks[one.block]
                subject: Subject = "manifest" if step.subject == "command" else step.subject
                whole = replace(step, subject=subject, line=block.line, end=block.line + len(block.lines) - 1,
                                command=None, block=one.block, files=())  # fmt: skip
                yield Finding(whole, one.text, FAULT, one.reason, one.line, told=step.told, unmended=one.unmended)
        elif step.subject == "command" and step.line <= one.line <= step.end and finding.verdict != FAULT:
            yield replace(
                finding,
                verdict=FAULT,
                reason=one.reason,
                told=(*finding.told, finding.reason) if finding.reason else finding.told,
                unmended=one.unmended,
            )
        else:
            yield finding


def without_cluster(notes: Notes, planned: Plan) -> tuple[Finding, ...]:
    """Give the findings of a plan of which nothing is to be typed; Dockerfiles are left unread."""
    return tuple(
        _not_run(notes, replace(step, not_run=step.not_run or "a Dockerfile, and no engine was started for it alone"))
        for step in planned.left
    )


def _not_run(notes: Notes, step: Step) -> Finding:
    return Finding(step, _as_written(notes, step), NOT_RUN, step.not_run, step.line, told=step.told)


def _as_written(notes: Notes, step: Step) -> str:
    if step.command is not None:
        return " ".join(notes.commands[step.command].text.split("\n")[0].split())
    return next((line.strip() for line in notes.document.blocks[step.block or 0].lines if line.strip()), "")


class _Runner:
    def __init__(self, notes: Notes, cluster: LabCluster, many: Sandboxes) -> None:
        self._notes = notes
        self._cluster = cluster
        self._many = many
        self._facts = ClusterFacts(cluster)
        self._names = Names()
        self._deadline = time.monotonic() + MOST_S
        self.images = Images(cluster)
        self.left: Sequence[Step] = ()
        """What of the document is not run."""

    def provide_images(self, planned: Plan) -> None:
        """Let the nodes have something for images that no registry serves here."""
        wanted = {image for s in planned.scenarios for step in s.steps for image in images.of_step(step)}
        self.images.provide(wanted | spelling.doubtful_bases(self._notes))

    def _calls(self, step: Step) -> tuple[Kubectl, ...]:
        return understand.kubectls(shell.parse(step.script)) if step.subject == "command" else ()

    def scenario(self, scenario: Scenario) -> list[Finding]:
        """Try a scenario as written; and once more from the beginning, mended, where something had to be mended."""
        try:
            if time.monotonic() > self._deadline:
                raise Inconclusive(f"one document is given {MOST_S / 60:.0f} minutes, and they are over")
            with self._names.taken(scenario.namespaces):
                mended = _Mended()
                findings = None
                while findings is None:
                    findings = _Pass(self, scenario, mended).go()
                # A dry run leaves nothing behind: each of them has been its own control.
                if mended and scenario.title != DRY_RUNS:
                    findings = _confirmed(findings, _Pass(self, scenario, mended, control=True).go() or [])
                return findings
        except (CannotRun, Inconclusive) as trouble:
            return [
                Finding(step, _as_written(self._notes, step), NOT_RUN, f"{FAILED}: {trouble}", step.line)
                for step in scenario.steps
                if not step.given
            ]


_NOTHING_TO_MEND = "the line does what it says; what is wrong is that the notes have it fail"


class _Again(Exception):
    """A line broke a later one without a word: the scenario is to be tried from the beginning with it mended."""


def _confirmed(findings: list[Finding], control: list[Finding]) -> list[Finding]:
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


class _Pass:
    """One time through a scenario."""

    def __init__(self, runner: _Runner, scenario: Scenario, mended: _Mended, *, control: bool = False) -> None:
        self._runner = runner
        self._notes = runner._notes
        self._facts = runner._facts
        self._scenario = scenario
        self.mended = mended
        self._control = control
        self._dry = scenario.title == DRY_RUNS
        self._findings: list[Finding] = []
        self._lost: dict[Object, int] = {}
        """What a line that failed would have made, and that line."""
        self._trouble = ""
        self._missed: int | None = None
        """The first line that did not come to what the notes want of it."""
        self._contexts: dict[int, str] = {}
        self._runs: dict[str, tuple[int, str]] = {}
        self._deleted_by_guess: set[Object] = set()

    def go(self) -> list[Finding] | None:
        """Type all lines; give None where an earlier line was mended, and all is to be tried again."""
        try:
            return self._go()
        except _Again:
            # Only the cause is typed mended from the beginning: of all else its own fault is to be seen again.
            self.mended.scripts = {at: text for at, text in self.mended.scripts.items() if at in self.mended.causes}
            self.mended.blocks.clear()
            return None

    def _go(self) -> list[Finding]:
        with place(self._runner._cluster, self._scenario) as here, self._runner._many.one(here.namespace) as sandbox:
            self._here, self._sandbox = here, sandbox
            for index, step in enumerate(self._scenario.steps):
                try:
                    self._step(index, step)
                except Ended as ended:
                    self._tell(step, NOT_RUN, str(ended))
                    for rest in self._scenario.steps[index + 1 :]:
                        self._tell(rest, NOT_RUN, f"not reached because of line {step.line}")
                    break
        return self._findings

    def _tell(
        self, step: Step, verdict: str, reason: str = "", evidence: Sequence[Evidence] = (), told: Sequence[str] = ()
    ) -> None:
        if verdict in (CONTEXT, NOT_RUN) and self._missed is None:
            self._missed = step.line
        if not step.given:
            self._findings.append(
                Finding(
                    step,
                    _as_written(self._notes, step),
                    verdict,
                    reason,
                    step.line,
                    told=(*step.told, *told),
                    evidence=tuple(evidence),
                )
            )

    def _step(self, index: int, step: Step) -> None:
        script = self.mended.scripts.get(index, step.script)
        for file in step.files:
            text = self.mended.blocks[file.block].text if file.block in self.mended.blocks else file.text
            self._write(file.path, text)
        self._make_again(step)
        said = self._type(step, script)
        evidence = [_evidence("as written", script, said)]
        if wanted := understand.must_fail(self._notes, step.command) if step.command is not None else "":
            self._must_fail(index, step, wanted, said, evidence)
        elif self._passed(step, said):
            self._passes(index, step, said, evidence)
        else:
            self._fails(index, step, script, said, evidence)

    def _passes(self, index: int, step: Step, said: Said, evidence: Sequence[Evidence]) -> None:
        told = judge.warnings(said.stderr)
        stood_in = [] if self._dry else list(self._runner.images.told(images.of_step(step)))
        stand_ins = [f"the check has made {k} {n}, which the notes never make" for _, (k, n) in self._scenario.stand_ins
                     if any((k, n) in call.uses() for call in self._runner._calls(step))]  # fmt: skip
        self._remember(index, step)
        if index in self.mended.causes:
            reason, seen = self.mended.causes[index]
            self._fault(step, reason, self.mended.scripts.get(index, ""), [*seen, *evidence])
            return
        if not (stood_in or self._trouble or self._runner.images.stood_in):
            became, how = output.compare(self._shown_under(step), said.stdout)
            if became == output.DIFFERENT:
                told = (*told, f"the output differs: {how}")
            elif became == output.FORMAT:
                stand_ins.append("the output has another form than the notes show")
        self._tell(step, WARNS if told else HOLDS, "; ".join(told), evidence, [*stood_in, *stand_ins])

    def _shown_under(self, step: Step) -> tuple[str, ...]:
        """Give what the notes show under a line."""
        return self._notes.commands[step.command].typed.shown if step.command is not None else ()

    def _must_fail(self, index: int, step: Step, wanted: str, said: Said, evidence: list[Evidence]) -> None:
        """Judge a line that the notes have fail: then success is the fault, and so is another reason of its own."""
        if self._passed(step, said):
            if lacks := self._lacks_to_fail(step, wanted):
                self._tell(step, CONTEXT, f"the notes have it fail ({wanted}); here it succeeds: {lacks}", evidence)
            else:
                self._fault(step, f"the notes have it fail ({wanted}), and it succeeds", "", evidence, _NOTHING_TO_MEND)
            return
        blame = judge.blame(self._failure(step, step.script, said, self._manifest(step)), self._facts)
        if blame.verdict == NOT_RUN:
            self._tell(step, NOT_RUN, blame.reason, evidence)
            return
        shown = judge.blame(self._failure(step, step.script, replace(said, stdout="", stderr=wanted), ""), self._facts)
        if output.fails_alike(wanted, said.text) or (blame.verdict, blame.reason) == (shown.verdict, shown.reason):
            self._tell(step, HOLDS, "", evidence, ["it fails, as the notes have it"])
            return
        otherwise = f"the notes have it fail otherwise ({wanted})"
        if blame.verdict != FAULT or blame.in_file or any(c.line is not None for c in blame.candidates):
            self._tell(step, CONTEXT, f"{otherwise}: {judge.last_words(said.text)}", evidence)
            return
        for candidate in blame.candidates:
            again = self._type(step, candidate.text)
            evidence.append(_evidence("mended", candidate.text, again))
            if not self._passed(step, again) and output.fails_alike(wanted, again.text):
                self.mended.scripts[index] = candidate.text
                self._fault(step, f"{otherwise}: {blame.reason}", candidate.text, evidence)
                return
        self._fault(step, f"{otherwise}: {blame.reason}", "", evidence)

    def _lacks_to_fail(self, step: Step, wanted: str) -> str:
        """Say what a line may lack here that it fails on where the notes were written; "" for nothing."""
        if wanted in output.OF_THE_MOMENT:
            return "what it met was of that moment"
        uses = {thing for call in self._runner._calls(step) for thing in call.uses()}
        for _, (kind, name) in self._scenario.stand_ins:
            if (kind, name) in uses:
                return f"the check has made {kind} {name}"
        section = self._notes.document.blocks[step.block or 0].section
        missed = [self._missed] if self._missed is not None else []
        missed += [
            left.line
            for left in self._runner.left
            if left.subject == "command"
            and left.line < step.line
            and self._notes.document.blocks[left.block or 0].section == section
        ]
        return f"line {min(missed)} did not come about before it" if missed else ""

    def _remember(self, index: int, step: Step) -> None:
        if step.command is None:
            return
        text = self.mended.scripts.get(index, step.script)
        for call in self._runner._calls(step):
            if (
                call.verb == "config"
                and call.second == "set-context"
                and "--cluster" not in text
                and "--current" not in text
            ):
                self._contexts[index] = text
            if call.verb == "run" and call.words:
                self._runs[call.words[0]] = (index, text)
            if call.verb == "delete" and step.filled:
                self._deleted_by_guess.update(call.deletes())

    def _make_again(self, step: Step) -> None:
        """Make a stand-in again that a line with a filled-in placeholder has deleted."""
        for call in self._runner._calls(step):
            for space, thing in self._scenario.stand_ins:
                if thing in self._deleted_by_guess and thing in call.uses():
                    self._here.make(space, thing)
                    self._deleted_by_guess.discard(thing)

    def _write(self, path: str, text: str) -> None:
        self._sandbox.write(path, text if self._dry else self._runner.images.typed(text))

    def _type(self, step: Step, script: str) -> Said:
        calls = self._runner._calls(step)
        timeout_s = STEP_S
        if lacking := next((i for i in images.of_step(step) if i in self._runner.images.unpullable), None):
            self._trouble = f"image {lacking} cannot be pulled here"
            timeout_s = IN_TROUBLE_S if any(call.interactive for call in calls) else STEP_S
        looks = any(call.verb == "get" for call in calls) and "Running" in "".join(self._shown_under(step))
        waits = looks or [
            c
            for c in calls
            if c.verb in kubectl.VERBS_ON_POD or (c.verb == "rollout" and c.second == "status") or c.verb == "wait"
        ]
        if waits:
            self._trouble = self._here.settle(next((call.namespace for call in calls if call.namespace), ""))
            timeout_s = IN_TROUBLE_S if self._trouble else STEP_S
        endless = any(call.endless for call in calls) and not re.search(r"\|\s*(head|grep|jq)", script)
        stdin = step.stdin
        if stdin is None and any(call.interactive for call in calls):
            stdin = "exit\n"
        script = script if self._dry else self._runner.images.typed(script)
        return self._sandbox.type(script, stdin=stdin, endless=endless, timeout_s=timeout_s)

    def _passed(self, step: Step, said: Said) -> bool:
        if (
            step.stdin is not None
            and said.rc
            and not said.ended
            and not re.search(r"^[Ee]rror", said.stderr, re.MULTILINE)
        ):
            return True  # the last thing typed into the inner shell
        return said.rc == 0 and said.ended in ("",)

    def _fails(self, index: int, step: Step, script: str, said: Said, evidence: list[Evidence]) -> None:
        calls = self._runner._calls(step)
        failure = self._failure(step, script, said, self._manifest(step))
        if (line := self._cause(step, said)) is not None:
            self._lose(step)
            self._tell(step, NOT_RUN, f"not reached because of line {line}", evidence)
            return
        blame = judge.blame(failure, self._facts)
        if not calls and blame.verdict == FAULT and step.subject == "command" and not blame.candidates:
            blame = Blame(CONTEXT, blame.reason)
        if substitute := self._try(step, blame.substitutes, evidence):
            self._tell(step, HOLDS, "", evidence, [f"typed as: {substitute.text}"])
            return
        if blame.verdict != FAULT and not any(c.fills for c in blame.candidates):
            reason = self._trouble if self._trouble and calls and blame.verdict == CONTEXT else blame.reason
            self._lose(step)
            self._tell(step, blame.verdict, reason, evidence)
            return
        if blame.in_file:
            self._mend_file(index, step, blame, evidence)
        elif any(candidate.line is not None for candidate in blame.candidates):
            self._mend_earlier(index, step, blame, evidence)
        else:
            self._mend_line(index, step, blame, evidence)

    def _failure(self, step: Step, script: str, said: Said, text: str) -> Failure:
        return Failure(
            script,
            self._runner._calls(step),
            said.rc,
            "\n".join(part for part in (said.stdout if not said.stderr else "", said.stderr) if part),
            said.ended,
            self._here.namespace,
            manifest=text,
            piece=step.subject == "fragment",
            stand_ins=frozenset(thing for _, thing in self._scenario.stand_ins),
            contexts=self._contexts,
            runs=self._runs,
        )

    def _manifest(self, step: Step) -> str:
        return "\n---\n".join(f.text for f in step.files)

    def _cause(self, step: Step, said: Said) -> int | None:
        """Name the earlier line without which this one cannot work."""
        if "NotFound" not in said.stderr and "not found" not in said.text:
            return None
        for call in self._runner._calls(step):
            for thing in call.uses():
                if thing in self._lost:
                    return self._lost[thing]
        return None

    def _lose(self, step: Step) -> None:
        if step.command is not None:
            self._lost.update(dict.fromkeys(objects_made(self._notes, step.command), step.line))

    def _try(self, step: Step, candidates: Sequence[Candidate], evidence: list[Evidence]) -> Candidate | None:
        """Type one candidate after another, until one passes."""
        for candidate in candidates:
            said = self._type(step, candidate.text)
            evidence.append(_evidence("mended", candidate.text, said))
            if self._passed(step, said):
                return candidate
        return None

    def _mend_line(self, index: int, step: Step, blame: Blame, evidence: list[Evidence]) -> None:
        reasons = [blame.reason]
        tried: set[str] = set()
        candidates = list(blame.candidates)
        for _ in range(MOST_LAYERS):
            fresh = [c for c in candidates if c.text not in tried]
            if not fresh:
                break
            candidate = fresh[0]
            tried.add(candidate.text)
            said = self._type(step, candidate.text)
            evidence.append(_evidence("mended", candidate.text, said))
            if self._passed(step, said):
                self.mended.scripts[index] = candidate.text
                self._fault(step, "; ".join(dict.fromkeys(reasons)), candidate.text, evidence)
                self._remember(index, step)
                return
            # One fault may have hidden another of the same line.
            again = judge.blame(
                self._failure(replace(step, script=candidate.text), candidate.text, said, ""), self._facts
            )
            if (
                again.verdict == FAULT
                and again.candidates
                and not again.in_file
                and all(c.line is None for c in again.candidates)
            ):
                reasons.append(again.reason)
                candidates = [*again.candidates, *fresh[1:]]
            elif again.verdict == CONTEXT and fresh[1:] == [] and self._stand_ins_fault(again):
                # Taken by kubectl; what lacks now lacked before.
                break
            else:
                candidates = fresh[1:]
        self._lose(step)
        self._missed = step.line if self._missed is None else self._missed
        self._fault(step, blame.reason, "", evidence)

    def _stand_ins_fault(self, blame: Blame) -> bool:
        return "its Pod" in blame.reason or "image" in blame.reason

    def _mend_earlier(self, index: int, step: Step, blame: Blame, evidence: list[Evidence]) -> None:
        """Mend the line that this one hangs on, type that again, and then this."""
        here = [c for c in blame.candidates if c.line is None]
        if found := self._try(step, here, evidence):
            self.mended.scripts[index] = found.text
            self._fault(step, blame.reason, found.text, evidence)
            return
        cause = next(c.line for c in blame.candidates if c.line is not None)
        broken = self._scenario.steps[cause]
        untried = [c for c in blame.candidates if c.line is not None and self.mended.scripts.get(cause) != c.text]
        if untried and not self._control and cause not in self.mended.causes:
            # What the line has done cannot be taken back here; from the beginning it can.
            self.mended.scripts[cause] = untried[0].text
            self.mended.causes[cause] = (blame.reason, tuple(evidence))
            raise _Again
        if cause in self.mended.causes and cause in self.mended.scripts:
            del self.mended.scripts[cause]
            raise _Again
        self._lose(step)
        self._tell(step, NOT_RUN, f"not reached because of line {broken.line}", evidence)

    def _fault(self, step: Step, reason: str, mended: str, evidence: Sequence[Evidence], unmended: str = "") -> None:
        if step.given:
            return
        edits = self._edits(step, mended) if mended else ()
        self._findings.append(
            Finding(
                step,
                _as_written(self._notes, step),
                FAULT,
                reason,
                step.line,
                self._shown(step, mended),
                edits,
                step.told,
                tuple(evidence),
                unmended,
            )
        )

    def _shown(self, step: Step, mended: str) -> str:
        """Give a mended line as the notes would have it: with its placeholders."""
        return "\n".join(line for edit in self._edits(step, mended) for line in edit.new) if mended else ""

    def _edits(self, step: Step, mended: str) -> tuple[Edit, ...]:
        assert step.command is not None
        command = self._notes.commands[step.command]
        if command.placeholders:
            mended = _with_marks(command.text, step.script, mended)
        old = command.text.split("\n")
        _, edits = Text(tuple(old), tuple(range(command.line, command.line + len(old)))).become(mended)
        return edits

    def _mend_file(self, index: int, step: Step, blame: Blame, evidence: list[Evidence]) -> None:
        """Mend a manifest layer by layer: each fault may hide the next."""
        file = next((f for f in step.files if f.block is not None), None)
        if file is None or file.block is None:
            self._lose(step)
            told = step.files[0].path if step.files else ""
            self._fault(step, blame.reason + (f" (in {told}, beside the notes)" if told else ""), "", evidence)
            return
        text = self.mended.blocks.get(file.block) or self._text(step, file)
        layers: list[tuple[str, tuple[Edit, ...]]] = []
        fills: list[str] = []
        passed = False
        for _ in range(MOST_LAYERS):
            found = self._next_layer(step, file, text, blame, evidence)
            if found is None:
                layers.append((blame.reason, ()))
                break
            text, edits, fill, said = found
            (fills.append(blame.reason) if fill else layers.append((blame.reason, edits)))
            if self._passed(step, said):
                passed = True
                break
            blame = judge.blame(self._failure(step, step.script, said, text.text), self._facts)
            if blame.verdict != FAULT and not any(c.fills for c in blame.candidates):
                # What is left is no fault of the manifest: as far as it can be seen here, it is mended.
                passed = blame.verdict == CONTEXT
                break
        if passed:
            self.mended.blocks[file.block] = text
        else:
            self._lose(step)
        self._tell_layers(step, file, layers, passed, evidence)
        if not layers and passed:
            self._tell(step, HOLDS, "", evidence)
        elif not layers:
            self._tell(step, NOT_RUN, blame.reason, evidence)
        if step.subject == "command":
            if passed:
                self._tell(step, HOLDS, "", evidence, [f"with the block of line {self._line_of(file)} mended"])
                self._remember(index, step)
            else:
                self._tell(step, NOT_RUN, f"not reached because of line {self._line_of(file)}", evidence)

    def _line_of(self, file: File) -> int:
        return self._notes.document.blocks[file.block or 0].line

    def _tell_layers(
        self,
        step: Step,
        file: File,
        layers: Sequence[tuple[str, tuple[Edit, ...]]],
        passed: bool,
        evidence: Sequence[Evidence],
    ) -> None:
        subject: Subject = "fragment" if step.subject == "fragment" else "manifest"
        start = self._line_of(file)
        block = self._notes.document.blocks[file.block or 0]
        whole = replace(
            step, subject=subject, line=start, end=start + len(block.lines) - 1, command=None, block=file.block
        )
        for reason, edits in layers:
            line = edits[0].line if edits else start
            written = self._notes.document.lines[line - 1].strip() if line <= len(self._notes.document.lines) else ""
            told = "\n".join(new.rstrip() for edit in edits for new in edit.new) if passed else ""
            if not step.given:
                self._findings.append(
                    Finding(
                        whole, written, FAULT, reason, line, told, edits if passed else (), step.told, tuple(evidence)
                    )
                )

    def _next_layer(
        self, step: Step, file: File, text: Text, blame: Blame, evidence: list[Evidence]
    ) -> tuple[Text, tuple[Edit, ...], bool, Said] | None:
        """Try the candidates for a manifest's first fault; give the first with which it gets further."""
        before = evidence[-1].stderr
        for candidate in blame.candidates:
            changed, edits = text.become(candidate.text)
            self._write(file.path, changed.text)
            said = self._type(step, step.script)
            evidence.append(_evidence("mended", step.script, said))
            if self._passed(step, said) or said.stderr != before:
                return changed, edits, candidate.fills, said
        self._write(file.path, text.text)
        return None

    def _text(self, step: Step, file: File) -> Text:
        """Give a block's text with the place of each line; what the check has put around a piece has none."""
        block = self._notes.document.blocks[file.block or 0]
        lines = file.text.rstrip("\n").split("\n")
        head = len(lines) - len(block.lines) if step.subject == "fragment" else 0
        places = [block.line + at - head if at >= head else None for at in range(len(lines))]
        return Text(tuple(lines), tuple(places))


def _with_marks(written: str, typed: str, mended: str) -> str:
    """Put the placeholders back into a mended line: the words that were typed in the place of others."""
    for mark, value in zip(written.split(), typed.split(), strict=False):
        if mark != value and len(written.split()) == len(typed.split()):
            words = mended.split(" ")
            mended = (
                " ".join([*words[: words.index(value)], mark, *words[words.index(value) + 1 :]])
                if value in words
                else mended
            )
    return mended


def _evidence(when: str, typed: str, said: Said) -> Evidence:
    return Evidence(when, typed, said.rc, said.stdout, said.stderr, said.seconds)


def dockerfile(notes: Notes, step: Step) -> list[Finding]:
    """Have the engine parse a Dockerfile; nothing of it is built."""
    block = notes.document.blocks[step.block or 0]
    text = Text(block.lines, tuple(range(block.line, block.line + len(block.lines))))
    layers: list[Finding] = []
    evidence: list[Evidence] = []
    with answering():
        for _ in range(MOST_LAYERS):
            error = dockerfiles.parse_error(engine(), text.text, DOCKERFILE_STAGE)
            evidence.append(
                Evidence(
                    "as written" if not layers else "mended",
                    "docker build (parsed only)",
                    int(bool(error)),
                    "",
                    error,
                    0.0,
                )
            )
            if not error:
                break
            mended = dockerfiles.mended(text.text, error)
            changed, edits = text.become(mended) if mended else (text, ())
            line = edits[0].line if edits else block.line
            layers.append(Finding(step, notes.document.lines[line - 1].strip(), FAULT, error, line,
                                  "\n".join(new for e in edits for new in e.new), edits))  # fmt: skip
            if not edits:
                layers = [replace(f, edits=(), mended="") for f in layers]
                break
            text = changed
    if not layers:
        return [
            Finding(
                step,
                block.lines[0],
                HOLDS,
                "",
                step.line,
                told=("parsed by the engine, not built",),
                evidence=tuple(evidence),
            )
        ]
    return [replace(f, evidence=tuple(evidence)) for f in layers]
