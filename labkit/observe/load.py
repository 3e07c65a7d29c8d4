"""How busy the machine is, and whether time went on as usual, sampled while labs wait.

Lateness on a busy machine, or on one that slept, says nothing about Kubernetes.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from pathlib import Path

from labkit.observe import standstill

_STAT = Path("/proc/stat")

_CORES = os.cpu_count() or 1

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


class Load:
    """Samples of the tasks per core that want to run, four a second, for the last ten minutes."""

    EVERY_S = 0.25

    IDLE_S = 0.5
    """Seconds over which it is told how idle the machine is: two of the samples, and a hundred ticks of two cores."""

    def __init__(self) -> None:
        self._idled: deque[tuple[float, float]] = deque([_idle()], maxlen=int(self.IDLE_S / self.EVERY_S))
        self._samples: deque[tuple[float, float]] = deque(maxlen=int(600 / self.EVERY_S))
        self._stop = threading.Event()
        self._looking = threading.Lock()
        self._clocks = standstill.now()
        self._standstills: list[tuple[float, str]] = []
        threading.Thread(target=self._sample, name="load", daemon=True).start()

    def since(self, then: float) -> float:
        """Give the mean since `then` (time.monotonic()), at least of the newest sample."""
        samples = list(self._samples)
        recent = [load for at, load in samples if at >= then] or [load for _, load in samples[-1:]]
        return sum(recent) / len(recent) if recent else 0.0

    def standstill(self, then: float) -> str | None:
        """Say what was wrong with the time since `then` (time.monotonic()), if anything was."""
        self._look()  # who has waited may be the first to run again
        return next((said for at, said in self._standstills if at >= then), None)

    def idle(self) -> float:
        """Give the share of its time that the machine has just been idle, 0 to 1."""
        (then, before), (now, after) = self._idled[0], _idle()
        return (after - before) / max(now - then, 0.01)

    def stop(self) -> None:
        self._stop.set()

    def _look(self) -> None:
        with self._looking:
            before, self._clocks = self._clocks, standstill.now()
            if said := standstill.between(before, self._clocks):
                self._standstills.append((self._clocks.awake_s, said))

    def _sample(self) -> None:
        while not self._stop.wait(self.EVERY_S):
            self._look()
            self._idled.append(_idle())
            self._samples.append((time.monotonic(), _tasks() / _CORES))


def _tasks() -> float:
    """Give the tasks that want to run now; the mean of the last minute where the system does not tell (macOS)."""
    try:
        text = _STAT.read_text()
    except OSError:
        return os.getloadavg()[0]
    # The task that reads the file runs too and is no load of others.
    return float(text.partition("procs_running ")[2].split()[0]) - 1


def _idle() -> tuple[float, float]:
    """Give the time, and the seconds that a core has been idle until then, on the mean."""
    now = time.monotonic()
    try:
        words = _STAT.read_text().partition("\n")[0].split()
    except OSError:  # macOS; elsewhere a worker does without the memory that it takes
        import psutil  # noqa: PLC0415

        return now, psutil.cpu_times().idle / _CORES
    # "cpu", user, nice, system, idle, iowait: who waits for a disk leaves its core to others.
    return now, (int(words[4]) + int(words[5])) / _TICKS_PER_S / _CORES
