"""Eventually, never and sequence over recorded states; time is told by hand."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from labkit.claims.budgets import Window
from labkit.observe.history import (
    Act,
    Endpoints,
    Gap,
    Happened,
    History,
    NeverHappened,
    Object,
    Pods,
    TooEarly,
    TooLate,
)
from labkit.observe.views import view
from labkit.trouble import Inconclusive

WEB: Object[Any] = Object("Pod", "web")
TWIN: Object[Any] = Object("Pod", "twin")


class Clock:
    """Seconds that stand still, but for a wait: each look at it moves it on by `step`."""

    def __init__(self, step: float = 0.0) -> None:
        self.now = 0.0
        self.step = step

    def __call__(self) -> float:
        self.now += self.step
        return self.now


def history(clock: Clock | None = None, load: float = 0.0) -> History:
    return History(clock or Clock(), lambda _: load)


def pod(
    at: float, restarts: int = 0, *, name: str = "web", uid: str = "", gone: bool = False, ready: bool = True
) -> Any:
    status = {
        "phase": "Running",
        "conditions": [{"type": "Ready", "status": str(ready)}],
        "containerStatuses": [{"name": "c", "restartCount": restarts, "ready": ready, "state": {"running": {}}}],
    }
    raw = {"metadata": {"name": name, "uid": uid or name}, "spec": {}, "status": status}
    return view("Pod", raw, seen_s=at, gone=gone)


def restarted(state: Any) -> bool:
    return bool(state.restart_count)


def test_a_pod_says_which_of_its_containers_it_is() -> None:
    statuses = [
        {"name": "over", "restartCount": 1, "ready": False, "state": {"running": {}}},
        {"name": "edge", "restartCount": 0, "ready": True, "state": {"running": {}}},
    ]
    status = {"phase": "Running", "containerStatuses": statuses}
    seen = view("Pod", {"metadata": {"name": "pair"}, "spec": {}, "status": status}, seen_s=1)
    assert str(seen) == "pod/pair Running ready=False restartCount=1 over: not ready over: restarted"


def test_a_state_that_was_over_before_the_wait_began_counts() -> None:
    seen = history()
    for state in (pod(1), pod(2, ready=False), pod(2.02)):
        seen.add(state)
    (found,) = seen.eventually("not ready", [WEB], lambda p: not p.ready, within=Window(0, 5), since=Act(1.5, ""))
    assert found.seen_s == 2


def test_a_state_from_before_the_act_does_not_count() -> None:
    seen = history(Clock(step=100))
    seen.add(pod(1, restarts=1))
    with pytest.raises(NeverHappened, match=r"last seen: pod/web Running ready=True restartCount=1"):
        seen.eventually("restart", [WEB], restarted, within=Window(0, 5), since=Act(2, ""))


def test_a_wait_ends_with_the_state_that_another_thread_brings() -> None:
    seen = history()
    threading.Timer(0.05, lambda: seen.add(pod(3, restarts=1))).start()
    (found,) = seen.eventually("restart", [WEB], restarted, within=Window(0, 5))
    assert found.restart_count == 1


def test_what_comes_before_it_can_is_too_early() -> None:
    seen = history()
    seen.add(pod(2, restarts=1))
    with pytest.raises(TooEarly, match=r"after 2.0 s, but not before 4.0 s"):
        seen.eventually("restart", [WEB], restarted, within=Window(4, 6), since=Act(0, ""))


def test_several_subjects_are_judged_on_their_states_of_one_moment() -> None:
    seen = history()
    for state in (pod(1), pod(1.1, name="twin", ready=False), pod(2, ready=False), pod(3, name="twin")):
        seen.add(state)
    with pytest.raises(NeverHappened):
        History.eventually(
            _with_clock(seen, Clock(step=100)),
            "both",
            [WEB, TWIN],
            lambda a, b: a.ready and b.ready,
            within=Window(0, 1),
        )
    found = seen.eventually("swapped", [WEB, TWIN], lambda a, b: not a.ready and b.ready, within=Window(0, 1))
    assert [s.name for s in found] == ["web", "twin"]


def test_lateness_on_a_loaded_machine_is_inconclusive() -> None:
    seen = history(Clock(step=200), load=7.0)
    seen.add(pod(1))
    with pytest.raises(Inconclusive, match=r"7.0 tasks per core"):
        seen.eventually("restart", [WEB], restarted, within=Window(0, 5))


def test_a_gap_makes_absence_inconclusive() -> None:
    seen = history(Clock(step=100))
    seen.add(pod(1))
    seen.lost(Gap("Pod", 2, 200, "410"))
    with pytest.raises(Inconclusive, match="states were lost"):
        seen.eventually("restart", [WEB], restarted, within=Window(0, 5))
    with pytest.raises(Inconclusive, match="were lost"):
        seen.never("restart", WEB, restarted, until=Act(5, ""))


def test_a_dead_watch_ends_the_wait() -> None:
    seen = history()
    seen.fail(RuntimeError("connection lost"))
    with pytest.raises(Inconclusive, match="connection lost"):
        seen.eventually("restart", [WEB], restarted, within=Window(0, 5))


def test_never_reads_the_record_up_to_that_moment() -> None:
    seen = history()
    for state in (pod(1, name="twin"), pod(4, restarts=1), pod(5, restarts=1, name="twin")):
        seen.add(state)
    seen.never("restart of the twin", TWIN, restarted, until=Act(4, ""))
    with pytest.raises(Happened, match=r"restart of the twin: it did after 5.0 s"):
        seen.never("restart of the twin", TWIN, restarted, until=Act(6, ""))


def test_never_of_what_was_never_seen_is_inconclusive() -> None:
    with pytest.raises(Inconclusive, match="never seen"):
        history().never("restart", WEB, restarted, until=Act(4, ""))


def test_a_moment_of_a_log_is_held_against_the_window() -> None:
    seen = history()
    seen.came("the probe", Act(5.0, "GET /healthy"), since=Act(1, ""), within=Window(4, 5))
    with pytest.raises(TooEarly, match=r"the probe: after 2.0 s, but not before 4.0 s was possible\n.*GET /healthy"):
        seen.came("the probe", Act(3.0, "GET /healthy"), since=Act(1, ""), within=Window(4, 5))
    with pytest.raises(TooLate, match=r"the probe: after 16.0 s, but the manifest allows 5 s"):
        seen.came("the probe", Act(17.0, "GET /healthy"), since=Act(1, ""), within=Window(4, 5))
    with pytest.raises(Inconclusive, match=r"7.0 tasks per core"):
        history(load=7.0).came("the probe", Act(99, ""), since=Act(1, ""), within=Window(4, 5))


def test_a_group_follows_its_pods_in_and_out() -> None:
    seen = history()
    for state in (pod(1, uid="a"), pod(2, name="b", uid="b"), pod(3, uid="a", gone=True)):
        seen.add(state)
    states = seen.track(Pods("all", lambda _: True))
    assert [s.uids for s in states] == [{"a"}, {"a", "b"}, {"b"}]


def test_endpoints_are_merged_over_slices_and_null_lists_are_none() -> None:
    seen = history()
    for at, name, endpoints in ((1, "s1", [_endpoint("a", ready=True)]), (2, "s2", None), (3, "s1", [_endpoint("a")])):
        meta = {"name": name, "uid": name, "labels": {"kubernetes.io/service-name": "web"}}
        seen.add(view("EndpointSlice", {"metadata": meta, "endpoints": endpoints}, seen_s=at))
    assert [s.ready for s in seen.track(Endpoints("web"))] == [("a",), ("a",), ()]
    assert [s.serving for s in seen.track(Endpoints("web"))] == [("a",), ("a",), ()]


def test_an_endpoint_of_unknown_condition_is_ready() -> None:
    seen = history()
    meta = {"name": "s", "uid": "s", "labels": {"kubernetes.io/service-name": "web"}}
    unknown = {"addresses": ["10.0.0.1"], "conditions": {"ready": None}, "targetRef": {"name": "a"}}
    seen.add(view("EndpointSlice", {"metadata": meta, "endpoints": [unknown]}, seen_s=1))
    assert [(s.ready, s.serving) for s in seen.track(Endpoints("web"))] == [(("a",), ("a",))]


def _endpoint(pod_name: str, *, ready: bool = False) -> dict[str, Any]:
    conditions = {"ready": ready, "serving": ready, "terminating": False}
    return {"addresses": ["10.0.0.1"], "conditions": conditions, "targetRef": {"name": pod_name}}


def _with_clock(seen: History, clock: Clock) -> History:
    copy = History(clock, lambda _: 0.0)
    for state in seen.views():
        copy.add(state)
    return copy
