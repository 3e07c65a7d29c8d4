"""What a cluster by a context can show, and what no lab can reach in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from labkit.claims.claim import Claim, imprecise
from labkit.cluster import existing
from labkit.cluster.existing import ExistingCluster
from labkit.trouble import Inconclusive


@pytest.mark.parametrize(
    ("declared", "allowed", "reason"),
    [
        ({}, False, None),
        ({"cluster_wide": True}, False, existing.NOT_ALLOWED),
        ({"cluster_wide": True}, True, None),
        ({"needs": "nodes"}, True, existing.NODES_ARE_ITS_OWN),
        ({"takes_a_node": True}, True, existing.NODES_ARE_ITS_OWN),
        ({"needs": "engine"}, True, existing.NO_ENGINE),
    ],
)
def test_a_context_lacks_some_of_what_claims_need(
    tmp_path: Path, declared: dict[str, Any], allowed: bool, reason: str | None
) -> None:
    cluster = ExistingCluster("labs-00000000", folder=tmp_path, context="prod", kubernetes="v1.37.0")
    cluster.cluster_wide = allowed
    claim = Claim("a.b", "It is.", (), "", imprecise("a", "b"), None, "none", 1, **{"takes_a_node": False} | declared)
    assert cluster.lacks(claim) == reason
    with pytest.raises(Inconclusive, match='must say needs="nodes"'):
        cluster.paused("one")
    with pytest.raises(Inconclusive, match='must say needs="nodes"'):
        _ = cluster.control_plane
