"""The pytest side of a run: options and fixtures, in whichever process; the hooks are in the modules beside this one.

The controlling process (pytest itself, or xdist's controller) makes the cluster and keeps the results, see
`controlling` and `labkit.run`; workers use the cluster, and what they observe travels with each test's report.
"""

from __future__ import annotations

import contextlib
import dataclasses
import gc
import os
import sys
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import filelock
import pytest

from labkit import interruption
from labkit.claims.claim import Claim
from labkit.claims.sabotage import Sabotage
from labkit.cluster import LabCluster
from labkit.lab.docker_cli import Docker
from labkit.lab.lab import Lab
from labkit.lab.minikube_cli import Minikube
from labkit.observe.load import Load
from labkit.plugin import items, observing
from labkit.plugin.items import claim_behind
from labkit.plugin.observing import HOME, LAB
from labkit.plugin.options import pytest_addoption
from labkit.plugin.relaying import Relaying
from labkit.run import priority, selection
from labkit.run.admission import ALONE, PROVING, USUAL, Admission, workers
from labkit.run.attached import HANDLE, USED, Attached
from labkit.run.cores import cores
from labkit.run.usage import Used, used
from labkit.trouble import EXIT_COULD_NOT_RUN, CannotRun, Inconclusive

__all__ = ["pytest_addoption"]

NO_ASSERTIONS = "Python leaves assertions out under -O and PYTHONOPTIMIZE, and labs are made of them: run it without"

STARTED_WITH = pytest.StashKey[Used]()
"""What a process had used when its first lab began."""

YOUNG = 20_000
"""Objects that a process makes before it looks for garbage; a lab keeps what it sees, so there is little to find."""


def pytest_configure(config: pytest.Config) -> None:
    if sys.flags.optimize:
        raise pytest.exit(f"cannot run: {NO_ASSERTIONS}", returncode=EXIT_COULD_NOT_RUN)
    config.pluginmanager.register(items)
    config.pluginmanager.register(observing)
    if attached := _attached(config):
        config.stash[HOME] = attached
        if not hasattr(config, "workerinput"):
            config.pluginmanager.register(Relaying(attached))
        return
    # Here and not above: workers never make a cluster, and what it takes to make one is half of their memory.
    from labkit.ci import plugin as ci  # noqa: PLC0415
    from labkit.plugin.controlling import Controlling  # noqa: PLC0415
    from labkit.run.run import Run  # noqa: PLC0415

    config.stash[HOME] = run = Run(config)
    config.pluginmanager.register(Controlling(config, run))
    ci.configure(config, run)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """Say how many workers `-n auto` means where they run labs; xdist asks before anything is configured."""
    if not selection.has_labs(config):
        return None
    return workers(cores(), prove=config.getoption("prove"))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtestloop() -> Generator[None, object, object]:
    """Have an interruption be one, whatever became of it in xdist's loop: pytest knows it by its class alone."""
    try:
        return (yield)
    except Exception as error:
        if interruption.became(error):
            raise KeyboardInterrupt from error
        raise


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Tell the controlling process, from a worker, what its labs used."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None and (began := session.config.stash.get(STARTED_WITH, None)):
        output[USED] = dataclasses.asdict(used().since(began))


def _attached(config: pytest.Config) -> Attached | None:
    """Give the run as a process has it that does not answer for it; None in the one that does."""
    if hasattr(config, "workerinput"):
        # Of a run without labs there is no cluster, and nothing asks for one.
        return Attached(Path(config.workerinput.get(HANDLE, os.devnull)))
    handle = config.getoption("attach")
    return Attached(Path(handle)) if handle else None


@pytest.fixture(scope="session")
def kind_cluster(pytestconfig: pytest.Config) -> LabCluster:
    """The run's cluster: one control plane, two workers, the version asserted on all of them."""
    home = pytestconfig.stash[HOME]
    cluster: LabCluster
    if isinstance(home, Attached):
        cluster = home.cluster()
    else:
        from labkit.plugin.controlling import cluster_of  # noqa: PLC0415  # as in pytest_configure

        cluster = cluster_of(home)
    pytestconfig.stash[STARTED_WITH] = used()
    priority.put_process_ahead()
    # What was imported is no garbage: looking through all of it took 20 ms each time, in which nothing was seen.
    gc.freeze()
    gc.set_threshold(YOUNG, 50, 50)
    return cluster


@pytest.fixture(scope="session")
def load() -> Iterator[Load]:
    """How busy the machine is while labs wait."""
    sampled = Load()
    yield sampled
    sampled.stop()


@pytest.fixture(scope="session")
def admission(pytestconfig: pytest.Config, load: Load) -> Admission:
    """The queue of the run's workers before a lab begins."""
    home = pytestconfig.stash[HOME]
    pace = ALONE if home.alone else PROVING if pytestconfig.getoption("prove") else USUAL
    return Admission(home.folder, load, cores(), pace)


@pytest.fixture
def sabotaged(request: pytest.FixtureRequest) -> Sabotage | None:
    """The sabotage under which the lab runs, None for a clean run."""
    sabotage: Sabotage | None = getattr(request, "param", None)
    return sabotage


@pytest.fixture
def lab(
    request: pytest.FixtureRequest,
    kind_cluster: LabCluster,
    load: Load,
    admission: Admission,
    sabotaged: Sabotage | None,
) -> Iterator[Lab]:
    """A namespace of its own on the cluster, and the words in which a lab speaks."""
    claim = claim_behind(request.node)
    if claim is None:
        raise CannotRun(f"{request.node.nodeid} uses `lab` but declares no claim; put @claim above it")
    if elsewhere := claim.not_of(kind_cluster.kubernetes):
        pytest.skip(elsewhere)
    if lacking := kind_cluster.lacks(claim):
        pytest.skip(lacking)
    with _turn(request.config.stash[HOME], claim):
        admission.wait()
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
    profile = pytestconfig.stash[HOME].minikube()
    assert profile, 'the claim of a lab about minikube says so: needs="minikube"'
    return Minikube(profile, lab)


def _turn(home: Any, claim: Claim) -> contextlib.AbstractContextManager[object]:
    """Let labs that take the one spare worker away, or use the one minikube, do so one after another.

    Whichever processes they are in.
    """
    if claim.takes_a_node:
        return filelock.FileLock(home.cluster().kubeconfig_path.with_name("spare-node.lock"))
    if claim.needs == "minikube" and (profile := home.minikube()):
        return filelock.FileLock(profile.lock)
    return contextlib.nullcontext()
