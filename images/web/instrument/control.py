"""The paths that a lab asks for: set faults, act, read the log, send traffic. They never fail."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping

from .application import Answer
from .background import Clients
from .client import Target, fetch, number
from .faults import Fault, Faults
from .journal import Journal
from .ports import TcpPort
from .wire import Refused, Request

Act = Callable[[Request], Answer]


class Control:
    """Knows every part that can be turned, and which request turns it."""

    def __init__(self, faults: Faults, journal: Journal, clients: Clients, ports: Mapping[int, TcpPort]) -> None:
        self._faults = faults
        self._journal = journal
        self._clients = clients
        self._ports = ports
        self._named: dict[str, dict[str, Act]] = {
            "log": {"GET": self._log},
            "exit": {"POST": self._exit},
            "file": {"POST": self._file},
            "listeners": {"GET": self._list_listeners},
            "fetch": {"GET": self._fetch},
            "clients": {"POST": self._start_client},
        }

    def answer(self, request: Request) -> Answer | None:
        """Do what the request asks and give its answer; None where the path is the application's.

        Raises: Refused with a sentence for the sender; then nothing was changed.
        """
        acts = self._acts(request.path)
        if acts is None:
            return None
        method = "GET" if request.method == "HEAD" else request.method
        if method not in acts:
            raise Refused(f"{request.path} takes {' and '.join(acts)}, not {method}", 405)
        return acts[method](request)

    def _acts(self, path: str) -> dict[str, Act] | None:
        """Give what a control path does by method; None where the path is the application's."""
        match path.removeprefix("/").split("/"):
            case [*_, "api"]:
                return {"GET": self._show_fault, "PUT": self._set_fault, "POST": self._set_fault}
            case ["listeners", port, ("open" | "close") as verb]:
                return {"POST": lambda _: self._listener(port, verb)}
            case ["clients", which]:
                return {"GET": lambda _: self._show_client(which), "DELETE": lambda _: self._stop_client(which)}
            case [name]:
                return self._named.get(name)
        return None

    def _show_fault(self, request: Request) -> Answer:
        return _ok(self._faults.show(_target_path(request)))

    def _set_fault(self, request: Request) -> Answer:
        path = _target_path(request)
        if self._acts(path) is not None:
            raise Refused(f"{path} is a control path: it never fails")
        self._faults.turn(path, Fault.of(path, request.json()))
        return self._show_fault(request)

    def _log(self, request: Request) -> Answer:
        query = request.query()
        since = number("since", query.get("since", 0), least=0, most=float("inf"))
        return _ok(self._journal.lines(path=query.get("path"), agent=query.get("agent", ""), since=since))

    def _exit(self, request: Request) -> Answer:
        code = request.json().get("code", 0)
        if type(code) is not int or not 0 <= code <= 255:
            raise Refused('the body must be like {"code": 3}, from 0 to 255')
        return _ok({"code": code})._replace(afterwards=lambda: os._exit(code))

    def _file(self, request: Request) -> Answer:
        given = request.json()
        path, present = given.get("path"), given.get("present", True)
        if not isinstance(path, str) or not isinstance(present, bool) or path[:1] != "/" or "\0" in path:
            raise Refused('the body must be like {"path": "/tmp/healthy", "present": true}')
        try:
            if present:
                os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o644))
            else:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(path)  # noqa: PTH108 pathlib would double what the process has to import
        except OSError as error:
            raise Refused(f"{path}: {error.strerror}") from error
        return _ok({"path": path, "present": present})

    def _list_listeners(self, _request: Request) -> Answer:
        return _ok([port.show() for port in self._ports.values()])

    def _listener(self, text: str, verb: str) -> Answer:
        port = self._ports.get(int(text)) if text.isdecimal() else None
        if port is None:
            raise Refused(f"there is no listener {text}; LISTENERS in the environment makes some", 404)
        try:
            port.open() if verb == "open" else port.close()
        except OSError as error:
            raise Refused(f"port {text}: {error.strerror}") from error
        return _ok(port.show())

    def _fetch(self, request: Request) -> Answer:
        query = request.query()
        target = Target.of(query.get("url"), query.get("timeout_s", 2))
        n = int(number("n", query.get("n", 1), least=1, most=1000))
        parallel = int(number("parallel", query.get("parallel", 1), least=1, most=64))
        return Answer(200, lambda: {"answers": fetch(target, n, parallel)})

    def _start_client(self, request: Request) -> Answer:
        given = request.json()
        target = Target.of(given.get("url"), given.get("timeout_s", 2))
        every_s = number("every_s", given.get("every_s", 0.1), least=0.01, most=60)
        return _ok(self._clients.start(target, every_s).show())

    def _show_client(self, which: str) -> Answer:
        return _ok(self._clients.get(which).show())

    def _stop_client(self, which: str) -> Answer:
        client = self._clients.get(which)

        def stop() -> object:
            client.stop()
            return client.show()

        return Answer(200, stop)


def _ok(body: object) -> Answer:
    return Answer(200, lambda: body)


def _target_path(request: Request) -> str:
    return request.path.removesuffix("/api") or "/"
