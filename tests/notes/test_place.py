"""How long a line waits for Pods that it looks at: until each runs, has ended, or says why it cannot."""

from __future__ import annotations

import time
from typing import Any, cast

import pytest

from labkit.cluster import LabCluster
from labkit.notes import place
from labkit.notes.place import Place
from labkit.observe.api import Api
from labkit.observe.history import History
from labkit.observe.views import view
from labkit.observe.watch import Watches


@pytest.fixture
def history(monkeypatch: pytest.MonkeyPatch) -> History:
    made = History(time.monotonic, lambda _: 0.0)
    monkeypatch.setattr(Place, "_history", lambda *_: made)
    # Nothing comes any more: whoever waits waits in vain.
    monkeypatch.setattr(place, "SETTLES_S", 0.01)
    monkeypatch.setattr(place, "APPEARS_S", 0.01)
    return made


@pytest.fixture
def here() -> Place:
    return Place(cast(LabCluster, None), "ns", cast(Api, None))


def pod(history: History, name: str, *, ready: bool = False, waits: str = "") -> None:
    status: dict[str, Any] = {"phase": "Running" if ready else "Pending"}
    status["conditions"] = [{"type": "Ready", "status": str(ready)}]
    if waits:
        status["containerStatuses"] = [{"name": "a", "image": "b:1", "state": {"waiting": {"reason": waits}}}]
    item = {
        "metadata": {"name": name, "uid": name},
        "spec": {"containers": [{"name": "a", "image": "b:1"}]},
        "status": status,
    }
    history.add(view("Pod", item, seen_s=time.monotonic(), gone=False))


def test_pods_that_run_are_waited_for_no_longer(history: History, here: Place) -> None:
    pod(history, "web")
    pod(history, "web", ready=True)
    assert here.settle() == ""


def test_a_pod_that_cannot_start_says_why(history: History, here: Place) -> None:
    pod(history, "web", ready=True)
    pod(history, "db", waits="ImagePullBackOff")
    assert here.settle() == "image b:1 cannot be pulled here"


def test_what_ran_before_says_nothing_of_a_pod_that_came_after(history: History, here: Place) -> None:
    pod(history, "web", ready=True)
    pod(history, "db")
    assert here.settle() == "its Pods do not get ready"


@pytest.mark.usefixtures("history")
def test_no_pods_are_no_trouble(here: Place) -> None:
    assert here.settle() == ""


def test_a_node_gets_back_what_it_had() -> None:
    before = {"metadata": {"labels": {"a": "1"}}, "spec": {}}
    after = {"metadata": {"labels": {"a": "2", "b": "3"}}, "spec": {"unschedulable": True, "taints": [{"key": "x"}]}}
    assert place._difference(before, after) == {
        "metadata": {"labels": {"a": "1", "b": None}},
        "spec": {"taints": None, "unschedulable": None},
    }


def test_watches_are_ended(here: Place) -> None:
    ended = []

    class Ended:
        def stop(self) -> None:
            ended.append(True)

    here._watched["ns"] = cast(History, None), cast(Watches, Ended())
    here.stop()
    assert ended
