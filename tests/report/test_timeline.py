"""From a record's timeline to shapes."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from labkit.observe.history import Endpoints, Object, Pods
from labkit.observe.views import PodView, view
from labkit.report import timeline
from labkit.report.timeline import Level

Record = Callable[..., dict[str, Any]]


def pod(name: str, *, ready: bool, deleted: bool = False) -> dict[str, Any]:
    metadata = {"name": name, "uid": name} | ({"deletionTimestamp": "2026-11-23T10:00:00Z"} if deleted else {})
    conditions = [{"type": "Ready", "status": str(ready)}]
    return {"metadata": metadata, "spec": {"containers": []}, "status": {"phase": "Running", "conditions": conditions}}


def replicas(there: int, ready: int) -> dict[str, Any]:
    status = {"replicas": there, "readyReplicas": ready}
    return {"metadata": {"name": "web", "uid": "1"}, "spec": {"replicas": 9}, "status": status}


def endpoints(*ready: bool) -> dict[str, Any]:
    told = [
        {"addresses": ["10.0.0.1"], "conditions": {"ready": r}, "targetRef": {"kind": "Pod", "name": f"web-{n}"}}
        for n, r in enumerate(ready)
    ]
    labels = {"kubernetes.io/service-name": "web"}
    return {"metadata": {"name": "web-x", "uid": "1", "labels": labels}, "endpoints": told}


def node(ready: str) -> dict[str, Any]:
    conditions = [{"type": "Ready", "status": ready}]
    return {"metadata": {"name": "n", "uid": "1"}, "spec": {}, "status": {"conditions": conditions}}


@pytest.mark.parametrize(
    ("kind", "raw", "level"),
    [
        ("Pod", pod("web", ready=True), Level(1, 1)),
        ("Pod", pod("web", ready=False), Level(0, 1)),
        ("ReplicaSet", replicas(3, 2), Level(2, 3)),
        ("Node", node("True"), Level(1, 1)),
        ("Node", node("Unknown"), Level(0, 1)),
        ("ConfigMap", {"metadata": {"name": "x", "uid": "1"}}, None),
    ],
)
def test_what_views_say_of_themselves_is_read_again(kind: str, raw: dict[str, Any], level: Level | None) -> None:
    assert timeline.level(str(view(kind, raw, seen_s=1))) == level
    if kind != "Node":  # the labs bring theirs back
        assert timeline.level(str(view(kind, raw, seen_s=1, gone=True))) == Level(0, 0)


def test_what_groups_say_of_themselves_is_read_again() -> None:
    pods = [
        view("Pod", pod(f"p{n}", ready=r, deleted=d), seen_s=1)
        for n, (r, d) in enumerate(itertools.product((True, False), repeat=2))
    ]
    assert all(isinstance(p, PodView) for p in pods)
    *_, group = Pods("all", lambda _: True).track(pods)
    assert timeline.level(str(group)) == Level(1, 4)
    *_, behind = Endpoints("web").track([view("EndpointSlice", endpoints(True, False, True), seen_s=1)])
    assert timeline.level(str(behind)) == Level(2, 3)
    *_, empty = Endpoints("web").track([view("EndpointSlice", endpoints(), seen_s=1)])
    assert timeline.level(str(empty)) == Level(0, 0)
    assert str(Object("Pod", "x")) == "pod/x"


def test_the_subject_is_above_its_twin(record: Record) -> None:
    drawing = timeline.draw(record())
    assert drawing
    assert [(lane.role, lane.name) for lane in drawing.lanes] == [("subject", "pod/probed"), ("twin", "pod/plain")]
    subject, twin = drawing.lanes
    assert subject.y < twin.y
    assert {kind for kind, _ in subject.marks} == {"event", "liveness", "restart", "startup"}
    assert [number for _, number in subject.restarts] == [1]
    assert twin.marks == ()


def test_the_effect_is_between_the_two_sides(record: Record) -> None:
    drawing = timeline.draw(record())
    assert drawing
    (allowed,) = drawing.allowed
    assert allowed.seen_x is not None
    assert allowed.from_x < allowed.earliest_x < allowed.seen_x < allowed.latest_x
    assert allowed.words == "allowed 4 to 7 s, seen after 5.4 s"
    assert "it is restarted: allowed 4 to 7 s, seen after 5.4 s" in drawing.says
    assert [act.label for act in drawing.acts] == ["2"], "the first act is long before what is drawn"


def test_probe_failures_of_what_is_no_subject_are_shown_too(record: Record) -> None:
    entries = [
        {"at_s": 1.0, "who": "twin", "object": "endpoints of service/web", "seen": "endpoints of service/web: none"},
        {"at_s": 2.0, "who": "event", "object": "pod/web-a", "seen": "Unhealthy: Readiness probe failed: 500"},
        {"at_s": 2.0, "who": "event", "object": "pod/other", "seen": "Started: Container started"},
    ]
    drawing = timeline.draw(record(timeline=entries, windows=[]))
    assert drawing
    assert [lane.name for lane in drawing.lanes] == ["endpoints of service/web", "pod/web-a"]


def test_commands_alone_are_not_drawn(record: Record) -> None:
    entry = {"at_s": 1.0, "who": "act", "object": "", "seen": "kubectl version"}
    assert timeline.draw(record(timeline=[entry], windows=[])) is None
    assert timeline.draw(record(timeline=[], windows=[])) is None


@pytest.mark.parametrize("second", [float("nan"), float("inf"), -1e300, 10**400, 1e6, -5.0])
def test_no_number_breaks_the_drawing(record: Record, second: Any) -> None:
    entries = [e | {"at_s": second if e["who"] == "subject" else e["at_s"]} for e in record()["timeline"]]
    windows = [{"goal": "x", "from_s": 1.0, "earliest_s": 0, "latest_s": second, "seen_s": None}]
    drawing = timeline.draw(record(timeline=entries, windows=windows))
    assert drawing
    assert all(0 <= x <= timeline.WIDTH for x, _ in drawing.ticks)
    assert len(drawing.ticks) <= 12
