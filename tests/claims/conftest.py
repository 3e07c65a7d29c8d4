"""A claim, what it was judged on, and observations of it, for the tests of verdicts and results."""

from __future__ import annotations

from typing import Any

from labkit.claims.claim import HOLD, Claim
from labkit.claims.sabotage import Sabotage
from labkit.claims.verdicts import Observation

CLAIM = Claim(
    id="health.restarts",
    statement="A container is restarted.",
    ledger=("health.restarts",),
    source="https://example.com/",
    notes=HOLD,
    twin="plain",
    no_twin=None,
    takes_s=5,
    takes_a_node=False,
    sabotages=(Sabotage("no probe", ()),),
)
KUBERNETES = {
    "server": "v1.37.0",
    "kubelet": "v1.37.0",
    "kubectl": "v1.37.0",
    "node_image": "node:1",
    "origin": "built",
    "started": "2026-11-23T10:00:00+00:00",
    "seconds": 1.5,
}


def seen(outcome: Any, *, sabotage: str | None = None, message: str = "", alone: bool = False) -> Observation:
    """Give one observation of the claim."""
    return Observation(CLAIM.id, "labs/x.py::x", sabotage, outcome, message, 1.0, "2026-11-23T10:00:00", alone)
