"""The engine's network that a cluster has to itself, on a real engine."""

from __future__ import annotations

import secrets

import pytest

from labkit.cluster import marks, nodes
from labkit.progress import Progress
from labkit.supply import engine

pytestmark = pytest.mark.engine


@pytest.fixture
def cluster() -> str:
    """Name a cluster that there is not, on an engine that runs."""
    engine.ensure(Progress())
    return f"labs-{secrets.token_hex(4)}"


def named(cluster: str) -> list[str]:
    return sorted(str(one.name) for one in nodes.engine().networks.list(names=[cluster]))


def test_a_cluster_has_a_network_to_itself_which_goes_with_it(cluster: str) -> None:
    other = f"{cluster}0"
    nodes.make_network(other)
    try:
        [addresses] = nodes.make_network(cluster)
        [made] = [one for one in nodes.engine().networks.list(names=[cluster]) if one.name == cluster]
        assert made.attrs["IPAM"]["Config"][0]["Subnet"] == str(addresses)
        assert made.attrs["Labels"] == {marks.CLUSTER_LABEL: cluster}
        nodes.remove_network(cluster)
        assert named(cluster) == [other], "one with a longer name is another cluster's"
        nodes.remove_network(cluster)
    finally:
        nodes.remove_network(other)
    assert named(cluster) == []
