"""Whether the engine's 127.0.0.1 is the one here: refused before anything is made, or seen by a container's answer."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from labkit.supply import loopback
from labkit.supply.engine import Engine
from labkit.trouble import CannotRun


def engine_with(pool: dict[str, str]) -> Engine:
    bridge = SimpleNamespace(attrs={"IPAM": {"Config": [pool]}})
    client: Any = SimpleNamespace(networks=SimpleNamespace(get=lambda _: bridge))
    return Engine(client, "29.0", 2, False, "amd64", None)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with a bridge, and the default socket."""
    monkeypatch.setattr(loopback, "own_addresses", lambda: {"127.0.0.1", "172.17.0.1"})
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("host", ["ssh://me@203.0.113.7", "tcp://203.0.113.7:2376"])
def test_another_machine_is_refused_at_once(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", host)
    with pytest.raises(CannotRun, match=f"DOCKER_HOST={host} is another machine"):
        loopback.refuse_elsewhere()


BESIDE = {"Subnet": "172.17.0.0/16"}
ELSEWHERE = {"Subnet": "172.17.0.0/16", "Gateway": "172.17.0.9"}


@pytest.mark.parametrize("pool", [BESIDE, {"Subnet": "172.17.0.0/16", "Gateway": "172.17.0.1"}])
def test_the_bridge_of_the_engine_tells_whose_network_this_is(
    pool: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loopback, "_reached", lambda *_: pytest.fail("nothing needs to be started"))
    loopback.refuse_elsewhere()
    loopback.need(engine_with(pool), "python")


@pytest.mark.parametrize(("host", "pool"), [("", ELSEWHERE), ("tcp://127.0.0.1:2375", BESIDE)])
def test_else_a_container_has_to_be_heard(host: str, pool: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    if host:
        monkeypatch.setenv("DOCKER_HOST", host)
    engine = engine_with(pool)
    monkeypatch.setattr(loopback, "_reached", lambda *_: True)
    loopback.need(engine, "python")
    monkeypatch.setattr(loopback, "_reached", lambda *_: False)
    with pytest.raises(CannotRun, match=r"127\.0\.0\.1 here is not that of the container engine.*--network=host"):
        loopback.need(engine, "python")
