"""The browser: an answer, an error, a redirect, a refusal, a cut and a silence told apart, on loopback."""

from __future__ import annotations

import socket
import threading

import pytest

from labkit.lab import browser
from labkit.lab.browser import Page

OK = b'HTTP/1.0 200 OK\r\n\r\n{"name": "web"}'
MISSING = b"HTTP/1.0 404 Not Found\r\n\r\nno such page"
MOVED = b"HTTP/1.0 307 Temporary Redirect\r\nLocation: /home\r\n\r\n"


@pytest.mark.parametrize(
    ("answer", "met"),
    [
        (OK, Page("ok", 200, {}, '{"name": "web"}')),
        (MISSING, Page("http 404", 404, {}, "no such page")),
        (MOVED, Page("ok", 307, {"location": "/home"})),
        (b"", Page("reset")),
        (None, Page("timeout")),
    ],
)
def test_what_came_of_a_request(answer: bytes | None, met: Page) -> None:
    over = threading.Event()
    asked = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                asked.append(connection.recv(4096))
                if answer is None:
                    over.wait(10)
                else:
                    connection.sendall(answer)

        serving = threading.Thread(target=serve)
        serving.start()
        page = browser.get(f"http://127.0.0.1:{server.getsockname()[1]}/", timeout_s=0.3 if answer is None else 5)
        over.set()
        serving.join()
    assert page == met
    assert b"Authorization" not in asked[0]


def test_the_format_that_is_wanted_is_asked_for() -> None:
    asked = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                asked.append(connection.recv(4096))
                connection.sendall(OK)

        serving = threading.Thread(target=serve)
        serving.start()
        browser.get(f"http://127.0.0.1:{server.getsockname()[1]}/", accept="application/yaml")
        serving.join()
    assert b"Accept: application/yaml\r\n" in asked[0]


def test_what_a_page_in_json_says() -> None:
    assert Page("ok", 200, {}, '{"name": "web"}').json["name"] == "web"


def test_a_port_where_nobody_listens_refuses() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert browser.get(f"http://127.0.0.1:{port}/") == Page("refused")
