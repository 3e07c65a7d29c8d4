"""The instrument's other listeners: TCP ports that say nothing, and gRPC's health service."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor

import pytest
from h2.connection import H2Connection
from h2.events import DataReceived, ResponseReceived, StreamEnded, TrailersReceived

from .conftest import PATIENCE_S, Start, free_port

CHECK = "/grpc.health.v1.Health/Check"
SERVING, NOT_SERVING = b"\0\0\0\0\x02\x08\x01", b"\0\0\0\0\x02\x08\x02"
NOT_FOUND, UNIMPLEMENTED = "5", "12"


def test_a_port_that_hangs_accepts_and_says_nothing_until_it_is_closed(start: Start) -> None:
    port = free_port()
    web = start(LISTENERS=f"{port}:hang")
    with socket.create_connection(("127.0.0.1", port), PATIENCE_S) as held:
        line = web.line()
        assert (line["path"], line["from"]) == (f"tcp:{port}", "127.0.0.1")
        assert web.ask("POST", f"/listeners/{port}/close")[1]["open"] is False
        assert held.recv(1) == b"", "a held connection is dropped"
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))
    for _ in range(2):
        assert web.ask("POST", f"/listeners/{port}/open")[1]["open"] is True
    socket.create_connection(("127.0.0.1", port)).close()


def test_ports_are_listed(start: Start) -> None:
    port = free_port()
    web = start(LISTENERS=f"{port}:close")
    assert web.ask_raw("GET", "/listeners")[1].decode() == (
        f'[{{"port": {port}, "manner": "close", "open": true, "held": 0}}]\n'
    )


def call(port: int, path: str = CHECK, message: bytes = b"\0\0\0\0\0") -> tuple[str | None, bytes]:
    """Make one gRPC call as a probe does; give grpc-status and the answer's message with its prefix."""
    http2 = H2Connection()
    http2.initiate_connection()
    http2.send_headers(
        1,
        [
            (":method", "POST"),
            (":scheme", "http"),
            (":path", path),
            (":authority", "web"),
            ("content-type", "application/grpc"),
            ("user-agent", "kube-probe/1.37 grpc-go/1.72.2"),
            ("te", "trailers"),
        ],
    )
    http2.send_data(1, message, end_stream=True)
    answer, status = b"", None
    with socket.create_connection(("127.0.0.1", port), PATIENCE_S) as connection:
        while True:
            connection.sendall(http2.data_to_send())
            for event in http2.receive_data(connection.recv(65536)):
                if isinstance(event, ResponseReceived | TrailersReceived):
                    status = {str(name): str(value) for name, value in text(event.headers)}.get("grpc-status", status)
                if isinstance(event, DataReceived):
                    answer += event.data
                if isinstance(event, StreamEnded):
                    return status, answer


def text(headers: object) -> list[tuple[str, str]]:
    """Give headers as text, whichever way h2 tells them."""
    assert isinstance(headers, list)
    return [(as_text(name), as_text(value)) for name, value in headers]


def as_text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value


def test_grpc_health_is_serving_until_told_otherwise(start: Start) -> None:
    port = free_port()
    web = start(GRPC_PORT=port)
    assert call(port) == ("0", SERVING)
    line = web.line()
    assert (line["path"], line["status"], line["agent"]) == (
        *(f"grpc:{CHECK}", "SERVING", "kube-probe/1.37 grpc-go/1.72.2"),
    )
    web.put("/grpc/api", {"failNext": 2})
    assert [call(port)[1] for _ in range(3)] == [NOT_SERVING, NOT_SERVING, SERVING]
    assert web.get("/grpc/api")[1]["requests"] == 4


def test_grpc_health_hangs_with_a_deadlock(start: Start) -> None:
    port = free_port()
    web = start(GRPC_PORT=port, FAULTS='{"deadlock": {"hang": true}}')
    with ThreadPoolExecutor() as pool:
        hanging = pool.submit(call, port)
        assert web.line()["status"] is None
        assert not hanging.done()
        web.put("/deadlock/api", {"hang": False})
        assert hanging.result() == ("0", SERVING)


def test_grpc_without_the_service_and_the_service_without_that_name(start: Start) -> None:
    port, without = free_port(), free_port()
    start(GRPC_PORT=port)
    start(GRPC_PORT=without, GRPC_HEALTH="off")
    assert call(without) == (UNIMPLEMENTED, b"")
    assert call(port, path="/grpc.health.v1.Health/Watch") == (UNIMPLEMENTED, b"")
    assert call(port, message=b"\0\0\0\0\x03\x0a\x01x") == (NOT_FOUND, b"")


def test_what_is_no_grpc_ends_the_connection(start: Start) -> None:
    port = free_port()
    web = start(GRPC_PORT=port)
    with socket.create_connection(("127.0.0.1", port), PATIENCE_S) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
        while connection.recv(1000):
            pass
    assert call(port) == ("0", SERVING)
    assert web.errors() == ""
