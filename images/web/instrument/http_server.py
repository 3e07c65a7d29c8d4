"""One HTTP connection after another: arrival, decision, log line, answer."""

from __future__ import annotations

import socket
import time
from io import BufferedReader
from typing import BinaryIO

from .application import Answer, Application
from .control import Control
from .journal import Journal
from .wire import Refused, Request, read_request, write_answer

IDLE_S = 120
"""How long a connection may say nothing: longer than the API server keeps one for reuse (90 s)."""


class HttpServer:
    """Answers the requests of a connection until one side has had enough of it."""

    def __init__(self, application: Application, control: Control, journal: Journal) -> None:
        self._application = application
        self._control = control
        self._journal = journal

    def handle(self, connection: socket.socket, caller: str) -> None:
        """Serve one connection. Raises: OSError where the caller is gone."""
        connection.settimeout(IDLE_S)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        accepted = round(time.time(), 3)
        with connection.makefile("rb") as stream:
            if not _says_anything(stream):
                port = connection.getsockname()[1]
                self._journal.write(t=accepted, path=f"tcp:{port}", **{"from": caller})
                return
            while self._next(connection, stream, caller):
                pass

    def _next(self, connection: socket.socket, stream: BinaryIO, caller: str) -> bool:
        try:
            request = read_request(stream)
        except Refused as refused:
            write_answer(connection, refused.status, {"error": str(refused)})
            return False
        if request is None:
            return False
        begun = time.monotonic()
        answer = self._decide(request, caller)
        line = self._journal.write(**_line(request, answer, caller))
        if answer.hit:
            answer.hit.endure()
        body = answer.content()
        # Before it leaves: whoever has an answer finds its line complete.
        self._journal.add(line, status=answer.status, took_s=round(time.monotonic() - begun, 3))
        write_answer(
            connection,
            answer.status,
            body,
            location=answer.location,
            head=request.method == "HEAD",
            keep_alive=request.keep_alive,
        )
        if answer.afterwards:
            answer.afterwards()
        return request.keep_alive

    def _decide(self, request: Request, caller: str) -> Answer:
        try:
            return self._control.answer(request) or self._application.answer(request, caller)
        except Refused as refused:
            error = {"error": str(refused)}
            return Answer(refused.status, lambda: error)


def _says_anything(stream: BufferedReader) -> bool:
    """Tell a request from a mere connection, which is all that a tcpSocket probe makes."""
    try:
        return bool(stream.peek(1))
    except ConnectionError:
        return False


def _line(request: Request, answer: Answer, caller: str) -> dict[str, object]:
    hangs = answer.hit is not None and answer.hit.fault.hang
    line: dict[str, object] = {"method": request.method, "path": request.path}
    if request.raw_query:
        line["query"] = request.raw_query
    line |= {
        "status": None if hangs else answer.status,
        "agent": request.headers.get("user-agent", ""),
        "from": caller,
    }
    return line | {"faulted": True} if answer.hit else line
