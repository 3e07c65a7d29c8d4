"""From tests to observations to exit codes: whole pytest runs on labs without a cluster."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from labkit.claims import results_file
from labkit.claims.verdicts import Observation
from labkit.cluster import minikube_lease
from labkit.observe import standstill
from labkit.observe.load import Load
from labkit.paths import ROOT
from labkit.plugin import controlling, observing
from labkit.plugin import items as items_of_plugin
from labkit.run import making, run, selection
from labkit.trouble import CannotRun

pytest_plugins = ["pytester"]

CONFTEST = """
import pytest

pytest_plugins = ["labkit.plugin"]

@pytest.fixture
def lab(sabotaged):
    return sabotaged
"""

LAB = """
from labkit.claims.claim import claim, sabotage
from labkit.claims.sabotage import skip
from labkit.trouble import CannotRun, Inconclusive

@claim("topic.one", source="https://example.com/", no_twin="a test of the plugin")
@sabotage("nothing is done", skip("all"))
def test_one(lab):
    '''One thing is so.'''
    {body}
"""


@pytest.fixture(autouse=True)
def no_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is tried here, no cluster is made for it."""

    def running(*_: object, **__: object) -> None:
        raise CannotRun("no cluster is to be made")

    monkeypatch.setattr(making, "running", running)


def outcome(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, body: str, *options: str) -> tuple[int, str]:
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(test_topic=LAB.format(body=body))
    monkeypatch.setattr(selection, "LABS", pytester.path)
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", *options)
    return int(result.ret), result.stdout.str()


@pytest.mark.parametrize(
    ("body", "code", "said"),
    [
        ("assert True", 0, "1 hold"),
        ("assert 1 == 2", 1, "broken: topic.one"),
        ("raise Inconclusive('the watch was lost')", 2, "the watch was lost"),
        ("raise KeyError('spec')", 2, "the lab itself failed: KeyError"),
        ("raise CannotRun('mend the manifest')", 3, "cannot run: mend the manifest"),
        ("raise KeyboardInterrupt", 3, "cannot run: interrupted"),
    ],
)
def test_a_run_ends_with_the_code_of_its_verdicts(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, body: str, code: int, said: str
) -> None:
    ended, text = outcome(pytester, monkeypatch, body)
    assert (ended, said in text) == (code, True), text


@pytest.mark.parametrize(
    ("body", "code", "said"),
    [
        ("assert lab is None", 0, "sabotages: 1 of 1 killed"),
        ("assert True", 1, "vacuous: topic.one"),
        ("if lab: raise KeyError('spec')", 2, "did not get to an assertion"),
    ],
)
def test_a_sabotage_must_be_killed_by_an_assertion(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, body: str, code: int, said: str
) -> None:
    ended, text = outcome(pytester, monkeypatch, body, "--prove")
    assert (ended, said in text) == (code, True), text


