"""What goes wrong on which path, for how many requests: the part of the instrument that labs turn."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

from .wire import Refused

DEADLOCK = "/deadlock"
"""Stands for all application paths at once; only `hang` is understood here."""
GRPC = "/grpc"
"""Stands for the gRPC health service; it has no HTTP status."""

LONGEST_DELAY_S = 3600


def _is_delay(value: object) -> bool:
    return type(value) in (int, float) and 0 <= float(str(value)) <= LONGEST_DELAY_S


_FIELDS: dict[str, tuple[Callable[[object], bool], str]] = {
    "failNext": (
        lambda value: type(value) is int,
        "a whole number: N > 0 the next N requests, N < 0 until told otherwise, 0 none",
    ),
    "status": (lambda value: type(value) is int and 200 <= value <= 599, "a code from 200 to 599"),
    "location": (lambda value: isinstance(value, str) and value.isprintable(), "an address to redirect to"),
    "delay_s": (_is_delay, f"seconds from 0 to {LONGEST_DELAY_S}"),
    "hang": (lambda value: isinstance(value, bool), "true or false"),
}
"""What a fault may say: the field, whether a value will do, and in words what will."""

_UNDERSTOOD = {DEADLOCK: {"hang"}, GRPC: {"failNext", "delay_s", "hang"}}


class Fault(NamedTuple):
    """What a faulted request gets; `status` None is what the path answers anyway.

    `fail_next` is for how many requests: N > 0 the next N, N < 0 without end, 0 for none.
    """

    fail_next: int = 0
    status: int | None = None
    location: str | None = None
    delay_s: float = 0
    hang: bool = False

    @classmethod
    def of(cls, path: str, given: object) -> Fault:
        """Understand the JSON of a fault. Raises: Refused with a sentence that names the field."""
        if not isinstance(given, dict):
            raise Refused('a fault is a JSON object like {"failNext": 3}')
        understood = _UNDERSTOOD.get(path, _FIELDS.keys())
        for field, value in given.items():
            if field not in understood:
                raise Refused(f"{path} takes {', '.join(sorted(understood))}, not {field}")
            is_good, words = _FIELDS[field]
            if not is_good(value):
                raise Refused(f"{field} takes {words}")
        location, delay_s, hang = given.get("location"), given.get("delay_s", 0), given.get("hang", False)
        status = given.get("status", 302 if location is not None else None)
        if "failNext" not in given:
            without_end = hang or delay_s or status is not None
            return cls(-1 if without_end else 0, status, location, delay_s, hang)
        return cls(given["failNext"], 500 if status is None else status, location, delay_s, hang)


class Hit(NamedTuple):
    """A request that met a fault; `replaced` is set as soon as the path is told something else."""

    fault: Fault
    replaced: threading.Event

    def endure(self) -> None:
        """Hold the request back as the fault says: until it is replaced, or for its delay."""
        if self.fault.hang:
            self.replaced.wait()
        elif self.fault.delay_s:
            self.replaced.wait(self.fault.delay_s)


class _Path:
    """The fault of one path, what is left of it, and how often the path was asked for."""

    def __init__(self, fault: Fault) -> None:
        self.requests = 0
        self.faulted = 0
        self.fault, self.left, self.replaced = fault, fault.fail_next, threading.Event()

    def turn(self, fault: Fault) -> None:
        before = self.replaced
        self.fault, self.left, self.replaced = fault, fault.fail_next, threading.Event()
        before.set()

    def meet(self) -> Hit | None:
        if self.left == 0:
            return None
        self.left -= self.left > 0
        self.faulted += 1
        return Hit(self.fault, self.replaced)


class Faults:
    """The faults of all paths; safe to use from several threads.

    `known` are the paths that exist without a fault; setting a fault on another one makes it exist.
    """

    def __init__(self, known: tuple[str, ...], preset: Mapping[str, Fault]) -> None:
        self._lock = threading.Lock()
        self._paths = {path: _Path(Fault()) for path in (*known, DEADLOCK, GRPC)}
        for path, fault in preset.items():
            self.turn(path, fault)

    def turn(self, path: str, fault: Fault) -> None:
        """Replace what the next requests to the path get; those it holds back now are let go."""
        with self._lock:
            if path in self._paths:
                self._paths[path].turn(fault)
            else:
                self._paths[path] = _Path(fault)

    def meet(self, path: str) -> Hit | None:
        """Count a request, and give the fault that it runs into; a deadlock comes before any other."""
        with self._lock:
            asked = self._paths.get(path)
            if asked:
                asked.requests += 1
            return self._paths[DEADLOCK].meet() or (asked.meet() if asked else None)

    def show(self, path: str) -> dict[str, object]:
        """Give the path's fault as JSON, with what is left of it and how many requests came."""
        with self._lock:
            at = self._paths.get(path) or _Path(Fault())
            return {
                "path": path,
                "t": round(time.time(), 3),
                "failNext": at.left,
                "status": at.fault.status,
                "location": at.fault.location,
                "delay_s": at.fault.delay_s,
                "hang": at.fault.hang,
                "requests": at.requests,
                "faulted": at.faulted,
            }
