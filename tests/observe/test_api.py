"""Requests to the API server: by which proxy they go, and by which not."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from labkit.observe.api import Api
from labkit.observe.connection import connection_of
from labkit.trouble import Inconclusive


class Server(http.server.ThreadingHTTPServer):
    """Answers every GET with its own name, and remembers what was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        super().__init__(("127.0.0.1", 0), Answering)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Answering(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, Server)
        self.server.asked.append(self.path)
        body = json.dumps({"url": self.server.url}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def servers() -> Iterator[tuple[Server, Server]]:
    """Give two servers that answer: one is the API server, the other a proxy."""
    with Server() as one, Server() as other:
        for server in (one, other):
            threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield one, other
        one.shutdown()
        other.shutdown()


def kubeconfig(folder: Path, server: str, **cluster: str) -> Path:
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": server, **cluster}}],
        "users": [{"name": "u", "user": {}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    path = folder / "kubeconfig"
    path.write_text(json.dumps(config), encoding="utf-8")
    return path


@pytest.fixture(autouse=True)
def proxied(servers: tuple[Server, Server], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, servers[1].url)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)


def test_a_server_on_this_machine_is_asked_past_every_proxy(servers: tuple[Server, Server], tmp_path: Path) -> None:
    server, proxy = servers
    with Api(connection_of(kubeconfig(tmp_path, server.url))) as api:
        assert api.get("/version") == {"url": server.url}
    assert proxy.asked == []


def test_any_other_server_is_asked_by_way_of_the_proxy(servers: tuple[Server, Server], tmp_path: Path) -> None:
    _, proxy = servers
    with Api(connection_of(kubeconfig(tmp_path, "http://192.0.2.1:6443"))) as api:
        assert api.get("/version") == {"url": proxy.url}


def test_a_proxy_of_the_kubeconfig_counts_whatever_is_behind_it(servers: tuple[Server, Server], tmp_path: Path) -> None:
    server, proxy = servers
    with Api(connection_of(kubeconfig(tmp_path, server.url, **{"proxy-url": proxy.url}))) as api:
        assert api.get("/version") == {"url": proxy.url}


def test_a_server_that_is_not_there_is_no_verdict(tmp_path: Path) -> None:
    with (
        pytest.raises(Inconclusive, match="did not answer GET /version"),
        Api(connection_of(kubeconfig(tmp_path, "http://127.0.0.1:9"))) as api,
    ):
        api.get("/version")
