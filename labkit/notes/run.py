"""A plan tried on a cluster: scenarios side by side, and once more as a control where something was mended."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from labkit.cluster import LabCluster
from labkit.notes import dockerfiles, images, spelling
from labkit.notes.attempt import Ground, Mended, as_written
from labkit.notes.facts import ClusterFacts
from labkit.notes.findings import Finding
from labkit.notes.images import Images
from labkit.notes.judge import FAULT, NOT_RUN
from labkit.notes.place import Names
from labkit.notes.sandbox import Sandboxes
from labkit.notes.scenario import DRY_RUNS, Plan, Scenario, Step, Subject
from labkit.notes.trial import Trial, confirmed
from labkit.notes.understand import Notes
from labkit.trouble import CannotRun, Inconclusive

SIDE_BY_SIDE = 4
"""Scenarios at once. They mostly wait for the API server."""

MOST_S = 1800.0
"""Seconds for one document on one version, after which no scenario begins; the longest of 14 took two minutes."""

FAILED = "the cluster or the sandbox failed"


def run(notes: Notes, planned: Plan, cluster: LabCluster, many: Sandboxes) -> tuple[Finding, ...]:
    """Give every step of a plan its verdict on a cluster."""
    ground = Ground(notes, cluster, many, ClusterFacts(cluster), Images(cluster), planned.left)
    runner = _Runner(ground)
    found = [_not_run(notes, step) for step in planned.left if step.subject != "Dockerfile"]
    in_dockerfiles = [step for step in planned.left if step.subject == "Dockerfile"]
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
    for step in in_dockerfiles:
        found += dockerfiles.judged(notes, step)
    for one in spelling.contradictions(notes, ground.images.stood_in | ground.images.unpullable):
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
    return Finding(step, as_written(notes, step), NOT_RUN, step.not_run, step.line, told=step.told)


class _Runner:
    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._names = Names()
        self._deadline = time.monotonic() + MOST_S

    def provide_images(self, planned: Plan) -> None:
        """Let the nodes have something for images that no registry serves here."""
        wanted = {image for s in planned.scenarios for step in s.steps for image in images.of_step(step)}
        self._ground.images.provide(wanted | spelling.doubtful_bases(self._ground.notes))

    def scenario(self, scenario: Scenario) -> list[Finding]:
        """Try a scenario as written; and once more from the beginning, mended, where something had to be mended."""
        try:
            if time.monotonic() > self._deadline:
                raise Inconclusive(f"one document is given {MOST_S / 60:.0f} minutes, and they are over")
            with self._names.taken(scenario.namespaces):
                mended = Mended()
                findings = None
                while findings is None:
                    findings = Trial(self._ground, scenario, mended).go()
                # A dry run leaves nothing behind: each of them has been its own control.
                if mended and scenario.title != DRY_RUNS:
                    findings = confirmed(findings, Trial(self._ground, scenario, mended, control=True).go() or [])
                return findings
        except (CannotRun, Inconclusive) as trouble:
            return [
                Finding(step, as_written(self._ground.notes, step), NOT_RUN, f"{FAILED}: {trouble}", step.line)
                for step in scenario.steps
                if not step.given
            ]
