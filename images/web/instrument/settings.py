"""What the environment asks of the instrument, read once at the start."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from typing import NamedTuple

from .faults import Fault
from .wire import Refused


class BadSetting(Exception):
    """An environment variable that cannot be understood; the message names it and says what it takes."""


class Settings(NamedTuple):
    """The environment, understood. Durations in seconds; `listeners` maps a port to "hang" or "close"."""

    name: str
    port: int
    faults: dict[str, Fault]
    start_delay_s: float
    ready_after_s: float
    handle_s: float
    concurrency: int
    ignore_sigterm: bool
    exit_on_term: int
    listeners: dict[int, str]
    grpc_port: int | None
    grpc_health: bool


def read(environ: Mapping[str, str]) -> Settings:
    """Understand the environment. Raises: BadSetting at the first variable that makes no sense."""
    return Settings(
        name=environ.get("POD_NAME") or socket.gethostname(),
        port=_port("PORT", environ.get("PORT") or "8080"),
        faults=_failing(environ.get("FAIL", "")) | _faults(environ.get("FAULTS") or "{}"),
        start_delay_s=_number(environ, "START_DELAY_S", 0),
        ready_after_s=_number(environ, "READY_AFTER_S", 0),
        handle_s=_number(environ, "HANDLE_MS", 0) / 1000,
        concurrency=_whole(environ, "CONCURRENCY", 1, least=1, most=1000),
        ignore_sigterm=_one_of(environ, "IGNORE_SIGTERM", "0", "1") == "1",
        exit_on_term=_whole(environ, "EXIT_ON_TERM", 0, least=0, most=255),
        listeners=_listeners(environ.get("LISTENERS", "")),
        grpc_port=_port("GRPC_PORT", environ["GRPC_PORT"]) if environ.get("GRPC_PORT") else None,
        grpc_health=_one_of(environ, "GRPC_HEALTH", "on", "off") == "on",
    )


def _number(environ: Mapping[str, str], name: str, default: float) -> float:
    text = environ.get(name) or str(default)
    try:
        value = float(text)
    except ValueError:
        value = -1
    if not 0 <= value < float("inf"):
        raise BadSetting(f"{name} takes a number, 0 or more, not {text!r}")
    return value


def _whole(environ: Mapping[str, str], name: str, default: int, *, least: int, most: int) -> int:
    text = environ.get(name) or str(default)
    if not (text.isdecimal() and least <= int(text) <= most):
        raise BadSetting(f"{name} takes a whole number from {least} to {most}, not {text!r}")
    return int(text)


def _one_of(environ: Mapping[str, str], name: str, *words: str) -> str:
    text = environ.get(name) or words[0]
    if text not in words:
        raise BadSetting(f"{name} takes {' or '.join(words)}, not {text!r}")
    return text


def _port(name: str, text: str) -> int:
    if not (text.isdecimal() and 0 < int(text) < 65536):
        raise BadSetting(f"{name} takes a port from 1 to 65535, not {text!r}")
    return int(text)


def _listeners(text: str) -> dict[int, str]:
    listeners = {}
    for item in filter(None, map(str.strip, text.split(","))):
        port, _, manner = item.partition(":")
        if manner not in ("hang", "close"):
            raise BadSetting(f"LISTENERS takes PORT:hang or PORT:close, separated by commas, not {item!r}")
        listeners[_port("LISTENERS", port)] = manner
    return listeners


def _failing(text: str) -> dict[str, Fault]:
    faults = {}
    for item in filter(None, map(str.strip, text.split(","))):
        path, _, status = item.partition("=")
        faults[_path(path)] = _fault(
            "FAIL",
            path,
            {"failNext": -1, "status": int(status)}
            if status.isdecimal()
            else {"failNext": -1, "status": status or 500},
        )
    return faults


def _faults(text: str) -> dict[str, Fault]:
    try:
        given = json.loads(text)
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise BadSetting('FAULTS takes a JSON object of path to fault, like {"healthy": {"failNext": 3}}')
    return {_path(path): _fault("FAULTS", path, fault) for path, fault in given.items()}


def _fault(name: str, path: str, given: object) -> Fault:
    try:
        return Fault.of(_path(path), given)
    except Refused as refused:
        raise BadSetting(f"{name}, {path}: {refused}") from None


def _path(name: str) -> str:
    return "/" + name.strip("/")
