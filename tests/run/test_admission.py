"""When one more lab may begin, on made-up loads and machines."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from labkit.observe.load import Load
from labkit.run import admission
from labkit.run.admission import Admission, Pace


@pytest.mark.parametrize(
    ("idle", "waited_s", "begins"),
    [
        (1.0, 0.0, True),
        (admission.ROOM, 0.0, True),
        (admission.ROOM - 0.01, 0.0, False),
        (0.0, admission.USUAL.patience_s - 0.1, False),
        (0.0, admission.USUAL.patience_s, True),
    ],
)
def test_a_lab_begins_where_there_is_room_or_after_patience(idle: float, waited_s: float, begins: bool) -> None:
    assert admission.admits(idle, waited_s) is begins


@pytest.mark.parametrize("pace", [admission.PROVING, admission.ALONE])
def test_labs_that_are_proved_or_seen_again_wait_longer_for_room(pace: Pace) -> None:
    assert admission.admits(admission.ROOM, 0.0, pace)
    assert not admission.admits(0.0, admission.USUAL.patience_s, pace)
    assert admission.admits(0.0, pace.patience_s, pace)
    assert admission.settle_s(2, pace) >= admission.settle_s(2)


def test_more_cores_take_more_labs_and_sooner() -> None:
    assert admission.workers(2) < admission.workers(2, prove=True) < admission.workers(16)
    assert admission.settle_s(16) < admission.settle_s(2)


def test_sixteen_idle_cores_are_not_kept_waiting() -> None:
    per_s = 1 / admission.settle_s(16)
    assert per_s * 5 >= admission.workers(16) / 2, "half the workers are under way after five seconds"


def test_the_queue_lets_one_after_another_begin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    idle = iter([0.0, 0.0, 0.9, 0.9])
    load = Load()
    try:
        monkeypatch.setattr(load, "idle", lambda: next(idle))
        queue = Admission(tmp_path, load, cores=64)
        queue.wait()
        queue.wait()
        assert next(idle, None) is None, "the machine was looked at until it had room, once for each lab"
    finally:
        load.stop()


def test_only_the_first_in_the_queue_looks_at_the_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[str] = []
    looked, room = threading.Event(), threading.Event()

    def queue(name: str) -> Admission:
        load = Load()
        load.stop()

        def idle() -> float:
            looks.append(name)
            looked.set()
            return 1.0 if room.is_set() else 0.0

        monkeypatch.setattr(load, "idle", idle)
        return Admission(tmp_path, load, cores=64, pace=Pace(0.0, 60.0))

    first, second = threading.Thread(target=queue("first").wait), threading.Thread(target=queue("second").wait)
    first.start()
    looked.wait()
    second.start()
    room.set()
    first.join()
    second.join()
    assert looks == [*["first"] * (len(looks) - 1), "second"]
