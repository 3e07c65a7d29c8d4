"""The door to the API server: JSON in, JSON out, and streams of lines.

The kubernetes client makes the connection (kubeconfig, TLS, proxies, pooling); its models stay out of it, because
they refuse or drop fields that are newer than they are, and a lab must see what the server really said.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import urllib3
from kubernetes import config
from kubernetes.client import ApiClient, Configuration

from labkit.addresses import is_loopback
from labkit.trouble import Inconclusive, reason

CONNECT_S, READ_S = 3.05, 30.0
"""Seconds until a server that says nothing is given up; the client itself would wait for ever."""


class Refused(Exception):
    """The API server answered with an error status."""

    def __init__(self, status: int, body: str) -> None:
        super().__init__(f"{status}: {_message(body)}")
        self.status = status
        self.body = body


def _configuration(kubeconfig: Path) -> Any:
    """Give the client's settings for a kubeconfig.

    A server on this machine is reached directly, whatever HTTPS_PROXY and NO_PROXY say: no proxy knows this
    machine's loopback. A proxy that the kubeconfig itself names counts as it does for kubectl.
    """
    for proxy in ("", None):  # none at all, then that of the environment
        settings = Configuration(proxy=proxy)
        config.load_kube_config(config_file=str(kubeconfig), client_configuration=settings)  # type: ignore[no-untyped-call]  # the client types its models only
        if is_loopback(urlsplit(settings.host).hostname or ""):
            break
    return settings


class Api:
    """Requests to one API server by one kubeconfig."""

    def __init__(self, kubeconfig: Path) -> None:
        self._client: Any = ApiClient(configuration=_configuration(kubeconfig))

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()

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
            return int(response.status), response.read().decode("utf-8", errors="replace")
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
            raise Refused(int(response.status), response.read().decode("utf-8", errors="replace"))
        return Stream(response.response)

    def _json(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        status, text = self.request(method, path, body)
        if not HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            raise Refused(status, text)
        answer: dict[str, Any] = json.loads(text)
        return answer

    def _call(self, method: str, path: str, body: object, read_s: float) -> Any:
        call = self._client.param_serialize(
            method,
            path,
            header_params={"Accept": "application/json", "Content-Type": "application/json"},
            body=body,
            auth_settings=["BearerToken"],
        )
        return self._client.call_api(*call, _request_timeout=(CONNECT_S, read_s))


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


def _message(body: str) -> str:
    try:
        return str(json.loads(body).get("message") or body)
    except (ValueError, AttributeError):
        return body
