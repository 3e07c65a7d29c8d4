"""Nodes: what the engine says when it cannot have them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import NoReturn

import pytest
from docker.errors import APIError

from labkit.cluster import nodes
from labkit.trouble import CannotRun, Inconclusive


@pytest.mark.parametrize(
    ("said", "trouble", "told"),
    [
        ("all predefined address pools have been fully subnetted", CannotRun, "docker network prune"),
        (
            "could not find an available, non-overlapping IPv4 address pool among the defaults to assign",
            CannotRun,
            "default-address-pools",
        ),
        ("permission denied", Inconclusive, "permission denied"),
    ],
)
def test_a_network_that_cannot_be_made_says_what_to_do(
    said: str, trouble: type[Exception], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def create(*_: object, **__: object) -> NoReturn:
        raise APIError("400", explanation=said)

    networks = SimpleNamespace(list=lambda **_: [], create=create)
    monkeypatch.setattr(nodes, "engine", lambda: SimpleNamespace(networks=networks))
    with pytest.raises(trouble, match=told):
        nodes.make_network("labs-0123abcd")
