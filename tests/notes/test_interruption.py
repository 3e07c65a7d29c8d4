"""Ctrl-C during a check: what is being typed ends at once, and so does the run."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest

from labkit.cluster import LabCluster
from labkit.notes import document, plan, run, sandbox, understand
from labkit.notes.sandbox import Ended, Sandbox, Sandboxes
from labkit.notes.scenario import Scenario

NEVER = ["sh", "-c", "cat >/dev/null"]
"""Reads what it is asked, and does not answer."""


def test_a_run_that_is_interrupted_ends_what_is_typed_side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    typing, ended = threading.Event(), threading.Event()

    def scenario(_runner: Any, one: Scenario) -> list[Any]:
        if one.title == "A":
            assert typing.wait(10)
            raise KeyboardInterrupt  # as from the main thread's wait for a result
        typing.set()
        assert ended.wait(10), "the pool waits for a scenario that nobody ends"
        return []

    monkeypatch.setattr(run._Runner, "provide_images", lambda *_: None)
    monkeypatch.setattr(run._Runner, "scenario", scenario)
    notes = understand.understand(document.parse("# A\n\n    kubectl get ns\n\n# B\n\n    kubectl get pods\n"))
    many = cast(Sandboxes, SimpleNamespace(end=ended.set))
    with pytest.raises(KeyboardInterrupt):
        run.run(notes, plan.plan(notes), cast(LabCluster, None), many)


@pytest.fixture
def many(monkeypatch: pytest.MonkeyPatch) -> Sandboxes:
    def start(_argv: Any, _env: Any) -> subprocess.Popen[str]:
        return subprocess.Popen(NEVER, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    monkeypatch.setattr(sandbox, "_start", start)
    monkeypatch.setattr(Sandbox, "write", lambda *_: None)
    monkeypatch.setattr(sandbox, "kubeconfig", lambda *_: "")
    path = SimpleNamespace(read_text=lambda: "")
    cluster = SimpleNamespace(name="c", environment={}, kubeconfig_path=path)
    engine: Callable[[], Any] = lambda: SimpleNamespace(containers=SimpleNamespace(get=lambda _: None))  # noqa: E731
    monkeypatch.setattr(sandbox, "engine", engine)
    return Sandboxes(cast(LabCluster, cluster), "image", "volume", "network")


def test_who_types_into_a_sandbox_that_is_ended_gets_to_know_it(many: Sandboxes) -> None:
    with many.one("ns") as shell:
        threading.Timer(0.1, many.end).start()
        with pytest.raises(Ended):
            shell.type("kubectl wait pod/never")
    with pytest.raises(Ended), many.one("ns"):
        pytest.fail("no sandbox is opened any more")
