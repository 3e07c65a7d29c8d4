"""HTTP/1.1 on a socket: read a request, write an answer. Nothing here knows what is asked.

The standard library's http.server would do; importing it costs more than the rest of the instrument together.
"""

from __future__ import annotations

import json
import socket
from typing import BinaryIO, NamedTuple
from urllib.parse import parse_qsl, unquote

MOST_LINE = 64 * 1024
MOST_HEADERS = 200
MOST_BODY = 1024 * 1024
_BODILESS = (204, 304)


class Refused(Exception):
    """A request that makes no sense; the message is one sentence for its sender."""

    def __init__(self, sentence: str, status: int = 400) -> None:
        super().__init__(sentence)
        self.status = status


class Request(NamedTuple):
    """One request; header names are lower case, path and query values are decoded."""

    method: str
    path: str
    raw_query: str
    headers: dict[str, str]
    body: bytes
    keep_alive: bool

    def query(self) -> dict[str, str]:
        """Give the query's parameters; the last one counts where a name comes twice."""
        return dict(parse_qsl(self.raw_query, keep_blank_values=True))

    def json(self) -> dict[str, object]:
        """Give the body's JSON object, {} for an empty body. Raises: Refused for anything else."""
        try:
            given = json.loads(self.body or b"{}")
        except ValueError:
            given = None
        if not isinstance(given, dict):
            raise Refused("the body must be a JSON object")
        return given


def read_request(stream: BinaryIO) -> Request | None:
    """Read the next request; None where the sender has closed. Raises: Refused, OSError."""
    first = _line(stream)
    if not first:
        return None
    try:
        method, target, version = first.decode("latin-1").split()
    except ValueError:
        raise Refused("this is not an HTTP request") from None
    if not version.startswith("HTTP/1."):
        raise Refused(f"{version} is not spoken here", 505)
    headers = _headers(stream)
    path, _, query = target.partition("?")
    connection = headers.get("connection", "").lower()
    return Request(
        method=method,
        path=unquote(path),
        raw_query=query,
        headers=headers,
        body=_body(stream, headers),
        keep_alive="close" not in connection and (version != "HTTP/1.0" or "keep-alive" in connection),
    )


def _line(stream: BinaryIO) -> bytes:
    line = stream.readline(MOST_LINE + 1)
    if len(line) > MOST_LINE:
        raise Refused("a header line is too long", 431)
    return line


def _headers(stream: BinaryIO) -> dict[str, str]:
    headers: dict[str, str] = {}
    while line := _line(stream).strip():
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.strip().lower()] = value.strip()
        if len(headers) > MOST_HEADERS:
            raise Refused("there are too many headers", 431)
    return headers


def _body(stream: BinaryIO, headers: dict[str, str]) -> bytes:
    coding = headers.get("transfer-encoding", "identity").lower()
    if coding == "chunked":
        return _chunks(stream)
    if coding != "identity":
        raise Refused(f"a body coded as {coding} is not understood", 501)
    length = headers.get("content-length", "0")
    if not length.isdecimal():
        raise Refused("Content-Length is not a number")
    return _exactly(stream, int(length))


def _chunks(stream: BinaryIO) -> bytes:
    """Read a body that comes in pieces, as `kubectl create --raw` sends it; trailers are thrown away."""
    body = b""
    while True:
        size = _line(stream).partition(b";")[0].strip()
        try:
            length = int(size, 16)
        except ValueError:
            raise Refused("the body's chunks are broken") from None
        if length == 0:
            _headers(stream)
            return body
        body += _exactly(stream, length)
        _line(stream)
        if len(body) > MOST_BODY:
            raise Refused("the body is too long", 413)


def _exactly(stream: BinaryIO, length: int) -> bytes:
    if not 0 <= length <= MOST_BODY:
        raise Refused("the body is too long", 413)
    body = stream.read(length)
    if len(body) < length:
        raise Refused("the body ended early")
    return body


def write_answer(
    connection: socket.socket,
    status: int,
    body: object,
    *,
    location: str | None = None,
    head: bool = False,
    keep_alive: bool = False,
) -> None:
    """Write one answer with a JSON body (none for HEAD, 204, 304). Raises: OSError, the sender is gone."""
    content = b"" if status in _BODILESS else json.dumps(body).encode() + b"\n"
    lines = [f"HTTP/1.1 {status} ", f"Connection: {'keep-alive' if keep_alive else 'close'}"]
    if status not in _BODILESS:
        lines += ["Content-Type: application/json", f"Content-Length: {len(content)}"]
    if location is not None:
        lines.append(f"Location: {location}")
    header = "\r\n".join([*lines, "", ""]).encode("latin-1", "replace")
    connection.sendall(header if head else header + content)
