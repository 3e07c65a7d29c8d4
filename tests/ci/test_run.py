"""What a whole run says to machines: JUnit, GitHub Actions, a pipe, and the nodes' logs."""

from __future__ import annotations

import dataclasses
import json
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import pytest

from labkit.claims import results_file
from labkit.progress import Progress
from labkit.run import run, selection
from labkit.run.run import Run
from labkit.trouble import CannotRun

pytest_plugins = ["pytester"]

CONFTEST = """
import pytest

pytest_plugins = ["labkit.plugin"]

@pytest.fixture
def lab(pytestconfig, sabotaged):
    from labkit.plugin.observing import HOME
    if not hasattr(pytestconfig, "workerinput"):
        pytestconfig.stash[HOME].cluster()
    return sabotaged
"""

LABS = """
import pytest
from labkit.claims.claim import claim, sabotage
from labkit.claims.sabotage import skip
from labkit.trouble import CannotRun, Inconclusive


def about(name):
    def declare(lab):
        lab = sabotage("nothing is done", skip("all"))(lab)
        return claim(f"topic.{name}", source="https://example.com/", no_twin="a test of the plugin")(lab)
    return declare

@about("holds")
def test_holds(lab):
    '''This holds.'''
    assert lab is None

@about("breaks")
def test_breaks(lab):
    '''This breaks.'''
    print("::error::the cluster speaks")
    assert 1 == 2, "100% wrong, <b>: ```"

@about("unclear")
def test_unclear(lab):
    '''This is never seen.'''
    raise Inconclusive("the watch was lost \\x1b[0m")

@about("late")
def test_late(lab):
    '''This is seen alone.'''
    raise Inconclusive("beside others")

@about("not-here")
def test_not_here(lab):
    '''This is so elsewhere.'''
    pytest.skip("since 1.40")
"""


class Cluster:
    """As much of a cluster as a run needs to tell what became of it."""

    name, nodes = "labs-0123abcd", ()
    kubernetes, image, origin = "v1.37.0", "node:1", "built"
    build, kubectl_version, results = "v1.37.0", "v1.37.0", ""
    phases: ClassVar = {"cluster": 1.0}

    def describe(self) -> dict[str, str]:
        return {"kubernetes": self.kubernetes}

    def export_logs(self, folder: Path, progress: Progress) -> None:
        folder.mkdir()
        progress.say(f"logs are in {folder.name}")


def again_alone(self: Run) -> None:
    """Stand in for the process that observes once more what was inconclusive."""
    for seen in [o for o in self.observations if o.claim == "topic.late" and o.outcome == "inconclusive"]:
        self.observed(dataclasses.replace(seen, outcome="passed", message="", alone=True))


