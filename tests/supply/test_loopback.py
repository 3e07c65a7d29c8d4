"""Whether the engine's 127.0.0.1 is the one here: refused before anything is made, or seen by a container's answer."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from labkit.supply import loopback
from labkit.supply.engine import Engine
from labkit.trouble import CannotRun


def engine_with(gateway: str) -> Engine:
    bridge = SimpleNamespace(attrs={"IPAM": {"Config": [{"Gateway": gateway}]}})
    client: Any = SimpleNamespace(networks=SimpleNamespace(get=lambda _: bridge))
    return Engine(client, "29.0", False, "amd64", None)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that is no container and has one address, with the default socket."""
    monkeypatch.setattr(loopback, "own_addresses", lambda: {"127.0.0.1", "172.17.0.1"})
    monkeypatch.setattr(loopback, "_MARKS", (tmp_path / ".dockerenv",))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("host", ["ssh://me@203.0.113.7", "tcp://203.0.113.7:2376"])
def test_another_machine_is_refused_at_once(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", host)
    with pytest.raises(CannotRun, match=f"DOCKER_HOST={host} is another machine"):
        loopback.refuse_elsewhere(engine_with("172.17.0.1"))


def test_a_container_with_the_engines_socket_is_told_what_to_do(tmp_path: Path) -> None:
    (tmp_path / ".dockerenv").touch()
    loopback.refuse_elsewhere(engine_with("172.17.0.1"))  # it has the network of the engine's machine
    with pytest.raises(CannotRun, match="--network=host"):
        loopback.refuse_elsewhere(engine_with("172.18.0.1"))


def test_the_bridge_of_the_engine_tells_whose_network_this_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loopback, "_reached", lambda *_: pytest.fail("nothing needs to be started"))
    loopback.refuse_elsewhere(engine_with("172.17.0.1"))
    loopback.need(engine_with("172.17.0.1"), "python")


@pytest.mark.parametrize("host", ["", "tcp://127.0.0.1:2375"])
def test_else_a_container_has_to_be_heard(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if host:
        monkeypatch.setenv("DOCKER_HOST", host)
    engine = engine_with("172.17.0.1" if host else "172.18.0.1")
    monkeypatch.setattr(loopback, "_reached", lambda *_: True)
    loopback.need(engine, "python")
    monkeypatch.setattr(loopback, "_reached", lambda *_: False)
    with pytest.raises(CannotRun, match=r"127\.0\.0\.1 is not the container engine's here"):
        loopback.need(engine, "python")
