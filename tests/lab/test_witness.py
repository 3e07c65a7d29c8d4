"""The Pod by which a cluster shows how slow it is; what is seen of it is put in by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from labkit.claims.budgets import SLACK_S, Window
from labkit.lab import witness
from labkit.lab.errors import NotSetUp
from labkit.lab.lab import Lab
from labkit.lab.witness import IN_TIME, Witness
from labkit.observe.api import Refused
from labkit.observe.views import view

READY = {"conditions": [{"type": "Ready", "status": "True"}]}


@pytest.fixture
def witness_of(lab_of: Callable[..., Lab], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Witness]:
    """Make a witness whose Pod is Ready after so many seconds; None: never. Or whose Pod comes to this."""
    monkeypatch.setattr(Witness, "begin", lambda _: None)

    def make(after_s: float | None, error: Exception | None = None) -> Witness:
        lab = lab_of("exit 0")
        made = Witness(lab.cluster, lab.claim, None, lab._load)
        monkeypatch.setattr(made._watches, "follow", lambda _: None)

        def post(_: str, pod: dict[str, Any]) -> None:
            if error:
                raise error
            if after_s is not None:
                made.history.add(view("Pod", {**pod, "status": READY}, seen_s=made.clock() + after_s))

        monkeypatch.setattr(made._api, "post", post)
        monkeypatch.setattr(made._api, "delete", lambda _: None)
        return made

    return make


def test_a_cluster_is_in_time(witness_of: Callable[..., Witness]) -> None:
    assert witness_of(1.2).slow() is None


def test_a_cluster_that_is_late_is_slow(witness_of: Callable[..., Witness]) -> None:
    assert str(witness_of(IN_TIME.latest_s + 1).slow()).startswith("a Pod with nothing to do was Ready after 4.0 s")


def test_a_cluster_on_which_nothing_starts_is_slow(
    witness_of: Callable[..., Witness], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(witness, "IN_TIME", Window(0.0, -SLACK_S))
    assert "a Pod with nothing to do is Ready: not within" in str(witness_of(None).slow())


def test_a_namespace_that_does_not_come_is_slow_and_a_refusal_is_not(witness_of: Callable[..., Witness]) -> None:
    assert witness_of(None, NotSetUp("not given: no ServiceAccount")).slow() == "not given: no ServiceAccount"
    assert witness_of(None, Refused(403, "no")).slow() is None