def test_workers_that_run_no_labs_need_no_cluster(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile("def test_sums(): pass")
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", "-n", "1")
    assert result.ret == 0, result.stdout.str()


@pytest.mark.parametrize(
    ("lab", "asked", "said"),
    [
        ("def test_one(): pass", ("-k", "typo"), "no lab is called so"),
        ("def test_one(): pass", ("test_topic.py::test_two",), "cannot be collected: not found: "),
        ("def test_one(:", ("test_topic.py",), "cannot be collected: File "),
    ],
)
def test_what_is_not_there_costs_no_cluster(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, lab: str, asked: tuple[str, ...], said: str
) -> None:
    monkeypatch.setattr(selection, "LABS", pytester.path)
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(test_topic=lab)
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", "-n", "1", *asked)
    assert (int(result.ret), said in result.stdout.str()) == (3, True), result.stdout.str()


@pytest.mark.parametrize("folder", ["results", "partial"])
def test_results_that_cannot_be_written_cost_no_cluster(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    def cluster(*_: object) -> None:
        raise AssertionError("no cluster is to be made")

    monkeypatch.setattr(making, "own", cluster)
    monkeypatch.setattr(selection, "LABS", pytester.path)
    monkeypatch.setattr(results_file, "FOLDER", pytester.path / "results")
    monkeypatch.setattr(os, "access", lambda path, _: folder not in Path(path).name)
    (pytester.path / "results" / "partial").mkdir(parents=True)
    if folder == "results":
        (pytester.path / "results" / "partial").rmdir()
        (pytester.path / "results").rmdir()
        (pytester.path / "results").write_text("a file in its place")
    pytester.makeconftest('pytest_plugins = ["labkit.plugin"]')
    pytester.makepyfile(test_topic=LAB.format(body="pass"))
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider")
    assert (int(result.ret), "cannot be written" in result.stdout.str()) == (3, True), result.stdout.str()


def test_verdicts_are_not_lost_where_their_file_cannot_be_written(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    kubernetes: Any = SimpleNamespace(
        kubernetes="v1.37.0",
        build="v1.37.0",
        kubectl_version="v1.37.0",
        image="node:1",
        origin="here",
        results="",
        phases={},
        name="labs-0123abcd",
    )
    monkeypatch.setattr(run.Run, "cluster", lambda self: setattr(self, "_cluster", kubernetes))
    monkeypatch.setattr(run, "ROOT", pytester.path)
    (tmp_path / "results").write_text("a file in its place")
    monkeypatch.setattr(results_file, "FOLDER", tmp_path / "results")
    pytester.makeconftest(CONFTEST.replace("def lab(sabotaged)", "def lab(sabotaged, kind_cluster)"))
    pytester.makepyfile(test_topic=LAB.format(body="pass"))
    monkeypatch.setattr(selection, "LABS", pytester.path)
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider")
    text = result.stdout.str()
    assert (int(result.ret), "INTERNALERROR" in text, "cannot be written" in text) == (3, False, True), text
    (kept,) = re.findall(r"^results: (.*)$", text, re.MULTILINE)
    assert results_file.read(Path(kept))["claims"][0]["verdict"] == "holds"
    shutil.rmtree(Path(kept).parent)


def test_a_fault_of_our_own_is_a_sentence_and_no_internal_error(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fault(*_: object) -> None:
        raise KeyError("spec")

    monkeypatch.setattr(run.Run, "observed", fault)
    code, text = outcome(pytester, monkeypatch, "pass")
    assert (code, "INTERNALERROR" in text) == (3, False), text
    assert "cannot run: a fault of this project's own (KeyError in test_plugin.py:" in text


BECOMES_ANOTHER_ERROR = """
import threading

@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop():
    lock = threading.Lock()
    with lock:
        lock.release()  # as Condition.wait does, in which xdist's loop spends its time
        raise KeyboardInterrupt
"""


def test_an_interruption_that_became_another_error_is_one(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"{__name__}.CONFTEST", CONFTEST + BECOMES_ANOTHER_ERROR)
    code, text = outcome(pytester, monkeypatch, "pass")
    assert (code, "INTERNALERROR" in text) == (3, False), text
    assert "cannot run: interrupted; the results of what did run are kept" in text


@pytest.mark.parametrize(
    ("hook", "options"), [("pytest_xdist_setupnodes", ["-n1"]), ("pytest_collection", [])], ids=["workers", "labs"]
)
def test_an_interruption_before_there_are_any_is_one(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, hook: str, options: list[str]
) -> None:
    monkeypatch.setattr(f"{__name__}.CONFTEST", f"{CONFTEST}\ndef {hook}():\n    raise KeyboardInterrupt\n")
    code, text = outcome(pytester, monkeypatch, "pass", str(pytester.path), *options)
    assert (code, "cannot run: interrupted; the results" in text) == (3, True), text


INTERRUPTED_AGAIN = """
import signal

def pytest_keyboard_interrupt():
    signal.raise_signal(signal.SIGINT)

def pytest_sessionfinish():
    signal.raise_signal(signal.SIGTERM)
"""


def test_a_second_interruption_is_the_same_one(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    before = signal.getsignal(signal.SIGINT)
    monkeypatch.setattr(f"{__name__}.CONFTEST", CONFTEST + INTERRUPTED_AGAIN)
    code, text = outcome(pytester, monkeypatch, "raise KeyboardInterrupt")
    assert (code, "cannot run: interrupted; the results" in text) == (3, True), text
    assert signal.getsignal(signal.SIGINT) is before


def test_a_fault_while_an_interruption_is_on_its_way_is_told_as_that(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        try:
            raise KeyboardInterrupt
        finally:
            raise KeyError("spec")

    monkeypatch.setattr(run.Run, "observed", interrupted)
    code, text = outcome(pytester, monkeypatch, "pass")
    assert (code, "INTERNALERROR" in text, "fault of this project's own" in text) == (3, False, False), text
    assert "cannot run: interrupted" in text


def test_the_last_line_counts_what_was_seen_last() -> None:
    def seen(nodeid: str, outcome: Any, sabotage: str | None = None, alone: bool = False) -> Observation:
        return Observation("topic.one", nodeid, sabotage, outcome, "", 1.0, "", alone)

    def report(observation: Observation) -> Any:
        properties = [(observing.OBSERVATION, asdict(observation))]
        return SimpleNamespace(nodeid=observation.nodeid, user_properties=properties)

    first = [seen("a", "passed"), seen("b", "inconclusive"), seen("c", "inconclusive", "s"), seen("d", "inconclusive")]
    again = [
        seen("b", "passed", alone=True),
        seen("c", "assertion", "s", alone=True),
        seen("d", "assertion", alone=True),
    ]
    told = {"hold": [report(first[0])], "inconclusive": [report(one) for one in first[1:]], "warnings": ["one"]}
    controlling._recount(told, first + again)
    counted = {category: [getattr(one, "nodeid", one) for one in reports] for category, reports in told.items()}
    assert counted == {"hold": ["a", "b"], "killed": ["c"], "broken": ["d"], "warnings": ["one"]}


def test_a_lab_that_saw_a_standstill_has_seen_nothing(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(standstill, "between", lambda *_: "the machine slept for 60 s meanwhile")
    stand_in = SimpleNamespace(
        trouble=lambda: None,
        standstill=lambda: Load().standstill(0.0),
        evidence=SimpleNamespace(floor_s=0.0, ceiling_s=0.0, timeline=list, commands=[], windows=[], manifests={}),
        history=SimpleNamespace(latencies_s=[]),
        cluster=SimpleNamespace(hidden={}),
    )
    monkeypatch.setattr(observing, "STAND_IN", stand_in, raising=False)
    monkeypatch.setattr(run.Run, "_observe_again", lambda _: None)
    pytester.makeconftest(
        CONFTEST.replace("import pytest", "import pytest\nfrom labkit.plugin import observing").replace(
            "def lab(sabotaged):",
            "def lab(sabotaged, request):\n    request.node.stash[observing.LAB] = observing.STAND_IN",
        )
    )
    pytester.makepyfile(test_topic=LAB.format(body="assert lab"))
    monkeypatch.setattr(selection, "LABS", pytester.path)
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", "--prove")
    assert int(result.ret) == 2, result.stdout.str()
    assert "the machine slept for 60 s meanwhile" in result.stdout.str()


@pytest.mark.parametrize(
    ("here", "alone", "busy", "witnessed", "said"),
    [
        (True, False, None, None, None),
        (True, False, "many tasks", None, "many tasks"),
        (True, False, None, "it took 9 s", "it took 9 s"),
        (False, False, None, None, observing.NOT_HERE),
        (False, True, None, "it took 9 s", "it took 9 s"),
        (False, True, None, None, None),
    ],
)
def test_a_red_lab_is_asked_how_slow_its_cluster_is(
    here: bool, alone: bool, busy: str | None, witnessed: str | None, said: str | None
) -> None:
    stash = {observing.HOME: SimpleNamespace(alone=alone)}
    item: Any = SimpleNamespace(config=SimpleNamespace(stash=stash))
    cluster = SimpleNamespace(here=here)
    lab: Any = SimpleNamespace(too_busy=lambda: busy, slow=lambda: witnessed, cluster=cluster)
    assert observing._slow(item, lab) == said


def test_without_assertions_there_are_no_verdicts(pytester: pytest.Pytester) -> None:
    pytester.makeconftest('pytest_plugins = ["labkit.plugin"]')
    (pytester.path / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    command = [sys.executable, "-O", "-m", "pytest", "-p", "no:cacheprovider", str(pytester.path)]
    done = subprocess.run(
        command,
        cwd=pytester.path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (3, ""), done.stdout + done.stderr
    assert done.stderr.startswith("Exit: cannot run: Python leaves assertions out")


def test_nothing_is_said_where_there_are_no_labs(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile("def test_sums(): pass")
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider")
    assert result.ret == 0
    result.stdout.no_fnmatch_line("*rows of the notes*")


def test_without_minikube_a_claim_about_it_is_not_applicable_and_costs_nothing(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(minikube_lease, "is_on_path", lambda: False)
    pytester.makeconftest('pytest_plugins = ["labkit.plugin"]')
    pytester.makepyfile(
        test_topic=LAB.format(body="raise AssertionError").replace("no_twin=", 'needs="minikube", no_twin=')
    )
    monkeypatch.setattr(selection, "LABS", pytester.path)
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", "--prove")
    assert result.ret == 0, result.stdout.str()
    result.stdout.fnmatch_lines(["not-applicable: topic.one", "*--minikube builds one from source*"])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--context", "prod", "--kubernetes", "1.36"], "the version is that of the context's cluster"),
        (["--context", "prod", "--keep-cluster"], "--context uses a cluster as it is"),
        (["--context", "prod", "--minikube"], "--context uses a cluster as it is"),
        (["--image-registry", "host/path"], "--image-registry is for a cluster that is there"),
        (["--allow-cluster-wide"], "--allow-cluster-wide is for a cluster that is there"),
    ],
)
def test_a_context_goes_with_some_options_only(pytester: pytest.Pytester, options: list[str], said: str) -> None:
    pytester.makeconftest('pytest_plugins = ["labkit.plugin"]')
    pytester.makepyfile(test_topic=LAB.format(body="pass"))
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", *options)
    assert (int(result.ret), said in result.stdout.str()) == (3, True), result.stdout.str()


def test_long_labs_are_begun_by_some_workers_while_the_others_keep_the_cores_busy() -> None:
    def item(takes_s: float) -> Any:
        return SimpleNamespace(function=SimpleNamespace(__claim__=SimpleNamespace(needs=None, takes_s=takes_s)))

    items = [item(takes_s) for takes_s in (1, 9, 2, 7, 1, 1, 8, 6, 2, 1, 5, 1)]
    config: Any = SimpleNamespace(workerinput={"workercount": 4}, getoption=lambda _: None)
    items_of_plugin.pytest_collection_modifyitems(config, items)
    assert [one.function.__claim__.takes_s for one in items] == [9, 6, 1, 8, 5, 1, 7, 2, 1, 2, 1, 1]


@pytest.mark.parametrize(
    ("workers", "order"),
    [
        (1, ["mk_a", "mk_b", "long", "middle", "short"]),
        (2, ["mk_a", "mk_b", "long", "middle", "short"]),
        (5, ["mk_a", "mk_b", "long", "middle", "short"]),
    ],
)
def test_labs_that_share_one_thing_go_to_one_worker_in_their_order(workers: int, order: list[str]) -> None:
    def item(name: str, needs: str | None, takes_s: float) -> Any:
        function = SimpleNamespace(__claim__=SimpleNamespace(needs=needs, takes_s=takes_s))
        return SimpleNamespace(name=name, function=function)

    items = [
        item("short", None, 1),
        item("mk_a", "minikube", 1),
        item("long", None, 9),
        item("mk_b", "minikube", 9),
        item("middle", None, 5),
    ]
    config: Any = SimpleNamespace(workerinput={"workercount": workers}, getoption=lambda _: None)
    items_of_plugin.pytest_collection_modifyitems(config, items)
    assert [one.name for one in items] == order
