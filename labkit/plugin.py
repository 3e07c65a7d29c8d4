"""The pytest side of a run: options, fixtures, and how each test becomes an observation of its claim.

The controlling process (pytest itself, or xdist's controller) owns the cluster and the results, see `labkit.run.run`;
workers attach to the cluster and send what they observed along with each test's report.
"""

from __future__ import annotations

import contextlib
import gc
import itertools
import re
import resource
import sys
import traceback
from collections.abc import Generator, Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import filelock
import pytest

from labkit.ci import junit
from labkit.ci import plugin as machines
from labkit.claims import known_bugs, verdicts
from labkit.claims.claim import Claim, claim_of
from labkit.claims.sabotage import Sabotage
from labkit.claims.verdicts import EXIT_COULD_NOT_RUN, Observation
from labkit.cluster import LabCluster
from labkit.lab.docker_cli import Docker
from labkit.lab.lab import Lab
from labkit.lab.minikube_cli import Minikube
from labkit.observe.load import Load
from labkit.run import priority, selection
from labkit.run.run import LABS, Run
from labkit.trouble import CannotRun, Inconclusive

RUN = pytest.StashKey[Run]()
LAB = pytest.StashKey[Lab]()
STARTED = pytest.StashKey[str]()

OBSERVATION = "observation"
"""Under this name a test's report carries its observation, as a dict, from a worker to the controlling process."""

INTERRUPTED = "interrupted; the results of what did run are kept, and nothing is left behind"

NO_ASSERTIONS = "Python leaves assertions out under -O and PYTHONOPTIMIZE, and labs are made of them: run it without"

CLUSTER_ENDED = (
    "the cluster's API server has stopped answering, and what was running is inconclusive:"
    " look at the machine (memory, disk, docker ps -a) and run again"
)

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


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("labs")
    group.addoption(
        "--kubernetes",
        default=None,
        metavar="VERSION",
        help="Kubernetes to judge: 1.37, v1.36.4, 1.38.0-alpha.1 (default: the latest)",
    )
    group.addoption(
        "--context", default=None, metavar="NAME", help="use the cluster of this context of your kubeconfig, as it is"
    )
    group.addoption(
        "--allow-cluster-wide",
        action="store_true",
        help="with --context: also the labs that change more than their own namespaces",
    )
    group.addoption(
        "--image-registry",
        default="",
        metavar="HOST/PATH",
        help="with --context: push the images there, and have the nodes pull them from there",
    )
    group.addoption("--yes", action="store_true", help="with --context: do not ask before a cluster is used")
    group.addoption(
        "--nodes", choices=("auto", "pull", "build"), default="auto", help="where the node image comes from"
    )
    group.addoption(
        "--minikube", action="store_true", help="build a minikube from source, for the labs that are about it"
    )
    group.addoption("--prove", action="store_true", help="run every claim's sabotages too: each must turn its lab red")
    group.addoption("--keep-namespaces", action="store_true", help="leave each lab's namespace, until the next run")
    group.addoption(
        "--attach", default=None, help="(internal) observe on the cluster that another run describes in this file"
    )
    machines.add_options(group)


def pytest_configure(config: pytest.Config) -> None:
    if sys.flags.optimize:
        raise pytest.exit(f"cannot run: {NO_ASSERTIONS}", returncode=EXIT_COULD_NOT_RUN)
    config.stash[RUN] = Run(config)
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Recorder(config.stash[RUN]))
        machines.configure(config, config.stash[RUN])


def pytest_sessionstart(session: pytest.Session) -> None:
    """Create the cluster before xdist starts its workers; without workers the first lab does it."""
    run = session.config.stash[RUN]
    if run.distributes:
        if not run.attached:
            with _ending(run):
                selection.check(session.config)
        _cluster(run)


def pytest_configure_node(node: Any) -> None:
    """Hand the cluster to an xdist worker, where labs are to be run."""
    run = node.config.stash[RUN]
    if run.distributes:
        node.workerinput.update(run.handle())


