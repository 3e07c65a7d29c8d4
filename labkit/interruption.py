"""Ctrl-C and SIGTERM in the controlling process: both end a run in order, and neither cuts short its tidying up."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType


def end_in_order() -> None:
    """Let SIGTERM do what Ctrl-C does: KeyboardInterrupt in the main thread, so that every `finally` runs.

    SIGINT does it too where it is ignored from the start, as shells arrange it for what a script starts in the
    background: who sends it to this process means this process.

    To be called once, in the main thread of the process that makes the cluster.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.default_int_handler)


def became(error: BaseException | None) -> bool:
    """Tell whether an error is what became of Ctrl-C or SIGTERM: raised while a KeyboardInterrupt was on its way.

    One that comes while `queue.Queue.get` takes its lock again leaves there as `RuntimeError: release unlocked lock`.
    """
    while error and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error is not None


@contextlib.contextmanager
def passed_over() -> Iterator[None]:
    """Do nothing at Ctrl-C and SIGTERM during a block in which the process ends in order already. In the main thread.

    Who is impatient presses Ctrl-C twice, and the second one must not undo what the first one has begun.
    """
    # A handler of its own: what is started meanwhile would inherit SIG_IGN.
    with _handled_by(lambda *_: None):
        yield


@contextlib.contextmanager
def held_off() -> Iterator[None]:
    """Hold Ctrl-C and SIGTERM off during a block that must be done; one that came meanwhile interrupts after it.

    Outside the main thread, where no signal arrives anyway, it does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        came.append(number)

    with _handled_by(note):
        yield
    if came:
        signal.raise_signal(came[0])


@contextlib.contextmanager
def _handled_by(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)
