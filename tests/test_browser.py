"""The browser: an answer, a refusal, a cut and a silence told apart, against a server on loopback."""

from __future__ import annotations

import socket
import threading

import pytest

from labkit import browser

OK = b'HTTP/1.0 200 OK\r\n\r\n{"name": "web"}'
MISSING = b"HTTP/1.0 404 Not Found\r\n\r\nno such page"


@pytest.mark.parametrize(
    ("answer", "outcome", "status", "name"),
    [
        (OK, "ok", 200, "web"),
        (MISSING, "http 404", 404, None),
        (b"", "reset", None, None),
        (None, "timeout", None, None),
    ],
)
def test_what_came_of_a_request(answer: bytes | None, outcome: str, status: int | None, name: str | None) -> None:
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(4096)
                if answer is None:
                    over.wait(10)
                else:
                    connection.sendall(answer)

        serving = threading.Thread(target=serve)
        serving.start()
        met = browser.get(
            f"http://127.0.0.1:{server.getsockname()[1]}/", epoch=0.0, timeout_s=0.3 if answer is None else 5
        )
        over.set()
        serving.join()
    assert (met.outcome, met.status, met.name) == (outcome, status, name)


def test_a_port_where_nobody_listens_refuses() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert browser.get(f"http://127.0.0.1:{port}/", epoch=0.0, timeout_s=5).outcome == "refused"
