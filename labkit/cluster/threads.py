"""Work beside the main thread, in threads that a process does not wait for when it is interrupted."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def in_background(work: Callable[[], R]) -> Future[R]:
    """Start work whose result is awaited elsewhere.

    Not a ThreadPoolExecutor: at its end a process joins those threads, and one that waited for a node to boot kept an
    interrupted run alive for a minute and a half after its cluster was gone.
    """
    future: Future[R] = Future()

    def do() -> None:
        try:
            future.set_result(work())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=do, daemon=True).start()
    return future


def at_once(act: Callable[[T], R], things: Sequence[T]) -> list[R]:
    """Do the same with several things side by side; give the results in order, or raise the first error in order."""
    started = [in_background(lambda thing=thing: act(thing)) for thing in things]  # type: ignore[misc]
    return [one.result() for one in started]
