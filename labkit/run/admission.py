"""How many labs go on at once, and when one more may begin.

A lab costs the machine most where it begins: a namespace, its objects, its Pods; then it mostly waits, and waiting is
free. So there are many workers for each core, and each lab waits with its beginning until the machine has room for it.
Seen without that on two cores: 30 to 45 tasks wanted to run, and a restart that was due after 4 to 7 s came after 24.
Tasks that want to run come in bursts, and are no measure of room: on two cores there were eleven at a moment while a
seventh of the cores' time was idle.
"""

from __future__ import annotations

import fcntl
import threading
from dataclasses import dataclass
from pathlib import Path

from labkit.observe.load import Load

ROOM = 0.1
"""The share of the cores' time that is idle where a lab may begin."""


@dataclass(frozen=True)
class Pace:
    """How labs follow each other."""

    settle_core_s: float
    """Core seconds that a beginning takes until the load shows it: namespace, objects, the start of the first Pods."""
    patience_s: float
    """Seconds after which the next lab begins whatever the load, so that a machine that others keep busy does not make
    a run of minutes one of an hour."""


USUAL = Pace(0.1, 1.0)
"""So that labs that begin do not pile up. With twice this, two cores were a third idle where labs are short."""

PROVING = Pace(0.3, 5.0)
"""More go on at once, and most wait for what never comes."""

ALONE = Pace(1.0, 30.0)
"""For a lab that could not tell for the load: what others have left, Pods that end, is to be over first."""

LOOK_S = 0.05
"""Seconds between two looks at the load."""


def workers(cores: int, *, prove: bool = False) -> int:
    """Give how many labs may go on at once; sabotaged ones wait longer, for what never comes.

    With 20 on two cores a proof took 590 s, and 540 with 12: who waits looks around meanwhile, and has clients going.
    """
    return 7 * cores if prove else 3 * cores + 2


def settle_s(cores: int, pace: Pace = USUAL) -> float:
    """Give the seconds from one beginning to the next, so that the load shows the one before."""
    return pace.settle_core_s / cores


def admits(idle: float, waited_s: float, pace: Pace = USUAL) -> bool:
    """Tell whether a lab may begin: by the share of the cores' time that is idle, and how long it has waited."""
    return idle >= ROOM or waited_s >= pace.patience_s


class Admission:
    """The queue of all workers of a run before a lab begins, kept by a lock on one file."""

    def __init__(self, folder: Path, load: Load, cores: int, pace: Pace = USUAL) -> None:
        self._turn = folder / "admission.lock"
        self._load = load
        self._settle_s = settle_s(cores, pace)
        self._pace = pace

    def wait(self) -> None:
        """Wait until one more lab may begin; the next in the queue looks at the machine only when this one shows."""
        pause = threading.Event()
        with self._turn.open("w") as turn:
            # Asleep until it is its turn; a dozen that looked twenty times a second took a twentieth of a core.
            fcntl.flock(turn, fcntl.LOCK_EX)
            waited_s = 0.0
            while not admits(self._load.idle(), waited_s, self._pace):
                pause.wait(LOOK_S)
                waited_s += LOOK_S
            pause.wait(self._settle_s)
