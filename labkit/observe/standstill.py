"""Whether time went on as usual while a lab waited: for this process, its machine, and the clock on the wall.

A run that was stopped, a laptop that slept, a clock that was set: then deadlines pass unseen, and the times in a log
are not those of this process any more. What a lab has seen meanwhile is no verdict.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

STOPPED_S = 5.0
"""Seconds between two looks, which are meant to be 0.25 s apart, from which on this process did not run."""

SLEPT_S = 1.0
"""Seconds that the machine's uptime may gain on what it was awake."""

STEPPED_S = 0.5
"""Seconds by which the clock may be off between two looks: adjtimex(2) slews by 0.5 ms a second."""


@dataclass(frozen=True)
class Clocks:
    """All clocks at one moment, in seconds: awake since the boot, since the boot, and on the wall."""

    awake_s: float
    up_s: float
    wall_s: float


def now() -> Clocks:
    """Read all clocks. Where there is none that counts a machine's sleep (macOS), the one of the wall stands in."""
    awake_s = time.monotonic()
    up_s = time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else awake_s
    return Clocks(awake_s, up_s, time.time())


def between(before: Clocks, after: Clocks) -> str | None:
    """Say what was wrong with the time between two looks, if anything was."""
    awake_s, up_s, wall_s = (
        after.awake_s - before.awake_s,
        after.up_s - before.up_s,
        after.wall_s - before.wall_s,
    )
    if up_s - awake_s > SLEPT_S:
        return f"the machine slept for {up_s - awake_s:.0f} s meanwhile"
    if awake_s > STOPPED_S:
        return f"this process did not run for {awake_s:.0f} s meanwhile"
    if abs(wall_s - up_s) > STEPPED_S:
        return f"the machine's clock was set by {wall_s - up_s:+.1f} s meanwhile"
    return None
