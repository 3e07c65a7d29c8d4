"""A rehearsal's runs, with a stand-in for pytest: what is seen of them, and what they leave."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest

from labkit.machines import rehearsal
from labkit.machines.case import Case, Running
from labkit.machines.rehearsal import Rehearsal
from labkit.progress import Progress

PYTEST = """
import json, os, pathlib, signal, sys

words = sys.argv[1:]
claims = [{"id": "a", "verdict": "holds", "commands": [{"command": os.environ.get("COMMAND", "kubectl get pods")}]}]
pathlib.Path("results").mkdir()
pathlib.Path("results/1.37.0.json").write_text(json.dumps({"claims": claims}))
print("here", pathlib.Path.cwd().name, *words, ".", end=" ", flush=True)
if "wait" in words:
    signal.sigwait({signal.SIGINT})
    print("\\ncannot run: interrupted")
    sys.exit(3)
"""


@pytest.fixture
def rehearsing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Rehearsal:
    (tmp_path / "checkout").mkdir()
    (tmp_path / "checkout" / "pytest.py").write_text(PYTEST)
    monkeypatch.setattr(rehearsal, "ROOT", tmp_path / "checkout")
    monkeypatch.setattr(rehearsal, "_there", set)
    return Rehearsal("labs-0123abcd", Progress(lambda _: None))


def test_a_run_is_seen_by_its_results(rehearsing: Rehearsal) -> None:
    seen, wrong = rehearsing.row(Case("x", ("labs",), checkout="my no'tes"))
    assert (seen.code, seen.verdicts, wrong) == (0, {"a": "holds"}, [])
    assert "here my no'tes" in seen.output
    assert "--cluster-name=labs-0123abcd labs" in seen.output


def test_what_the_environment_changes_is_not_as_wanted(rehearsing: Rehearsal) -> None:
    _, wrong = rehearsing.row(Case("x", ("labs",), variables={"COMMAND": "kubectl get {folder}"}))
    assert len(wrong) == 1
    assert "the record of a differs" in wrong[0]


def test_words_before_and_what_happens_meanwhile(rehearsing: Rehearsal) -> None:
    def interrupt(run: Running) -> None:
        run.wait_for(r"here.* \.")
        run.signal(signal.SIGINT)

    before = (
        sys.executable,
        "-c",
        "import os, signal, sys\nsignal.pthread_sigmask(0, {2})\nos.execv(sys.argv[1], sys.argv[1:])",
    )
    case = Case("x", ("wait",), before=before, meanwhile=interrupt, code=3, says="interrupted")
    seen, wrong = rehearsing.row(case)
    assert (seen.code, wrong) == (3, [])


def test_what_a_run_leaves_or_takes_is_said(rehearsing: Rehearsal, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = iter([{"container theirs"}, {"container ours"}])
    monkeypatch.setattr(rehearsal, "_there", lambda: next(looks))
    _, wrong = rehearsing.row(Case("x", ("labs",), as_plain=False))
    assert wrong == ["left: container ours", "gone: container theirs"]
