"""Requests to the API server: JSON in, JSON out, and streams of lines.

The kubernetes client reads the kubeconfig (see `connection`); its models stay out of it, because they refuse or drop
fields that are newer than they are, and a lab must see what the server really said.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import urllib3

from labkit.observe.connection import Connection, connection_of
from labkit.trouble import Inconclusive, reason

CONNECTIONS = 32
"""Connections to the server that are kept for the next request; a watch has one for as long as it goes on."""

_JSON = {"Accept": "application/json", "Content-Type": "application/json"}

CONNECT_S, READ_S = 3.05, 30.0
"""Seconds until a server that says nothing is given up; the client itself would wait for ever."""


class Refused(Exception):
    """The API server answered with an error status."""

    def __init__(self, status: int, body: str) -> None:
        super().__init__(f"{status}: {_message(body)}")
        self.status = status
        self.body = body


class Api:
    """Requests to one API server; connections are kept and used again, and any thread may send."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._pool = _pool(connection)

    def close(self) -> None:
        """Give the connections back."""
        self._pool.clear()

    def __enter__(self) -> Api:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def request(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        read_s: float = READ_S,
    ) -> tuple[int, str]:
        """Send one request; give the status and the text of any answer. Raises Inconclusive where none came."""
        try:
            response = self._call(method, path, body, read_s)
            return response.status, _text(response)
        except urllib3.exceptions.HTTPError as error:
            raise Inconclusive(f"the API server did not answer {method} {path}: {reason(error)}") from error

    def get(self, path: str) -> dict[str, Any]:
        """Get an object or a list. Raises Refused with the server's status, Inconclusive where no answer came."""
        return self._json("GET", path)

    def post(self, path: str, body: object) -> dict[str, Any]:
        """Create an object. Raises as `get` does."""
        return self._json("POST", path, body)

    def delete(self, path: str) -> None:
        """Delete an object or a collection; one that is not there is as good as deleted. Raises as `get` does."""
        try:
            self._json("DELETE", path)
        except Refused as refusal:
            if refusal.status != HTTPStatus.NOT_FOUND:
                raise

    def stream(self, path: str, *, read_s: float) -> Stream:
        """Open an answer that goes on, such as a watch; `read_s` bounds the wait for its next bytes.

        Raises Refused with the server's status, urllib3.exceptions.HTTPError where no answer came.
        """
        response = self._call("GET", path, None, read_s)
        if response.status != HTTPStatus.OK:
            raise Refused(response.status, _text(response))
        assert isinstance(response, urllib3.HTTPResponse)
        return Stream(response)

    def _json(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        status, text = self.request(method, path, body)
        if not HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            raise Refused(status, text)
        answer: dict[str, Any] = json.loads(text)
        return answer

    def _call(self, method: str, path: str, body: object, read_s: float) -> urllib3.BaseHTTPResponse:
        response = self._send(method, path, body, read_s)
        if response.status == HTTPStatus.UNAUTHORIZED and self._connection.authorization:
            # Credentials that a program gave may have run out; it gives new ones.
            response.drain_conn()
            self._connection = connection_of(Path(self._connection.kubeconfig))
            response = self._send(method, path, body, read_s)
        return response

    def _send(self, method: str, path: str, body: object, read_s: float) -> urllib3.BaseHTTPResponse:
        authorization = self._connection.authorization
        return self._pool.request(
            method,
            self._connection.server + path,
            body=None if body is None else json.dumps(body),
            headers=_JSON | ({"Authorization": authorization} if authorization else {}),
            timeout=urllib3.Timeout(connect=CONNECT_S, read=read_s),
            preload_content=False,
            redirect=False,
        )


class Stream:
    """An answer of lines that may go on for long; `close` from another thread ends it."""

    def __init__(self, response: urllib3.HTTPResponse) -> None:
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        """Give line after line as they arrive. Raises urllib3.exceptions.HTTPError where the connection is lost."""
        rest = b""
        for chunk in self._response.stream(amt=None):
            *lines, rest = (rest + chunk).split(b"\n")
            yield from lines

    def close(self) -> None:
        # Closing alone would wait for the reading thread; the shutdown of the socket wakes it.
        with contextlib.suppress(OSError, RuntimeError, ValueError):
            self._response.shutdown()


def _pool(connection: Connection) -> urllib3.PoolManager:
    settings: dict[str, Any] = {
        "maxsize": CONNECTIONS,
        "retries": False,
        "ca_certs": connection.ca,
        "cert_file": connection.certificate,
        "key_file": connection.key,
        "cert_reqs": "CERT_REQUIRED" if connection.verify else "CERT_NONE",
        "server_hostname": connection.server_name,
    }
    return urllib3.ProxyManager(connection.proxy, **settings) if connection.proxy else urllib3.PoolManager(**settings)


def _text(response: urllib3.BaseHTTPResponse) -> str:
    """Read an answer to its end; its connection is free for the next request then."""
    return response.data.decode("utf-8", errors="replace")


def _message(body: str) -> str:
    try:
        return str(json.loads(body).get("message") or body)
    except (ValueError, AttributeError):
        return body
