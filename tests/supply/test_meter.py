"""The share done and the time left, from weights and the pace so far."""

from __future__ import annotations

from labkit.supply.meter import Meter


class Told:
    """Stands in for progress: keeps the last step."""

    def __init__(self) -> None:
        self.share, self.left_s = 0.0, 0.0

    def step(self, _what: str, *, share: float, left_s: float) -> None:
        self.share, self.left_s = share, left_s


class Clock:
    """A clock that stands until it is moved."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def meter(clock: Clock, told: Told, **seconds: float) -> Meter:
    made = Meter(told, "all", clock)  # type: ignore[arg-type]
    made.expect(seconds)
    return made


def test_shares_are_weighed_by_seconds() -> None:
    clock, told = Clock(), Told()
    made = meter(clock, told, long=300, short=100)
    made.finish("short")
    assert told.share == 0.25
    made.move("long", 0.5)
    assert told.share == 0.625


def test_time_left_follows_this_machines_pace() -> None:
    clock, told = Clock(), Told()
    made = meter(clock, told, long=400, short=400)
    clock.now = 800  # twice as slow as measured
    made.finish("short")
    assert 700 < told.left_s < 800


def test_one_slow_start_does_not_blow_the_estimate_up() -> None:
    clock, told = Clock(), Told()
    made = meter(clock, told, long=400)
    clock.now = 10
    made.move("long", 0.0)
    assert told.left_s == 600


def test_a_part_that_was_kept_is_out_of_the_reckoning() -> None:
    clock, told = Clock(), Told()
    made = meter(clock, told, kept=300, long=100)
    made.reuse("kept")
    made.move("long", 0.5)
    assert told.share == 0.5


def test_a_share_never_shrinks() -> None:
    clock, told = Clock(), Told()
    made = meter(clock, told, long=100)
    made.move("long", 0.5)
    made.move("long", 0.2)
    assert told.share == 0.5
