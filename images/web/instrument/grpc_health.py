"""gRPC's health service on one connection at a time: enough of gRPC to be probed, spoken through `h2`.

Source: https://github.com/grpc/grpc/blob/master/doc/health-checking.md
"""

from __future__ import annotations

import socket

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, RequestReceived, StreamEnded, StreamReset
from h2.exceptions import ProtocolError

from .faults import GRPC, Faults
from .journal import Journal

CHECK = "/grpc.health.v1.Health/Check"
_OK, _NOT_FOUND, _UNIMPLEMENTED = 0, 5, 12
_SERVING, _NOT_SERVING = 1, 2
IDLE_S = 120
_MOST_MESSAGE = 4096


class GrpcHealth:
    """Answers health checks as the faults of /grpc say; without the service every call is UNIMPLEMENTED."""

    def __init__(self, faults: Faults, journal: Journal, *, has_service: bool) -> None:
        self._faults = faults
        self._journal = journal
        self._has_service = has_service

    def handle(self, connection: socket.socket, caller: str) -> None:
        """Serve one connection until the caller closes it. Raises: OSError where the caller is gone."""
        connection.settimeout(IDLE_S)
        http2 = H2Connection(H2Configuration(client_side=False))
        http2.initiate_connection()
        connection.sendall(http2.data_to_send())
        calls: dict[int, _Call] = {}
        while received := connection.recv(65536):
            try:
                events = http2.receive_data(received)
            except ProtocolError:
                # h2 has written down why; the caller is told, and the connection ends.
                connection.sendall(http2.data_to_send())
                return
            for event in events:
                if isinstance(event, RequestReceived):
                    calls[event.stream_id] = _Call(event)
                elif isinstance(event, DataReceived):
                    http2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                    if call := calls.get(event.stream_id):
                        call.message = (call.message + event.data)[:_MOST_MESSAGE]
                elif isinstance(event, StreamReset):
                    calls.pop(event.stream_id, None)
                elif isinstance(event, StreamEnded) and event.stream_id in calls:
                    self._answer(http2, event.stream_id, calls.pop(event.stream_id), caller)
            connection.sendall(http2.data_to_send())

    def _answer(self, http2: H2Connection, stream: int, call: _Call, caller: str) -> None:
        hit = self._faults.meet(GRPC) if self._has_service and call.path == CHECK else None
        code, word, message = self._decide(call, failing=hit is not None and hit.fault.status is not None)
        hangs = hit is not None and hit.fault.hang
        line = {
            "path": f"grpc:{call.path}",
            "status": None if hangs else word,
            "agent": call.agent,
            "from": caller,
        }
        self._journal.write(**line, **({"faulted": True} if hit else {}))
        if hit:
            hit.endure()
        headers = [(":status", "200"), ("content-type", "application/grpc")]
        trailers = [("grpc-status", str(code))] + ([] if code == _OK else [("grpc-message", word)])
        if code == _OK:
            http2.send_headers(stream, headers)
            http2.send_data(stream, b"\0" + len(message).to_bytes(4, "big") + message)
            http2.send_headers(stream, trailers, end_stream=True)
        else:
            http2.send_headers(stream, headers + trailers, end_stream=True)

    def _decide(self, call: _Call, *, failing: bool) -> tuple[int, str, bytes]:
        """Give gRPC's code, the word for the log, and the message (HealthCheckResponse: field 1, an enum)."""
        if not self._has_service or call.path != CHECK:
            return _UNIMPLEMENTED, "UNIMPLEMENTED", b""
        if call.asks_for_a_name:
            return _NOT_FOUND, "NOT_FOUND", b""
        if failing:
            return _OK, "NOT_SERVING", bytes((8, _NOT_SERVING))
        return _OK, "SERVING", bytes((8, _SERVING))


class _Call:
    """One call: the method's path, who calls, and the request message as it comes in."""

    def __init__(self, event: RequestReceived) -> None:
        headers = {_text(name): _text(value) for name, value in event.headers or ()}
        self.path = headers.get(":path", "")
        self.agent = headers.get("user-agent", "")
        self.message = b""

    @property
    def asks_for_a_name(self) -> bool:
        """Tell whether HealthCheckRequest names a service (field 1, a string, left out when empty)."""
        return len(self.message) > 5 and self.message[5:7] != b"\x0a\0"


def _text(value: bytes | str) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value