def pytest_testnodedown(node: Any) -> None:
    node.config.stash[RUN].harness_mib.append(getattr(node, "workeroutput", {}).get("rss_mib", 0))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    claim = claim_of(metafunc.function)
    if claim and metafunc.config.getoption("prove"):
        cases = [None, *claim.sabotages]
        metafunc.parametrize("sabotaged", cases, ids=[_slug(s.name) if s else "clean" for s in cases], indirect=True)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Start the long labs first, one of them on each worker, so that none is left for the end.

    Labs that share a thing there is one of go in their module's order, and to one worker: others would only wait.
    """
    sharing = [item for item in items if _needs_minikube(item)]
    others = sorted((item for item in items if not _needs_minikube(item)), key=lambda item: -_takes_s(item))
    workers = getattr(config, "workerinput", {}).get("workercount", 1)
    # xdist's work stealing begins with one stretch of the list for each worker, the longer ones last.
    room = [(len(items) + worker) // workers for worker in range(workers)]
    stretches: list[list[pytest.Item]] = [[] for _ in room]
    filled = 0
    for item in sharing:
        filled += len(stretches[filled]) == room[filled]
        stretches[filled].append(item)
    turns = itertools.cycle(range(workers))
    for item in others:
        worker = next(turn for turn in turns if len(stretches[turn]) < room[turn])
        stretches[worker].append(item)
    items[:] = list(itertools.chain.from_iterable(stretches))


def pytest_collection_finish(session: pytest.Session) -> None:
    session.config.stash[RUN].collected(item.nodeid for item in session.items if _claim(item))


def pytest_xdist_node_collection_finished(node: Any, ids: list[str]) -> None:
    # Of the controlling process' own collection there is none; its labs are known by where they are.
    root = node.config.rootpath
    node.config.stash[RUN].collected(i for i in ids if (root / i.partition("::")[0]).is_relative_to(LABS))


@pytest.fixture(scope="session")
def kind_cluster(pytestconfig: pytest.Config) -> LabCluster:
    """The run's cluster: one control plane, two workers, the version asserted on all of them."""
    cluster = _cluster(pytestconfig.stash[RUN])
    priority.put_process_ahead()
    # What was imported is no garbage: looking through all of it took 20 ms each time, in which nothing was seen.
    gc.freeze()
    return cluster


@pytest.fixture(scope="session")
def load() -> Iterator[Load]:
    """How busy the machine is while labs wait."""
    sampled = Load()
    yield sampled
    sampled.stop()


@pytest.fixture
def sabotaged(request: pytest.FixtureRequest) -> Sabotage | None:
    """The sabotage under which the lab runs, None for a clean run."""
    sabotage: Sabotage | None = getattr(request, "param", None)
    return sabotage


@pytest.fixture
def lab(
    request: pytest.FixtureRequest, kind_cluster: LabCluster, load: Load, sabotaged: Sabotage | None
) -> Iterator[Lab]:
    """A namespace of its own on the cluster, and the words in which a lab speaks."""
    claim = _claim(request.node)
    if claim is None:
        raise CannotRun(f"{request.node.nodeid} uses `lab` but declares no claim; put @claim above it")
    if elsewhere := claim.not_of(kind_cluster.kubernetes):
        pytest.skip(elsewhere)
    if lacking := kind_cluster.lacks(claim):
        pytest.skip(lacking)
    with _turn(request.config.stash[RUN], claim):
        lab = Lab(kind_cluster, claim, sabotaged, load)
        request.node.stash[LAB] = lab
        try:
            lab.begin()
            yield lab
        finally:
            # What is left behind on a cluster that no longer answers goes away with the cluster.
            with contextlib.suppress(Inconclusive):
                lab.close(keep=request.config.getoption("keep_namespaces"))


