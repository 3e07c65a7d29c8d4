"""Clients that go on asking until they are stopped, to show whether a Service was ever without an answer."""

from __future__ import annotations

import threading
import time
from collections import deque

from .client import Row, Target, ask, begun
from .wire import Refused

KEPT_ANSWERS = 20_000
MOST_OPEN = 256
"""Connections that one client may have open at a time: a thread each."""


class Client:
    """Asks again and again, on time whether or not the former request is answered, until it is stopped."""

    def __init__(self, number: str, target: Target, every_s: float) -> None:
        if target.timeout_s / every_s > MOST_OPEN:
            raise Refused(f"timeout_s is at most {MOST_OPEN} times every_s: each open request takes a thread")
        self._number = number
        self._target = target
        self._every_s = every_s
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._rows: deque[Row] = deque(maxlen=KEPT_ANSWERS)
        self._open: set[threading.Thread] = set()
        threading.Thread(target=self._run, daemon=True).start()

    def stop(self) -> None:
        """Ask no more, and wait until every open request has its outcome."""
        self._stop.set()
        with self._lock:
            still_open = tuple(self._open)
        for asking in still_open:
            asking.join()

    def show(self) -> dict[str, object]:
        """Give the client and what came of its requests so far, oldest first, as JSON."""
        with self._lock:
            answers = sorted(self._rows, key=begun)
        return {
            "id": self._number,
            "url": self._target.url,
            "every_s": self._every_s,
            "timeout_s": self._target.timeout_s,
            "running": not self._stop.is_set(),
            "answers": answers,
        }

    def _run(self) -> None:
        due = time.monotonic()
        while not self._stop.wait(max(0.0, due - time.monotonic())):
            asking = threading.Thread(target=self._ask, daemon=True)
            with self._lock:
                self._open.add(asking)
                asking.start()
            # A beat missed on a busy machine is not made up for: a burst is traffic that nobody asked for.
            due = max(due + self._every_s, time.monotonic())

    def _ask(self) -> None:
        row = ask(self._target)
        with self._lock:
            self._rows.append(row)
            self._open.discard(threading.current_thread())


class Clients:
    """The background clients of this process, by number."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._clients: dict[str, Client] = {}

    def start(self, target: Target, every_s: float) -> Client:
        """Start a client. Raises: Refused where it could have too many connections open."""
        with self._lock:
            number = str(len(self._clients) + 1)
            self._clients[number] = Client(number, target, every_s)
            return self._clients[number]

    def get(self, number: str) -> Client:
        """Give a client, stopped or not. Raises: Refused where there is none of that number."""
        with self._lock:
            if number not in self._clients:
                raise Refused(f"there is no client {number}", 404)
            return self._clients[number]
