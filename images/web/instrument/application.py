"""The paths that the kubelet and Services ask for, and what they answer while nothing is wrong."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import NamedTuple

from .faults import DEADLOCK, GRPC, Faults, Hit
from .settings import Settings
from .wire import Refused, Request

PATHS = ("/", "/healthy", "/ready", "/started", "/work")


class Answer(NamedTuple):
    """What a request gets, decided at its arrival.

    `hit` holds the request back first; then `content` makes the body, which may take long;
    `afterwards` is done when the answer has left.
    """

    status: int
    content: Callable[[], object]
    location: str | None = None
    hit: Hit | None = None
    afterwards: Callable[[], None] | None = None


class Application:
    """Answers as an application would, and as the faults want it."""

    def __init__(self, settings: Settings, faults: Faults, started: object) -> None:
        self._settings = settings
        self._faults = faults
        self._started = started
        self._ready_at = time.monotonic() + settings.ready_after_s
        self._slots = threading.Semaphore(settings.concurrency)

    def answer(self, request: Request, caller: str) -> Answer:
        """Decide what this request gets. Raises: Refused for what cannot be asked here."""
        if request.method not in ("GET", "HEAD"):
            where = request.path.rstrip("/") + "/api"
            raise Refused(f"{request.path} takes GET and HEAD; faults are set at {where}", 405)
        own = self._own(request, caller)
        hit = None if request.path in (DEADLOCK, GRPC) else self._faults.meet(request.path)
        if hit is None or hit.fault.status is None:
            return own._replace(hit=hit)
        return Answer(
            hit.fault.status,
            lambda: self._body(request.path, caller) | {"faulted": True},
            location=hit.fault.location,
            hit=hit,
        )

    def _own(self, request: Request, caller: str) -> Answer:
        path = request.path
        if path.startswith("/status/"):
            code = path.removeprefix("/status/")
            if not (code.isdecimal() and 200 <= int(code) <= 599):
                raise Refused("/status/ takes a code from 200 to 599", 404)
            location = request.query().get("location")
            if location is not None and not location.isprintable():
                raise Refused("location takes an address to redirect to")
            return Answer(int(code), lambda: self._body(path, caller), location)
        if path not in PATHS:
            return Answer(404, lambda: {"error": f"there is no {path} here"})
        if path == "/ready" and (wait_s := self._ready_at - time.monotonic()) > 0:
            return Answer(500, lambda: {"error": f"ready in {wait_s:.1f} s"})
        if path == "/work":
            return Answer(200, lambda: self._body(path, caller) | {"waited_s": self._work()})
        return Answer(200, lambda: self._body(path, caller))

    def _work(self) -> float:
        begun = time.monotonic()
        with self._slots:
            waited_s = time.monotonic() - begun
            time.sleep(self._settings.handle_s)
        return round(waited_s, 3)

    def _body(self, path: str, caller: str) -> dict[str, object]:
        return {"name": self._settings.name, "path": path, "from": caller, "started": self._started}
