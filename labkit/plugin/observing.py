"""How each test becomes an observation of its claim, and travels with the test's report."""

from __future__ import annotations

from collections.abc import Generator
from datetime import UTC, datetime
from typing import Any

import pytest

from labkit.ci import junit
from labkit.claims import known_bugs, verdicts
from labkit.claims.claim import Claim
from labkit.claims.verdicts import Observation
from labkit.lab.lab import Lab
from labkit.plugin.items import claim_behind, needs_minikube, sabotage_of
from labkit.trouble import CannotRun, Inconclusive

HOME = pytest.StashKey[Any]()
"""The `Run` of the process that answers, or the `Attached` of one that only uses its cluster."""

LAB = pytest.StashKey[Lab]()
STARTED = pytest.StashKey[str]()

OBSERVATION = "observation"
"""Under this name a test's report carries its observation, as a dict, from a worker to the controlling process."""

CLUSTER_ENDED = (
    "the cluster's API server has stopped answering, and what was running is inconclusive:"
    " look at the machine (memory, disk, docker ps -a) and run again"
)

UNSURE_WHEN_SLOW = ("assertion", "known-bug", "bug-not-seen")
"""Outcomes of a clean run that a machine with too much to do, or too little to do it with, may have made."""

NOT_HERE = "its nodes are on a machine whose load is not seen from here: it is tried again with nothing beside it"

WORDS = {
    ("passed", False): ("hold", ".", "HOLDS"),
    ("assertion", False): ("broken", "F", "BROKEN"),
    ("bug-not-seen", False): ("bug not seen", "F", "BUG NOT SEEN"),
    ("known-bug", False): ("known bug", "b", "KNOWN BUG"),
    ("passed", True): ("survived", "F", "SURVIVED"),
    ("assertion", True): ("killed", "x", "KILLED"),
    ("known-bug", True): ("as the known bug", "-", "AS THE KNOWN BUG"),
}
"""How the terminal speaks of an observation's outcome, of a clean run and of a sabotaged one."""


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    item.stash[STARTED] = datetime.now(UTC).isoformat(timespec="milliseconds")
    if claim := claim_behind(item):
        item.user_properties.append((junit.CLAIM, claim.id))
        if sabotage := sabotage_of(item):
            item.user_properties.append((junit.SABOTAGE, sabotage.name))
    # Before anything is made for the lab, even the cluster.
    if needs_minikube(item) and (missing := item.config.stash[HOME].minikube_missing()):
        pytest.skip(missing)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    claim = claim_behind(item)
    if claim is None or not (call.when == "call" or (call.when == "setup" and call.excinfo)):
        return report
    lab = item.stash.get(LAB, None)
    observation = _observe(item, claim, lab, call)
    report.user_properties.append((OBSERVATION, vars(observation)))
    wanted = "assertion" if observation.sabotage else "passed"
    if observation.outcome == wanted:
        report.outcome, report.longrepr = "passed", None
    elif observation.outcome in ("passed", "assertion", "bug-not-seen"):
        report.outcome = "failed"
        if observation.outcome == "bug-not-seen":
            report.longrepr = observation.message
        elif observation.sabotage:
            report.longrepr = f"{claim.id} stays green under its sabotage {observation.sabotage!r}: it is vacuous"
        elif lab:
            report.sections.append(("where to look", lab.report()))
    else:
        report.outcome = "skipped"
        report.longrepr = (str(item.path), item.location[1] or 0, observation.message)
    if observation.cause:
        item.session.shouldstop = observation.cause
    return report


def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, str] | None:
    observation = observed(report)
    return category(observation) if observation else None


def category(observation: Observation) -> tuple[str, str, str]:
    """Give how the terminal speaks of an observation: what its last line counts, a letter, a word."""
    key = (observation.outcome, observation.sabotage is not None)
    return WORDS.get(key) or (observation.outcome, "?", observation.outcome.upper())


def observed(report: Any) -> Observation | None:
    """Give the observation that a test's report carries, if any."""
    carried = dict(getattr(report, "user_properties", ())).get(OBSERVATION)
    return Observation(**carried) if carried else None


def _observe(item: pytest.Item, claim: Claim, lab: Lab | None, call: pytest.CallInfo[None]) -> Observation:
    error = call.excinfo.value if call.excinfo else None
    outcome, message = _outcome(error)
    sabotage = sabotage_of(item)
    cause = str(error) if isinstance(error, CannotRun) else ""
    kubernetes = item.config.stash[HOME].kubernetes
    if kubernetes and (bug := claim.bug_of(kubernetes)):
        outcome, message = known_bugs.read(bug, outcome, message, kubernetes=kubernetes, sabotaged=sabotage is not None)
    if lab and outcome != "not-applicable":
        if outcome != "passed" and (trouble := lab.trouble()):
            outcome, message = "inconclusive", f"{trouble} ({message})"
            cause = CLUSTER_ENDED if lab.dead() else ""
        elif outcome != "inconclusive" and (standstill := lab.standstill()):
            outcome, message = "inconclusive", f"{standstill}{f' ({message})' if message else ''}"
        elif outcome in UNSURE_WHEN_SLOW and not sabotage and (slow := _slow(item, lab)):
            outcome, message = "inconclusive", f"{message}\n  but {slow}"
        elif outcome != "inconclusive" and (missed := lab.missed()):
            outcome, message = "inconclusive", f"the sabotage touched nothing: {', '.join(missed)}"
    observation = Observation(
        claim=claim.id,
        nodeid=item.nodeid,
        sabotage=sabotage.name if sabotage else None,
        outcome=outcome,
        message=message,
        seconds=call.duration,
        started=item.stash[STARTED],
        alone=item.config.stash[HOME].alone,
        cause=cause,
        floor_s=lab.evidence.floor_s if lab else 0.0,
        ceiling_s=lab.evidence.ceiling_s if lab else 0.0,
        timeline=lab.evidence.timeline() if lab else [],
        commands=lab.evidence.commands if lab else [],
        windows=lab.evidence.windows if lab else [],
        manifests=lab.evidence.manifests if lab else {},
        latencies_s=lab.history.latencies_s if lab else [],
        line=_line(item, call),
    )
    return verdicts.hide(observation, lab.cluster.hidden) if lab and lab.cluster.hidden else observation


def _slow(item: pytest.Item, lab: Lab) -> str | None:
    """Say why what went wrong may be the machine's doing, if it may."""
    if busy := lab.too_busy():
        return busy
    if not lab.cluster.here and not item.config.stash[HOME].alone:
        return NOT_HERE
    return lab.slow()


def _outcome(error: BaseException | None) -> tuple[Any, str]:
    if error is None:
        return "passed", ""
    if isinstance(error, pytest.skip.Exception):
        return "not-applicable", str(error)
    if isinstance(error, AssertionError):
        return "assertion", str(error)
    if isinstance(error, Inconclusive | CannotRun):
        return "inconclusive", str(error)
    return "inconclusive", f"the lab itself failed: {type(error).__name__}: {error}"


def _line(item: pytest.Item, call: pytest.CallInfo[None]) -> int:
    """Give the line of the lab's file at which it ended early, or else at which it begins."""
    entries = call.excinfo.traceback if call.excinfo else []
    lines = [entry.lineno + 1 for entry in entries if entry.path == item.path]
    return lines[-1] if lines else (item.location[1] or 0) + 1
