"""The instrument as a client: one new connection a request, and what came of each told apart."""

from __future__ import annotations

import errno
import json
import socket
import threading
import time
from typing import NamedTuple
from urllib.parse import urlsplit

from .wire import Refused

Row = dict[str, object]


class Target(NamedTuple):
    """Where to ask, and how long to wait for the whole answer."""

    url: str
    host: str
    port: int
    path: str
    timeout_s: float

    @classmethod
    def of(cls, url: object, timeout_s: object) -> Target:
        """Understand an address. Raises: Refused for what is no http:// address or no sensible time."""
        wait_s = number("timeout_s", timeout_s, least=0.001, most=60)
        address = str(url)
        try:
            parts = urlsplit(address)
            host, port = parts.hostname, parts.port or 80
        except ValueError:
            host, port = None, 0
        is_plain = address.isascii() and address.isprintable() and " " not in address
        if not host or parts.scheme != "http" or not is_plain:
            raise Refused(f"url takes an address like http://web.ns:8080/path, not {url!r}")
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return cls(address, host, port, path, wait_s)


def number(name: str, given: object, *, least: float, most: float) -> float:
    """Understand a number from JSON or a query. Raises: Refused with the bounds."""
    try:
        value = float(str(given))
    except ValueError:
        value = float("nan")
    if not least <= value <= most:
        raise Refused(f"{name} takes a number from {least:g} to {most:g}, not {given!r}")
    return value


def ask(target: Target) -> Row:
    """Open one connection, ask once, and say what came of it; never raises."""
    begun = time.monotonic()
    row: Row = {"t": round(time.time(), 3), "outcome": "", "status": None, "name": None, "to": None}
    try:
        status, content = _exchange(target, begun + target.timeout_s, row)
        row |= {
            "outcome": "ok" if status < 400 else f"http {status}",
            "status": status,
            "name": _name(content),
        }
        if status >= 400:
            row["error"] = f"answered {status}"
    except Exception as trouble:
        row |= {"outcome": _outcome(trouble), "error": str(trouble) or type(trouble).__name__}
    row["took_s"] = round(time.monotonic() - begun, 3)
    return row


class _NotHttp(Exception):
    pass


def _exchange(target: Target, deadline: float, row: Row) -> tuple[int, bytes]:
    """Ask with HTTP/1.0, so that the answer ends with the connection and is never chunked."""
    with _connect(_addresses(target, deadline), deadline, row) as connection:
        request = f"GET {target.path} HTTP/1.0\r\nHost: {target.host}:{target.port}\r\nUser-Agent: labs-web\r\n\r\n"
        connection.sendall(request.encode("ascii", "replace"))
        received = b""
        while True:
            connection.settimeout(_left(deadline))
            if not (part := connection.recv(65536)):
                return _parse(received)
            received += part


def _addresses(target: Target, deadline: float) -> list[tuple[str, int]]:
    """Look the name up in a thread of its own: the resolver knows no deadline of ours."""
    found: list[tuple[str, int]] = []
    trouble: list[OSError] = []

    def look_up() -> None:
        try:
            # As bytes: for a str Python would first load its tables for international names.
            host = target.host.encode("ascii")
            answers = socket.getaddrinfo(host, target.port, socket.AF_INET, socket.SOCK_STREAM)
            found.extend((str(address[0]), target.port) for *_, address in answers)
        except OSError as error:
            trouble.append(error)

    looking = threading.Thread(target=look_up, daemon=True)
    looking.start()
    looking.join(_left(deadline))
    if trouble:
        raise trouble[0]
    if not found:
        raise TimeoutError("no answer from the name server in time")
    return found


def _connect(addresses: list[tuple[str, int]], deadline: float, row: Row) -> socket.socket:
    """Connect to the first address that takes the connection, as clients do with a name that has several."""
    for last, address in enumerate(addresses, start=1):
        row["to"] = "{}:{}".format(*address)
        # Not create_connection: it would look the address up once more, as a str.
        connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            connection.settimeout(_left(deadline))
            connection.connect(address)
            return connection
        except OSError:
            connection.close()
            if last == len(addresses):
                raise
    raise TimeoutError


def _left(deadline: float) -> float:
    left_s = deadline - time.monotonic()
    if left_s <= 0:
        raise TimeoutError("timed out")
    return left_s


def _parse(received: bytes) -> tuple[int, bytes]:
    header, blank, content = received.partition(b"\r\n\r\n")
    words = header.split(maxsplit=2)
    if not received:
        raise ConnectionResetError("the connection was closed without an answer")
    if not blank or len(words) < 2 or not words[0].startswith(b"HTTP/") or not words[1].isdigit():
        raise _NotHttp("what came is not an HTTP answer")
    for line in header.lower().split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name == b"content-length" and value.strip().isdigit() and int(value) > len(content):
            raise ConnectionResetError("the connection was closed in the middle of the answer")
    return int(words[1]), content


def _name(content: bytes) -> object:
    try:
        body = json.loads(content)
    except ValueError:
        return None
    return body.get("name") if isinstance(body, dict) else None


def _outcome(trouble: Exception) -> str:
    if isinstance(trouble, socket.gaierror):
        return "no name"
    if isinstance(trouble, TimeoutError):
        return "timeout"
    if isinstance(trouble, ConnectionRefusedError):
        return "refused"
    if isinstance(trouble, ConnectionError | _NotHttp):
        return "reset"
    if isinstance(trouble, OSError) and trouble.errno in (errno.EHOSTUNREACH, errno.ENETUNREACH):
        return "unreachable"
    return "failed"


def fetch(target: Target, n: int, parallel: int) -> list[Row]:
    """Ask n times, `parallel` at a time; the rows are in the order in which they were begun."""
    rows: list[Row] = []
    lock = threading.Lock()
    turns = iter(range(n))

    def work() -> None:
        while True:
            with lock:
                if next(turns, None) is None:
                    return
            row = ask(target)
            with lock:
                rows.append(row)

    workers = [threading.Thread(target=work, daemon=True) for _ in range(min(n, parallel))]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return sorted(rows, key=begun)


def begun(row: Row) -> float:
    """Give when the request was begun, to sort by."""
    return float(str(row["t"]))
