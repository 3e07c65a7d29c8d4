"""The browser: an answer, an error, a redirect, a refusal, a cut and a silence told apart, on loopback."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

import pytest

from labkit.lab import browser
from labkit.lab.browser import Page

OK = b'HTTP/1.0 200 OK\r\n\r\n{"name": "web"}'
MISSING = b"HTTP/1.0 404 Not Found\r\n\r\nno such page"
MOVED = b"HTTP/1.0 307 Temporary Redirect\r\nLocation: /home\r\n\r\n"


@contextlib.contextmanager
def serving(answer: bytes | None) -> Iterator[tuple[str, list[bytes]]]:
    """Answer one request, or never where the answer is None; give the URL, and what was asked after the block."""
    over = threading.Event()
    asked: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                asked.append(connection.recv(4096))
                if answer is None:
                    over.wait(10)
                else:
                    connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/", asked
        over.set()
        thread.join()


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
    with serving(answer) as (url, asked):
        page = browser.get(url, timeout_s=0.3 if answer is None else 5)
    assert page == met
    assert b"Authorization" not in asked[0]


def test_the_format_that_is_wanted_is_asked_for() -> None:
    with serving(OK) as (url, asked):
        browser.get(url, accept="application/yaml")
    assert b"Accept: application/yaml\r\n" in asked[0]


def test_what_a_page_in_json_says() -> None:
    assert Page("ok", 200, {}, '{"name": "web"}').json["name"] == "web"


def test_a_port_where_nobody_listens_refuses() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert browser.get(f"http://127.0.0.1:{port}/") == Page("refused")
