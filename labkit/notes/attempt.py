"""One time through a scenario: what is typed, what came of it, and what is found by that."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from labkit.cluster import LabCluster
from labkit.notes import images, kubectl, shell, understand
from labkit.notes.findings import Evidence, Finding
from labkit.notes.images import Images
from labkit.notes.judge import CONTEXT, FAULT, NOT_RUN, Candidate, Facts, Failure
from labkit.notes.kubectl import Kubectl, Object
from labkit.notes.mend import Edit, Text
from labkit.notes.place import Place
from labkit.notes.sandbox import STEP_S, Said, Sandbox, Sandboxes
from labkit.notes.scenario import DRY_RUNS, Scenario, Step
from labkit.notes.understand import Notes, objects_made

IN_TROUBLE_S = 6.0
"""Seconds for a line that waits for Pods of which it is known that they do not run."""

GRACE_S = 30.0
"""Seconds that a Pod has to end unless it says otherwise, and takes when its first process does not listen to SIGTERM.

Source: terminationGracePeriodSeconds in the API of Pods.
"""

MOST_GRACE_S = 120.0
"""Seconds of grace that are waited for, whatever a document says."""

ENDING = frozenset({"delete", "drain", "replace"})
"""Verbs that wait until Pods are gone."""

_GRACE = re.compile(r"terminationGracePeriodSeconds\W{1,4}(\d{1,6})\b")


@dataclass
class Ground:
    """What all scenarios of one document share on one cluster."""

    notes: Notes
    cluster: LabCluster
    many: Sandboxes
    facts: Facts
    images: Images
    left: Sequence[Step]
    """What of the document is not run."""


@dataclass
class Mended:
    """What is known of a scenario to work better than what the notes have."""

    scripts: dict[int, str] = field(default_factory=dict)
    """By step."""
    blocks: dict[int, Text] = field(default_factory=dict)
    causes: dict[int, tuple[str, tuple[Evidence, ...]]] = field(default_factory=dict)
    """Steps that answered 0 and broke a later one: why, and what was seen of that."""

    def __bool__(self) -> bool:
        return bool(self.scripts or self.blocks)


class Attempt:
    """Types a scenario's lines where it happens, and keeps what they come to."""

    here: Place
    sandbox: Sandbox

    def __init__(self, ground: Ground, scenario: Scenario, mended: Mended, *, control: bool = False) -> None:
        self.ground = ground
        self.scenario = scenario
        self.mended = mended
        self.control = control
        self._dry = scenario.title == DRY_RUNS
        self.findings: list[Finding] = []
        self._lost: dict[Object, int] = {}
        """What a line that failed would have made, and that line."""
        self._trouble = ""
        self.missed: int | None = None
        """The first line that did not come to what the notes want of it."""
        self._contexts: dict[int, str] = {}
        self._runs: dict[str, tuple[int, str]] = {}
        self._deleted_by_guess: set[Object] = set()

    def tell(
        self, step: Step, verdict: str, reason: str = "", evidence: Sequence[Evidence] = (), told: Sequence[str] = ()
    ) -> None:
        """Put a verdict other than a fault among the findings, but for a step that only prepares."""
        if verdict in (CONTEXT, NOT_RUN) and self.missed is None:
            self.missed = step.line
        if not step.given:
            self.findings.append(
                Finding(
                    step,
                    as_written(self.ground.notes, step),
                    verdict,
                    reason,
                    step.line,
                    told=(*step.told, *told),
                    evidence=tuple(evidence),
                )
            )

    def fault(self, step: Step, reason: str, mended: str, evidence: Sequence[Evidence], unmended: str = "") -> None:
        """Put a fault of a command among the findings, with the line mended or the reason why it is not."""
        if step.given:
            return
        edits = self._edits(step, mended) if mended else ()
        self.findings.append(
            Finding(
                step,
                as_written(self.ground.notes, step),
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

    def shown_under(self, step: Step) -> tuple[str, ...]:
        """Give what the notes show under a line."""
        return self.ground.notes.commands[step.command].typed.shown if step.command is not None else ()

    def write(self, path: str, text: str) -> None:
        """Put a file where the lines are typed, with the names of images that there are."""
        self.sandbox.write(path, text if self._dry else self.ground.images.typed(text))

    def type(self, step: Step, script: str) -> Said:
        """Type a step, or another script in its place, once the Pods that it looks at have settled. Raises Ended."""
        calls = calls_of(step)
        timeout_s = STEP_S
        if lacking := next((i for i in images.of_step(step) if i in self.ground.images.unpullable), None):
            self._trouble = f"image {lacking} cannot be pulled here"
            timeout_s = IN_TROUBLE_S if any(call.interactive for call in calls) else STEP_S
        looks = any(call.verb == "get" for call in calls) and "Running" in "".join(self.shown_under(step))
        waits = looks or [
            c
            for c in calls
            if c.verb in kubectl.VERBS_ON_POD or (c.verb == "rollout" and c.second == "status") or c.verb == "wait"
        ]
        if waits:
            self._trouble = self.here.settle(next((call.namespace for call in calls if call.namespace), ""))
            timeout_s = IN_TROUBLE_S if self._trouble else STEP_S
        if any(call.verb in ENDING for call in calls):
            timeout_s += grace_s(self.scenario)
        endless = any(call.endless for call in calls) and not re.search(r"\|\s*(head|grep|jq)", script)
        stdin = step.stdin
        if stdin is None and any(call.interactive for call in calls):
            stdin = "exit\n"
        script = script if self._dry else self.ground.images.typed(script)
        return self.sandbox.type(script, stdin=stdin, endless=endless, timeout_s=timeout_s)

    def passed(self, step: Step, said: Said) -> bool:
        """Tell whether what was typed did what it says."""
        if (
            step.stdin is not None
            and said.rc
            and not said.ended
            and not re.search(r"^[Ee]rror", said.stderr, re.MULTILINE)
        ):
            return True  # the last thing typed into the inner shell
        return said.rc == 0 and said.ended in ("",)

    def first_that_passes(
        self, step: Step, candidates: Sequence[Candidate], evidence: list[Evidence]
    ) -> Candidate | None:
        """Type one candidate after another, until one passes."""
        for candidate in candidates:
            said = self.type(step, candidate.text)
            evidence.append(evidence_of("mended", candidate.text, said))
            if self.passed(step, said):
                return candidate
        return None

    def failure(self, step: Step, script: str, said: Said, text: str) -> Failure:
        """Give what `judge.blame` wants to know; `text` is that of the manifest that is applied."""
        return Failure(
            script,
            calls_of(step),
            said.rc,
            "\n".join(part for part in (said.stdout if not said.stderr else "", said.stderr) if part),
            said.ended,
            self.here.namespace,
            manifest=text,
            piece=step.subject == "fragment",
            stand_ins=frozenset(thing for _, thing in self.scenario.stand_ins),
            contexts=self._contexts,
            runs=self._runs,
        )

    def manifest(self, step: Step) -> str:
        """Give the text of all files that a step finds."""
        return "\n---\n".join(f.text for f in step.files)

    def remember(self, index: int, step: Step) -> None:
        """Keep of a step that passed what a later failure may hang on."""
        if step.command is None:
            return
        text = self.mended.scripts.get(index, step.script)
        for call in calls_of(step):
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

    def make_again(self, step: Step) -> None:
        """Make a stand-in again that a line with a filled-in placeholder has deleted."""
        for call in calls_of(step):
            for space, thing in self.scenario.stand_ins:
                if thing in self._deleted_by_guess and thing in call.uses():
                    self.here.make(space, thing)
                    self._deleted_by_guess.discard(thing)

    def lose(self, step: Step) -> None:
        """Keep of a step that failed what is not there because of that."""
        if step.command is not None:
            self._lost.update(dict.fromkeys(objects_made(self.ground.notes, step.command), step.line))

    def _edits(self, step: Step, mended: str) -> tuple[Edit, ...]:
        assert step.command is not None
        command = self.ground.notes.commands[step.command]
        if command.placeholders:
            mended = _with_marks(command.text, step.script, mended)
        old = command.text.split("\n")
        _, edits = Text(tuple(old), tuple(range(command.line, command.line + len(old)))).become(mended)
        return edits

    def _shown(self, step: Step, mended: str) -> str:
        """Give a mended line as the notes would have it: with its placeholders."""
        return "\n".join(line for edit in self._edits(step, mended) for line in edit.new) if mended else ""


def calls_of(step: Step) -> tuple[Kubectl, ...]:
    """Give a step's calls of kubectl."""
    return understand.kubectls(shell.parse(step.script)) if step.subject == "command" else ()


def as_written(notes: Notes, step: Step) -> str:
    """Give the line of the notes that a step is called by."""
    if step.command is not None:
        return " ".join(notes.commands[step.command].text.split("\n")[0].split())
    return next((line.strip() for line in notes.document.blocks[step.block or 0].lines if line.strip()), "")


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


def evidence_of(when: str, typed: str, said: Said) -> Evidence:
    """Keep what was typed with what came of it; `when` as Evidence has it."""
    return Evidence(when, typed, said.rc, said.stdout, said.stderr, said.seconds)


def grace_s(scenario: Scenario) -> float:
    """Give the longest that a Pod of a scenario may take to end, in seconds."""
    texts = (text for step in scenario.steps for text in (step.script, *(file.text for file in step.files)))
    said = [float(number) for text in texts for number in _GRACE.findall(text)]
    return min(max(GRACE_S, *said), MOST_GRACE_S) if said else GRACE_S
