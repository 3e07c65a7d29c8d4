"""Which tests there are to run, and in what order: a lab for each claim, and one more for each of its sabotages."""

from __future__ import annotations

import itertools
import math
import re

import pytest

from labkit.claims.claim import Claim, claim_of
from labkit.claims.sabotage import Sabotage
from labkit.run import changed

LONG_S = 5.0
"""Labs that take longer mostly wait."""

WAITING = 0.6
"""Share of the workers that begin with long labs. When all did, two cores were half idle for the first 40 s of 147, and
at the end, when only short ones were left, they were what everything waited for."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    claim = claim_of(metafunc.function)
    if claim and metafunc.config.getoption("prove"):
        cases = [None, *claim.sabotages]
        metafunc.parametrize("sabotaged", cases, ids=[_slug(s.name) if s else "clean" for s in cases], indirect=True)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what --changed does; start the long labs first, so that none is left at the end.

    On some workers only: those of the others keep the cores busy while long ones wait. Labs that share a thing there is
    one of go in their module's order, and to one worker: others would only wait.
    """
    if revision := config.getoption("changed"):
        why = changed.reasons(revision)
        dropped = [item for item in items if _named(item) not in why]
        config.hook.pytest_deselected(items=dropped)
        items[:] = [item for item in items if _named(item) in why]
    sharing = [item for item in items if needs_minikube(item)]
    others = sorted((item for item in items if not needs_minikube(item)), key=lambda item: -_takes_s(item))
    workers = getattr(config, "workerinput", {}).get("workercount", 1)
    # xdist's work stealing begins with one stretch of the list for each worker, the longer ones last.
    room = [(len(items) + worker) // workers for worker in range(workers)]
    stretches: list[list[pytest.Item]] = [[] for _ in room]
    filled = 0
    for item in sharing:
        filled += len(stretches[filled]) == room[filled]
        stretches[filled].append(item)
    waiting = math.ceil(WAITING * workers)
    for item in others:
        able = [worker for worker in range(workers) if len(stretches[worker]) < room[worker]]
        meant = [worker for worker in able if worker < waiting or _takes_s(item) < LONG_S]
        stretches[min(meant or able, key=lambda worker: len(stretches[worker]))].append(item)
    items[:] = list(itertools.chain.from_iterable(stretches))


def claim_behind(item: object) -> Claim | None:
    """Give the claim that a test shows; None for one that is no lab."""
    return claim_of(getattr(item, "function", None))


def sabotage_of(item: pytest.Item) -> Sabotage | None:
    """Give the sabotage under which a lab runs; None for a clean run."""
    sabotage: Sabotage | None = item.callspec.params.get("sabotaged") if hasattr(item, "callspec") else None
    return sabotage


def needs_minikube(item: pytest.Item) -> bool:
    """Tell whether a test is a lab about minikube."""
    claim = claim_behind(item)
    return claim is not None and claim.needs == "minikube"


def _named(item: pytest.Item) -> str:
    return changed.named(item.path, getattr(item, "originalname", item.name))


def _takes_s(item: pytest.Item) -> float:
    claim = claim_behind(item)
    return claim.takes_s if claim else 0.0


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