@pytest.fixture
def docker(lab: Lab) -> Docker:
    """The words about Docker, on the engine that the cluster runs on, for a claim that needs it."""
    if lab.claim.needs != "engine":
        raise Inconclusive('the claim of a lab about Docker says so: needs="engine"')
    return Docker(lab)


@pytest.fixture
def minikube(lab: Lab, pytestconfig: pytest.Config) -> Minikube:
    """The run's minikube, for a claim that needs it, and the words about it."""
    profile = pytestconfig.stash[RUN].minikube()
    assert profile, 'the claim of a lab about minikube says so: needs="minikube"'
    return Minikube(profile, lab)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    item.stash[STARTED] = datetime.now(UTC).isoformat(timespec="milliseconds")
    if claim := _claim(item):
        item.user_properties.append((junit.CLAIM, claim.id))
        if sabotage := _sabotage(item):
            item.user_properties.append((junit.SABOTAGE, sabotage.name))
    # Before anything is made for the lab, even the cluster.
    if _needs_minikube(item) and (missing := item.config.stash[RUN].minikube_missing()):
        pytest.skip(missing)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    claim = _claim(item)
    if claim is None or not (call.when == "call" or (call.when == "setup" and call.excinfo)):
        return report
    lab = item.stash.get(LAB, None)
    observation = _observe(item, claim, lab, call)
    report.user_properties.append((OBSERVATION, asdict(observation)))
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
    observation = _carried(report)
    return _category(observation) if observation else None


class Recorder:
    """In the controlling process: keep what was observed as soon as it is known, so that a killed run loses nothing."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if observation := _carried(report):
            with _told_by(self._run):
                self._run.observed(observation)

    def pytest_keyboard_interrupt(self) -> None:
        # Of the house's own tests too, whose -x ends like this: then there is nothing to answer for.
        if self._run.answers:
            self._run.trouble = self._run.trouble or INTERRUPTED
            self._run.interrupted = True


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    config = session.config
    if hasattr(config, "workeroutput"):
        config.workeroutput["rss_mib"] = _rss_mib()
        return
    run = config.stash[RUN]
    run.harness_mib.append(_rss_mib())
    code: int | None = EXIT_COULD_NOT_RUN
    with _told_by(run):
        code = run.finish()
    # What pytest itself found wrong besides, such as a lab that could not be cleared away, is not to be lost.
    if code is not None and not (code == 0 and session.exitstatus == pytest.ExitCode.TESTS_FAILED):
        session.exitstatus = code


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    run = config.stash[RUN]
    _recount(terminalreporter.stats, run.observations)
    for line in run.summary():
        terminalreporter.write_line(line)


def pytest_unconfigure(config: pytest.Config) -> None:
    if run := config.stash.get(RUN, None):
        run.close()


def _cluster(run: Run) -> LabCluster:
    with _ending(run):
        return run.cluster()


@contextlib.contextmanager
def _ending(run: Run) -> Iterator[None]:
    """End the run with one sentence where it cannot go on."""
    try:
        with _told_by(run):
            yield
            return
    except CannotRun as trouble:
        run.trouble = str(trouble)
    except KeyboardInterrupt:
        run.trouble = INTERRUPTED
    raise pytest.exit(f"cannot run: {run.trouble}", returncode=EXIT_COULD_NOT_RUN)


@contextlib.contextmanager
def _told_by(run: Run) -> Iterator[None]:
    """Tell a fault of the project's own in one sentence, and go on to what there is to tell besides."""
    try:
        yield
    except (CannotRun, Inconclusive, pytest.exit.Exception):
        raise
    except Exception as error:
        if run.shows_faults:
            raise
        entry = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{Path(entry.filename).name}:{entry.lineno}"
        run.trouble = run.trouble or (
            f"a fault of this project's own ({type(error).__name__} in {where}: {str(error)[:200]}):"
            " --full-trace shows all of it, and a report of it is welcome"
        )


