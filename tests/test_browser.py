"""The browser sees pages as they are: errors and redirects too."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator

import pytest

from labkit import browser


class Site(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/moved":
            self.send_response(307)
            self.send_header("Location", "/home")
        else:
            self.send_response(200 if self.path == "/home" else 404)
        body = f"{self.path} {self.headers.get('Authorization')}".encode()
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def site() -> Iterator[str]:
    with http.server.HTTPServer(("127.0.0.1", 0), Site) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_page_is_what_was_answered(site: str) -> None:
    page = browser.get(f"{site}/home")
    assert (page.status, page.text) == (200, "/home None")
    assert "location" not in page.headers


def test_an_error_is_a_page_and_a_redirect_is_not_followed(site: str) -> None:
    assert browser.get(f"{site}/nothing").status == 404
    moved = browser.get(f"{site}/moved")
    assert (moved.status, moved.headers["location"]) == (307, "/home")


def test_silence_is_one_sentence() -> None:
    with pytest.raises(browser.NoAnswer, match=r"GET http://127\.0\.0\.1:9/: .*Connection refused"):
        browser.get("http://127.0.0.1:9/")