@pytest.fixture
def labs(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a checkout with labs on a cluster of cardboard."""
    for variable in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "PYTEST_ADDOPTS"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(selection, "LABS", pytester.path)
    monkeypatch.setattr(run, "ROOT", pytester.path)
    monkeypatch.setattr(results_file, "FOLDER", pytester.path / "results")
    monkeypatch.setattr(Run, "_make", lambda _: Cluster())
    monkeypatch.setattr(Run, "_observe_again", again_alone)
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(test_topic=LABS)
    return pytester.path


Ran = Callable[..., pytest.RunResult]


@pytest.fixture
def ran(labs: Path, pytester: pytest.Pytester) -> Ran:
    assert labs == pytester.path

    def go(*options: str) -> pytest.RunResult:
        return pytester.runpytest_inprocess("-p", "no:cacheprovider", *options)

    return go


def cases(path: Path) -> dict[str, ET.Element]:
    return {case.attrib["name"]: case for case in ET.parse(path).iter("testcase")}


def ends(case: ET.Element) -> list[str]:
    return [child.tag for child in case if child.tag != "properties"]


@pytest.mark.parametrize("workers", [[], ["-n", "1"]], ids=["one process", "workers"])
def test_junit_says_what_the_verdicts_say(labs: Path, ran: Ran, workers: list[str]) -> None:
    assert ran("--junitxml", "junit.xml", *workers).ret == 1
    told = cases(labs / "junit.xml")
    assert {name: ends(case) for name, case in told.items()} == {
        "test_holds": [],
        "test_breaks": ["failure"],
        "test_unclear": ["error"],
        "test_late": [],
        "test_not_here": ["skipped"],
    }
    (suite,) = ET.parse(labs / "junit.xml").getroot()
    assert [suite.get(name) for name in ("tests", "failures", "errors", "skipped")] == ["5", "1", "1", "1"]
    properties = {p.attrib["name"]: p.attrib["value"] for p in told["test_late"].iter("property")}
    assert properties == {
        "claim": "topic.late",
        "verdict": "holds",
        "first observation": "inconclusive: beside others",
    }
    (failure,) = told["test_breaks"].iter("failure")
    assert "test_topic.py:" in (failure.text or ""), "pytest's own account of the failure is kept"


def test_a_sabotage_that_survives_is_a_failure_and_a_killed_one_is_not(labs: Path, ran: Ran) -> None:
    ran("--junitxml", "junit.xml", "--prove", "-k", "holds or late")
    assert {name: ends(case) for name, case in cases(labs / "junit.xml").items()} == {
        "test_holds[clean]": [],
        "test_holds[nothing-is-done]": [],
        "test_late[clean]": [],
        "test_late[nothing-is-done]": ["failure"],
    }


def test_json_is_alone_on_stdout_and_all_else_on_stderr(labs: Path, ran: Ran) -> None:
    done = ran("--format", "json")
    results = json.loads(done.stdout.str())
    assert {c["id"]: c["verdict"] for c in results["claims"]}["topic.breaks"] == "broken"
    assert results == json.loads((labs / "results" / "1.37.0.json").read_text())
    assert "broken: topic.breaks" in done.stderr.str()
    assert "test session starts" in done.stderr.str()


def test_of_a_run_that_did_not_come_off_json_says_nothing_and_junit_that(
    labs: Path, ran: Ran, monkeypatch: pytest.MonkeyPatch
) -> None:
    def make(_: Run) -> None:
        raise CannotRun("no engine")

    monkeypatch.setattr(Run, "_make", make)
    done = ran("--format", "json", "--junitxml", "junit.xml")
    assert (int(done.ret), done.stdout.str()) == (3, "")
    assert "cannot run: no engine" in done.stderr.str()
    (error,) = cases(labs / "junit.xml")["the run"]
    assert error.attrib["message"].startswith("cannot run: no engine; not run: 4 of the labs")


def test_github_is_told_where_and_what(labs: Path, ran: Ran, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(labs / "summary.md"))
    marks = [line for line in ran().outlines if line.startswith(("::error ", "::warning "))]
    line = next(n for n, text in enumerate(LABS.strip().splitlines(), 1) if "assert 1 == 2" in text)
    assert [mark.partition("::This ")[0] for mark in marks] == [
        f"::error file=test_topic.py,line={line},title=broken%3A topic.breaks",
        f"::warning file=test_topic.py,line={line + 5},title=inconclusive%3A topic.unclear",
    ]
    summary = (labs / "summary.md").read_text()
    assert summary.startswith("## Kubernetes v1.37.0: 2 of 5 claims hold\n")
    assert "| topic | 2 | 1 | · | 1 | 1 |" in summary
    assert "\ncost: " in summary


BUGS = """
from labkit.words import claim, known_bug, sabotage, skip

BUG = known_bug("https://example.com/1", "1.37.0", sign="seen to the last")

def about(name, *sabotages):
    def declare(lab):
        lab = sabotage("nothing is done", skip("all"))(lab)
        return claim(f"topic.{name}", source="https://example.com/", no_twin="a test", bug=BUG)(lab)
    return declare

@about("shows")
def test_shows(lab):
    '''This is broken by the bug.'''
    assert lab, "seen to the last"
    assert lab is None, "nothing was done"

@about("mended")
def test_mended(lab):
    '''This should be broken by the bug.'''
    assert lab is None, "nothing was done"

@about("other")
def test_other(lab):
    '''This is broken by something else.'''
    assert False, "nobody answered"
"""


def test_a_known_bug_fails_no_run_and_its_absence_does(
    labs: Path, ran: Ran, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(labs / "summary.md"))
    pytester.makepyfile(test_topic=BUGS)
    done = ran("--junitxml", "junit.xml", "-k", "shows")
    assert done.ret == 0, done.stdout.str()
    done.stdout.fnmatch_lines(
        ["known-bug: topic.shows", "*https://example.com/1 (of Kubernetes 1.37.0)", "*1 known bug*"]
    )
    assert {name: ends(case) for name, case in cases(labs / "junit.xml").items()} == {"test_shows": ["skipped"]}
    assert not [line for line in done.outlines if line.startswith("::")]
    done = ran("--junitxml", "junit.xml")
    assert done.ret == 1
    assert {name: ends(case) for name, case in cases(labs / "junit.xml").items()} == {
        "test_shows": ["skipped"],
        "test_mended": ["failure"],
        "test_other": ["failure"],
    }
    marks = [line.partition("title=")[2].partition("::")[0] for line in done.outlines if line.startswith("::error")]
    assert sorted(marks) == ["broken%3A topic.other", "bug-not-seen%3A topic.mended"]
    summary = (labs / "summary.md").read_text()
    assert "| topic | holds | broken | bug-not-seen | vacuous | inconclusive | known-bug | not-applicable |" in summary
    assert "### known-bug: topic.shows" in summary
    verdicts_of = {c["id"]: c["verdict"] for c in json.loads((labs / "results" / "1.37.0.json").read_text())["claims"]}
    assert verdicts_of == {"topic.shows": "known-bug", "topic.mended": "bug-not-seen", "topic.other": "broken"}


def test_a_sabotage_is_killed_beside_a_known_bug_only_by_something_else(
    labs: Path, ran: Ran, pytester: pytest.Pytester
) -> None:
    pytester.makepyfile(test_topic=BUGS)
    done = ran("--prove", "-k", "shows")
    assert done.ret == 0, done.stdout.str()
    done.stdout.fnmatch_lines(["sabotages: 1 of 1 killed"])
    pytester.makepyfile(test_topic=BUGS.replace('assert lab, "seen', 'assert False, "seen'))
    done = ran("--prove", "-k", "shows", "--junitxml", "junit.xml")
    assert done.ret == 0, done.stdout.str()
    done.stdout.fnmatch_lines(["*1 known bug, 1 as the known bug*"])
    done.stdout.no_fnmatch_line("sabotages: *")
    assert [ends(case) for case in cases(labs / "junit.xml").values()] == [["skipped"], ["skipped"]]


def test_nothing_is_said_to_a_machine_that_is_not_there(ran: Ran) -> None:
    assert [line for line in ran().outlines if line.startswith(("::warning", "::error "))] == []


@pytest.mark.parametrize(("which", "left"), [("holds", False), ("breaks", True)])
def test_logs_are_left_by_a_run_that_failed(labs: Path, ran: Ran, which: str, left: bool) -> None:
    ran("--logs", "logs", "-k", which)
    assert (labs / "logs").exists() == left


@pytest.mark.parametrize("last", ["_observe_again", "_write"])
def test_a_run_that_is_interrupted_while_it_ends_has_its_results(
    labs: Path, ran: Ran, monkeypatch: pytest.MonkeyPatch, last: str
) -> None:
    once, times = getattr(Run, last), iter([1])

    def interrupted(self: Run) -> None:
        if next(times, None):
            raise KeyboardInterrupt
        once(self)

    monkeypatch.setattr(Run, last, interrupted)
    done = ran("--logs", "logs", "--junitxml", "junit.xml")
    assert (int(done.ret), done.stderr.str()) == (3, ""), done.stdout.str()
    done.stdout.fnmatch_lines(["cannot run: interrupted; the results of what did run are kept*"])
    (results,) = (labs / "results").rglob("*.json")
    assert {one["id"]: one["verdict"] for one in results_file.read(results)["claims"]} == {
        "topic.holds": "holds",
        "topic.breaks": "broken",
        "topic.unclear": "inconclusive",
        "topic.late": "inconclusive" if last == "_observe_again" else "holds",
        "topic.not-here": "not-applicable",
    }
    assert not (labs / "logs").exists(), "who interrupts waits for no logs"
    assert cases(labs / "junit.xml")
