"""The watch against a server on loopback that says what an API server says, also when it goes wrong."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from labkit.claims.budgets import Window
from labkit.observe.api import Api, Refused
from labkit.observe.connection import connection_of
from labkit.observe.history import Happened, History, Object
from labkit.observe.watch import Watch
from labkit.trouble import Inconclusive

WEB: Object[Any] = Object("Pod", "web")


class Server:
    """Answers each request with the next part of its script; watches without a script stay open."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.script: list[tuple[int, list[dict[str, Any]]]] = []
        self.over = threading.Event()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.0"

            def do_GET(self) -> None:
                server.asked.append(self.path)
                status, parts = server.script.pop(0) if server.script else (200, [])
                hold = "watch=1" in self.path and not parts
                self.send_response(status)
                self.end_headers()
                for part in parts:
                    self.wfile.write(json.dumps(part).encode() + b"\n")
                self.wfile.flush()
                if hold:
                    server.over.wait(10)

            def log_message(self, *_: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.http.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self.over.set()
        self.http.shutdown()
        self.http.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    started = Server()
    yield started
    started.close()


@pytest.fixture
def api(server: Server, tmp_path: Path) -> Iterator[Api]:
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "x",
        "clusters": [{"name": "x", "cluster": {"server": f"http://127.0.0.1:{server.http.server_port}"}}],
        "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}],
        "users": [{"name": "x", "user": {}}],
    }
    path = tmp_path / "kubeconfig"
    path.write_text(yaml.safe_dump(config))
    with Api(connection_of(path)) as connected:
        yield connected


def pod(version: int, *, name: str = "web") -> dict[str, Any]:
    return {"metadata": {"name": name, "uid": name, "resourceVersion": str(version)}, "spec": {}, "status": {}}


def listed(version: int, *pods: dict[str, Any]) -> tuple[int, list[dict[str, Any]]]:
    return 200, [{"metadata": {"resourceVersion": str(version)}, "items": list(pods)}]


def event(type: str, item: dict[str, Any]) -> dict[str, Any]:
    return {"type": type, "object": item}


def seen(version: int) -> Callable[[Any], bool]:
    return lambda state: bool(state.resource_version == str(version))


def follow(api: Api, script: list[tuple[int, list[dict[str, Any]]]], server: Server, *, until: int) -> History:
    server.script = script
    history = History(lambda: 0.0, lambda _: 0.0)
    watch = Watch(api, "Pod", "ns", history).start()
    history.eventually(f"version {until}", [WEB], seen(until), within=Window(0, 5))
    watch.stop()
    watch.join()
    return history


def versions(history: History) -> list[str]:
    return [v.resource_version for v in history.track(WEB)]


def test_a_watch_goes_on_where_the_list_ended(api: Api, server: Server) -> None:
    script = [listed(7, pod(3)), (200, [event("MODIFIED", pod(8)), event("MODIFIED", pod(9))])]
    assert versions(follow(api, script, server, until=9)) == ["3", "8", "9"]
    assert "resourceVersion=7" in server.asked[1]


def test_what_one_list_tells_is_of_one_moment(api: Api, server: Server) -> None:
    server.script = [listed(7, pod(3), pod(5, name="twin"))]
    history = History(itertools.count().__next__, lambda _: 0.0)
    watch = Watch(api, "Pod", "ns", history).start()
    (moment,) = history.eventually("it is there", [WEB], seen(3), within=Window(0, 5))
    with pytest.raises(Happened):
        history.never("the twin is, too", Object("Pod", "twin"), seen(5), until=moment)
    watch.stop()
    watch.join()


def test_a_watch_that_the_server_ends_is_resumed_without_a_gap(api: Api, server: Server) -> None:
    bookmark = event("BOOKMARK", {"metadata": {"resourceVersion": "50"}})
    script = [listed(7, pod(3)), (200, [event("MODIFIED", pod(8)), bookmark]), (200, [event("DELETED", pod(60))])]
    history = follow(api, script, server, until=60)
    assert history.track(WEB)[-1].gone
    assert "resourceVersion=50" in server.asked[2]
    assert history.gaps == ()


def test_a_forgotten_version_is_a_gap_and_what_vanished_meanwhile_is_gone(api: Api, server: Server) -> None:
    expired = event("ERROR", {"kind": "Status", "code": 410, "message": "too old resource version"})
    script = [listed(7, pod(3), pod(4, name="twin")), (200, [expired]), listed(90, pod(88))]
    history = follow(api, script, server, until=88)
    assert [gap.kind for gap in history.gaps] == ["Pod"]
    assert history.track(Object[Any]("Pod", "twin"))[-1].gone


def test_an_answer_of_410_is_the_same(api: Api, server: Server) -> None:
    script = [listed(7, pod(3)), (410, [{"message": "too old"}]), listed(90, pod(88))]
    assert len(follow(api, script, server, until=88).gaps) == 1


def test_a_refused_list_says_why(api: Api, server: Server) -> None:
    server.script = [(403, [{"message": "pods is forbidden"}])]
    with pytest.raises(Refused, match="403: pods is forbidden"):
        Watch(api, "Pod", "ns", History(lambda: 0.0, lambda _: 0.0)).start()


def test_a_refused_watch_ends_the_waits_of_its_lab(api: Api, server: Server) -> None:
    with pytest.raises(Inconclusive, match="403"):
        follow(api, [listed(7, pod(3)), (403, [{"message": "forbidden"}])], server, until=99)
