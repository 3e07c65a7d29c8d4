"""Starts the instrument as what it is: a process that listens, not a module that is imported."""

from __future__ import annotations

import errno
import http.client
import io
import json
import os
import queue
import random
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

WEB = Path(__file__).resolve().parents[2] / "images" / "web"
PATIENCE_S = 60.0
"""Far more than anything here takes; only a broken instrument is waited for so long."""


def free_port() -> int:
    """Give a port that nothing listens on; below those that Linux gives to clients, which would take it in between."""
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == errno.ECONNREFUSED:
                return port


class Running:
    """One instrument: ask it, read what it prints, see how it ends."""

    def __init__(self, **environment: object) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        settings = {name: str(value) for name, value in environment.items()}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "instrument"],
            cwd=WEB,
            env=os.environ | {"POD_NAME": "web-a", "PORT": str(self.port)} | settings,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        # All the time, as a container runtime does: who writes to a full pipe waits.
        with closing(self.process.stdout or io.StringIO()) as lines:
            for line in lines:
                self._lines.put(line)
        self._lines.put("")

    def line(self) -> dict[str, object]:
        """Give the next line that it prints."""
        text = self._lines.get(timeout=PATIENCE_S)
        assert text, f"no more lines: {self.errors()}"
        return dict(json.loads(text))

    def lines_until(self, event: str) -> list[dict[str, object]]:
        """Give the lines up to the one of that event."""
        lines = [self.line()]
        while lines[-1].get("event") != event:
            lines.append(self.line())
        return lines

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> tuple[int, dict[str, object]]:
        """Send one request on a new connection; give the status and the JSON body ({} for none)."""
        status, content, _ = self.ask_raw(method, path, body, **headers)
        return status, json.loads(content or b"{}")

    def ask_raw(self, method: str, path: str, body: object = None, **headers: str) -> tuple[int, bytes, dict[str, str]]:
        """Send one request on a new connection; give status, body and headers."""
        content = body if isinstance(body, str | None) else json.dumps(body)
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        with closing(connection):
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, content, named)
            answer = connection.getresponse()
            return answer.status, answer.read(), dict(answer.getheaders())

    def get(self, path: str) -> tuple[int, dict[str, object]]:
        """GET a path."""
        return self.ask("GET", path)

    def put(self, path: str, body: object) -> dict[str, object]:
        """Set a fault, which must be understood."""
        status, answer = self.ask("PUT", path, body)
        assert status == 200, answer
        return answer

    def log(self, query: str = "") -> list[dict[str, object]]:
        """Give GET /log."""
        _, content, _ = self.ask_raw("GET", f"/log{query}")
        return list(json.loads(content))

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and give the exit code."""
        self.process.send_signal(number)
        return self.ended()

    def ended(self) -> int:
        """Wait for the end and give the exit code."""
        return self.process.wait(PATIENCE_S)

    def errors(self) -> str:
        """End it where it still runs, and give what it wrote on standard error."""
        self.process.kill()
        self.process.wait(PATIENCE_S)
        self._reader.join()
        assert self.process.stderr
        if not self.process.stderr.closed:
            with closing(self.process.stderr) as errors:
                self._errors = errors.read()
        return self._errors


Start = Callable[..., Running]


@pytest.fixture
def launch() -> Iterator[Start]:
    """Launch instruments with an environment, without waiting for them to listen; they end with the test."""
    launched: list[Running] = []

    def launch(**environment: object) -> Running:
        launched.append(Running(**environment))
        return launched[-1]

    yield launch
    for running in launched:
        running.errors()


@pytest.fixture
def start(launch: Start) -> Start:
    """Start instruments with an environment; they listen."""

    def start(**environment: object) -> Running:
        running = launch(**environment)
        running.lines_until("listening")
        return running

    return start


@pytest.fixture(scope="module")
def web() -> Iterator[Running]:
    """One instrument for the tests of a module that leave it as it was."""
    running = Running()
    running.lines_until("listening")
    yield running
    running.errors()
