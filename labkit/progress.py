"""Progress of long work, as plain lines that read the same in a terminal and in a CI log."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable


def _to_stderr(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


class Progress:
    """Write what is being done, what share of it is done, and how long it will still take.

    Safe to use from several threads; a step that is repeated is written at most every few seconds.
    """

    EVERY_S = 5.0
    """Seconds between two lines of the same step: often enough to see life, rare enough for a log."""

    def __init__(self, write: Callable[[str], None] = _to_stderr) -> None:
        self._write = write
        self._started = time.monotonic()
        self._lock = threading.Lock()
        self._last: dict[str, float] = {}

    def say(self, line: str) -> None:
        """Write one line, stamped with the minutes and seconds since the work began."""
        with self._lock:
            minutes, seconds = divmod(int(time.monotonic() - self._started), 60)
            self._write(f"[{minutes:02d}:{seconds:02d}] {line}")

    def step(self, what: str, *, share: float, left_s: float | None = None) -> None:
        """Write how far `what` has come: share 0 to 1, left_s seconds to go where they can be told."""
        now = time.monotonic()
        with self._lock:
            if share < 1 and now - self._last.get(what, -self.EVERY_S) < self.EVERY_S:
                return
            self._last[what] = now
        left = "" if left_s is None else f", about {_span(left_s)} left"
        self.say(f"{what}: {share:.0%}{left}")


def _span(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
