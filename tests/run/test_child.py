"""Observing again what was inconclusive: a few side by side where there are many, and alone what stays so."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from labkit.claims.verdicts import Observation
from labkit.run import child


def seen(name: str, outcome: Any) -> Observation:
    return Observation(
        claim=name, nodeid=name, sabotage=None, outcome=outcome, message="", seconds=1.0, started="", alone=False
    )


class Labs:
    """Labs that are inconclusive so often before they tell."""

    def __init__(self, unclear: Mapping[str, int]) -> None:
        self._unclear = dict(unclear)
        self.ran: list[tuple[tuple[str, ...], int]] = []

    def observe(self, _: Any, nodeids: Sequence[str], *, workers: int = 0, **__: Any) -> list[Observation]:
        self.ran.append((tuple(nodeids), workers))
        told = []
        for one in nodeids:
            self._unclear[one] = self._unclear.get(one, 0) - 1
            told.append(seen(one, "passed" if self._unclear[one] < 0 else "inconclusive"))
        return told


@pytest.fixture(autouse=True)
def two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "cores", lambda: 2)


def again(labs: Labs, monkeypatch: pytest.MonkeyPatch, *before: Observation) -> list[str]:
    monkeypatch.setattr(child, "observe", labs.observe)
    return [f"{one.nodeid} {one.outcome}" for one in child.observe_again({}, before)]


def test_a_few_are_observed_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    labs = Labs({})
    before = [seen("a", "inconclusive"), seen("b", "passed"), seen("c", "inconclusive")]
    assert again(labs, monkeypatch, *before) == ["a passed", "c passed"]
    assert labs.ran == [(("a", "c"), 0)]


def test_many_are_observed_some_for_each_core_and_alone_only_where_that_tells_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    labs = Labs({"b": 1})
    told = again(labs, monkeypatch, *(seen(one, "inconclusive") for one in "abc"))
    assert told == ["a passed", "b inconclusive", "c passed", "b passed"]
    assert labs.ran == [(("a", "b", "c"), 3), (("b",), 0)]


def test_no_more_side_by_side_than_some_for_each_core(monkeypatch: pytest.MonkeyPatch) -> None:
    labs = Labs({})
    again(labs, monkeypatch, *(seen(str(one), "inconclusive") for one in range(50)))
    ((_, workers),) = labs.ran
    assert workers == 2 * child.FEW


def test_what_was_not_observed_the_second_time_is_observed_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    labs = Labs({})
    monkeypatch.setattr(child, "observe", lambda _, nodeids, **more: labs.observe(_, nodeids, **more)[:2])
    told = [one.nodeid for one in child.observe_again({}, [seen(one, "inconclusive") for one in "abc"])]
    assert told == ["a", "b", "c"]
    assert labs.ran == [(("a", "b", "c"), 3), (("c",), 0)]


def test_the_last_observation_of_a_lab_is_the_one_that_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    labs = Labs({})
    assert again(labs, monkeypatch, seen("a", "inconclusive"), seen("a", "passed")) == []
    assert labs.ran == []


def test_an_interruption_ends_the_labs_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = tmp_path / "begun"
    program = tmp_path / "python"
    program.write_text(f"#!/bin/sh\necho $$ > {begun}.part && mv {begun}.part {begun} && exec sleep 600\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    interrupting = threading.Thread(target=_interrupt_when, args=(begun,))
    interrupting.start()
    with pytest.raises(KeyboardInterrupt):
        child.observe({}, ["a"])
    interrupting.join()
    with pytest.raises(ProcessLookupError):
        os.kill(int(begun.read_text()), 0)


def test_an_interruption_while_they_start_ends_them_too(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []

    def start(*_: object, **__: object) -> subprocess.Popen[bytes]:
        started.append(really_start(["sleep", "600"]))
        signal.raise_signal(signal.SIGINT)
        return started[0]

    really_start = subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", start)
    with pytest.raises(KeyboardInterrupt):
        child.observe({}, ["a"])
    assert started[0].poll() is not None


def _interrupt_when(there: Path) -> None:
    while not there.exists():
        threading.Event().wait(0.02)
    os.kill(os.getpid(), signal.SIGINT)