def _recount(stats: dict[str, list[Any]], observations: Sequence[Observation]) -> None:
    """Have pytest's last line count what was last observed of each test, as the table does."""
    last = {observation.nodeid: observation for observation in observations}
    reports = {report.nodeid: report for told in stats.values() for report in told if _carried(report)}
    for told in stats.values():
        told[:] = [report for report in told if getattr(report, "nodeid", None) not in reports]
    for nodeid, report in reports.items():
        stats.setdefault(_category(last[nodeid])[0] if nodeid in last else "error", []).append(report)
    for category in [category for category, told in stats.items() if not told]:
        del stats[category]


def _category(observation: Observation) -> tuple[str, str, str]:
    key = (observation.outcome, observation.sabotage is not None)
    return WORDS.get(key) or (observation.outcome, "?", observation.outcome.upper())


def _turn(run: Run, claim: Claim) -> contextlib.AbstractContextManager[object]:
    """Let labs that take the one spare worker away, or use the one minikube, do so one after another.

    Whichever processes they are in.
    """
    if claim.takes_a_node:
        return filelock.FileLock(run.cluster().kubeconfig_path.with_name("spare-node.lock"))
    if claim.needs == "minikube" and (profile := run.minikube()):
        return filelock.FileLock(profile.lock)
    return contextlib.nullcontext()


def _observe(item: pytest.Item, claim: Claim, lab: Lab | None, call: pytest.CallInfo[None]) -> Observation:
    error = call.excinfo.value if call.excinfo else None
    outcome, message = _outcome(error)
    sabotage = _sabotage(item)
    cause = str(error) if isinstance(error, CannotRun) else ""
    if lab and outcome != "not-applicable":
        if outcome != "passed" and (trouble := lab.trouble()):
            outcome, message = "inconclusive", f"{trouble} ({message})"
            cause = CLUSTER_ENDED if lab.dead() else ""
        elif outcome != "inconclusive" and (standstill := lab.standstill()):
            outcome, message = "inconclusive", f"{standstill}{f' ({message})' if message else ''}"
        elif outcome == "assertion" and not sabotage and (busy := lab.too_busy()):
            outcome, message = "inconclusive", f"{message}\n  but {busy}"
        elif outcome != "inconclusive" and (missed := lab.missed()):
            outcome, message = "inconclusive", f"the sabotage touched nothing: {', '.join(missed)}"
    kubernetes = item.config.stash[RUN].kubernetes
    if kubernetes and (bug := claim.bug_of(kubernetes)):
        outcome, message = known_bugs.read(bug, outcome, message, kubernetes=kubernetes, sabotaged=sabotage is not None)
    observation = Observation(
        claim=claim.id,
        nodeid=item.nodeid,
        sabotage=sabotage.name if sabotage else None,
        outcome=outcome,
        message=message,
        seconds=call.duration,
        started=item.stash[STARTED],
        alone=item.config.stash[RUN].alone,
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


def _carried(report: Any) -> Observation | None:
    carried = dict(getattr(report, "user_properties", ())).get(OBSERVATION)
    return Observation(**carried) if carried else None


def _claim(item: object) -> Claim | None:
    return claim_of(getattr(item, "function", None))


def _sabotage(item: pytest.Item) -> Sabotage | None:
    sabotage: Sabotage | None = item.callspec.params.get("sabotaged") if hasattr(item, "callspec") else None
    return sabotage


def _line(item: pytest.Item, call: pytest.CallInfo[None]) -> int:
    """Give the line of the lab's file at which it ended early, or else at which it begins."""
    entries = call.excinfo.traceback if call.excinfo else []
    lines = [entry.lineno + 1 for entry in entries if entry.path == item.path]
    return lines[-1] if lines else (item.location[1] or 0) + 1


def _takes_s(item: pytest.Item) -> float:
    claim = _claim(item)
    return claim.takes_s if claim else 0.0


def _needs_minikube(item: pytest.Item) -> bool:
    claim = _claim(item)
    return claim is not None and claim.needs == "minikube"


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def _rss_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
