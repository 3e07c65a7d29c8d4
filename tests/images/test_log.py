"""What the instrument writes down: at arrival, for whoever came, on standard output and in GET /log."""

from __future__ import annotations

import socket
from time import monotonic, time

import pytest

from .conftest import PATIENCE_S, Running, Start


def test_a_line_tells_when_what_and_who(web: Running) -> None:
    before = time()
    web.ask("GET", "/started?a=b", User_Agent="kube-probe/1.37")
    line = web.log("?path=/started")[-1]
    took_s = line.pop("took_s")
    assert isinstance(took_s, float)
    t = line.pop("t")
    assert isinstance(t, float)
    assert before - 0.001 <= t <= time() + 0.001
    assert line == {
        "method": "GET",
        "path": "/started",
        "query": "a=b",
        "status": 200,
        "agent": "kube-probe/1.37",
        "from": "127.0.0.1",
    }


def test_the_log_is_asked_by_path_agent_and_time(start: Start) -> None:
    web = start()
    for path in ("/healthy", "/ready", "/healthy"):
        web.ask("GET", path, User_Agent="kube-probe/1.37")
    web.ask("GET", "/healthy", User_Agent="curl/8")
    probes = web.log("?path=/healthy&agent=kube-probe")
    assert [line["agent"] for line in probes] == ["kube-probe/1.37"] * 2
    assert web.log(f"?path=/healthy&agent=kube-probe&since={probes[1]['t']}")[-1] == probes[1]
    assert web.log(f"?path=/healthy&since={time() + 60}") == []


def test_a_line_is_on_standard_output_before_the_answer_is_given(start: Start) -> None:
    web = start()
    web.put("/healthy/api", {"hang": True})
    assert web.line()["path"] == "/healthy/api"
    with socket.create_connection(("127.0.0.1", web.port)) as probe:
        probe.sendall(b"GET /healthy HTTP/1.1\r\nHost: web\r\nUser-Agent: kube-probe/1.37\r\n\r\n")
        line = web.line()
    assert (line["path"], line["status"], line["faulted"]) == ("/healthy", None, True)


def test_a_probe_that_went_away_leaves_the_instrument_well(start: Start) -> None:
    web = start()
    web.put("/healthy/api", {"failNext": 1, "hang": True})
    with socket.create_connection(("127.0.0.1", web.port)) as probe:
        probe.sendall(b"GET /healthy HTTP/1.1\r\n\r\n")
    web.put("/healthy/api", {})
    assert web.get("/healthy")[0] == 200
    assert web.errors() == ""


def test_a_mere_connection_is_a_line_too(start: Start) -> None:
    web = start()
    socket.create_connection(("127.0.0.1", web.port)).close()
    line = web.line()
    assert (line["path"], line["from"]) == (f"tcp:{web.port}", "127.0.0.1")


def test_what_is_no_http_is_refused(web: Running) -> None:
    with socket.create_connection(("127.0.0.1", web.port)) as connection:
        connection.sendall(b"\x16\x03\x01 hello\r\n")
        assert b"400" in connection.recv(1000)


def test_a_body_may_come_in_pieces(web: Running) -> None:
    with socket.create_connection(("127.0.0.1", web.port)) as connection:
        connection.sendall(b"POST /started/api HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n")
        connection.sendall(b'7\r\n{"statu\r\nA;x=y\r\ns": 204}\n \r\n0\r\nTrailer: x\r\n\r\n')
        assert connection.recv(1000).startswith(b"HTTP/1.1 200")
    assert web.get("/started")[0] == 204
    web.put("/started/api", {})


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        (b"Content-Length: many", b"", 400),
        (b"Content-Length: 5", b"{}", 400),
        (b"Content-Length: 9999999", b"", 413),
        (b"Transfer-Encoding: gzip", b"", 501),
        (b"Transfer-Encoding: chunked", b"x\r\n", 400),
        (b"Transfer-Encoding: chunked", b"-1\r\n", 413),
        (b"Transfer-Encoding: chunked", b"FFFFFFF\r\n", 413),
    ],
)
def test_a_broken_body_is_refused(web: Running, headers: bytes, body: bytes, status: int) -> None:
    with socket.create_connection(("127.0.0.1", web.port)) as connection:
        connection.sendall(b"POST /started/api HTTP/1.1\r\n" + headers + b"\r\n\r\n" + body)
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(1000).startswith(f"HTTP/1.1 {status} ".encode())


def test_a_connection_is_kept_for_the_next_request(web: Running) -> None:
    with socket.create_connection(("127.0.0.1", web.port)) as connection:
        for _ in range(2):
            connection.sendall(b"GET /status/204 HTTP/1.1\r\nHost: web\r\n\r\n")
            assert connection.recv(1000).startswith(b"HTTP/1.1 204")
        connection.sendall(b"GET /status/204 HTTP/1.1\r\nConnection: close\r\n\r\n")
        assert connection.recv(1000).startswith(b"HTTP/1.1 204")
        assert connection.recv(1000) == b""


def test_the_oldest_lines_give_way_and_it_is_said(start: Start) -> None:
    web = start()
    limit, burst = 20_000, 200
    request = b"GET /status/204 HTTP/1.1\r\n\r\n"
    deadline = monotonic() + PATIENCE_S
    with socket.create_connection(("127.0.0.1", web.port)) as connection:
        for _ in range(limit // burst + 1):
            connection.sendall(request * burst)
            left = len(b"HTTP/1.1 204 \r\nConnection: keep-alive\r\n\r\n") * burst
            while left:
                left -= len(connection.recv(left))
            assert monotonic() < deadline
    lines = web.log()
    assert len(lines) == limit + 1
    assert lines[0] == {"event": "dropped", "lines": burst + 2}
