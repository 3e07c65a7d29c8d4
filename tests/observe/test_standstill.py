"""Time that did not go on as usual is noticed, and usual time is not."""

from __future__ import annotations

import pytest

from labkit.observe import standstill
from labkit.observe.load import Load
from labkit.observe.standstill import Clocks, between

BEFORE = Clocks(awake_s=100.0, up_s=300.0, wall_s=1_800_000_000.0)


def after(awake_s: float, slept_s: float = 0.0, set_by_s: float = 0.0) -> Clocks:
    up_s = awake_s + slept_s
    return Clocks(BEFORE.awake_s + awake_s, BEFORE.up_s + up_s, BEFORE.wall_s + up_s + set_by_s)


@pytest.mark.parametrize(
    ("then", "said"),
    [
        (after(0.25), None),
        (after(3.0), None),
        (after(3.0, set_by_s=0.01), None),
        (after(59.0), "this process did not run for 59 s meanwhile"),
        (after(0.25, slept_s=3600.0), "the machine slept for 3600 s meanwhile"),
        (after(0.25, set_by_s=-7200.0), "the machine's clock was set by -7200.0 s meanwhile"),
        (after(0.25, set_by_s=1.5), "the machine's clock was set by +1.5 s meanwhile"),
    ],
)
def test_what_was_wrong_with_the_time_is_said(then: Clocks, said: str | None) -> None:
    assert between(BEFORE, then) == said


def test_clocks_of_this_machine_go_on() -> None:
    assert between(standstill.now(), standstill.now()) is None


def test_who_asks_first_after_a_stop_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Load, "EVERY_S", 3600.0)
    sampled = Load()
    began = sampled._clocks.awake_s
    assert sampled.standstill(began) is None
    stopped = Clocks(began + 60, sampled._clocks.up_s + 60, sampled._clocks.wall_s + 60)
    monkeypatch.setattr(standstill, "now", lambda: stopped)
    assert sampled.standstill(began) == "this process did not run for 60 s meanwhile"
    assert sampled.standstill(began) is not None, "it is forgotten"
    assert sampled.standstill(stopped.awake_s + 1) is None, "a lab that began later has nothing to do with it"
    sampled.stop()
