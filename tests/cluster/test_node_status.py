"""What the API server says of nodes: the control plane first, who is not Ready, who runs another version."""

from __future__ import annotations

from typing import Any

from labkit.cluster import node_status
from labkit.cluster.node import Node


def item(name: str, *, version: str = "v1.37.0", ready: str = "True") -> dict[str, Any]:
    labels = {"node-role.kubernetes.io/control-plane": ""} if name.endswith("control-plane") else {}
    return {
        "metadata": {"name": name, "labels": labels},
        "spec": {"podCIDR": "10.244.0.0/24"},
        "status": {
            "addresses": [{"type": "InternalIP", "address": "172.18.0.2"}, {"type": "Hostname", "address": name}],
            "conditions": [{"type": "MemoryPressure", "status": "False"}, {"type": "Ready", "status": ready}],
            "nodeInfo": {"kubeletVersion": version},
        },
    }


def test_nodes_are_read_control_plane_first() -> None:
    assert node_status.nodes_of([item("c-worker2"), item("c-worker"), item("c-control-plane")]) == tuple(
        Node(name, role, "172.18.0.2", "10.244.0.0/24")
        for name, role in (("c-control-plane", "control-plane"), ("c-worker", "worker"), ("c-worker2", "worker"))
    )


def test_a_node_is_ready_only_when_its_condition_says_true() -> None:
    new = item("c-new")
    del new["status"]["conditions"]
    assert node_status.not_ready([item("c-worker"), item("c-gone", ready="Unknown"), new]) == ["c-gone", "c-new"]


def test_the_asked_version_everywhere_is_right() -> None:
    assert node_status.wrong_version("v1.37.0", "v1.37.0", [item("c-worker")]) is None


def test_another_server_version_is_named() -> None:
    wrong = node_status.wrong_version("v1.37.0", "v1.37.1", [item("c-worker")])
    assert wrong is not None
    assert "the API server is v1.37.1" in wrong


def test_another_kubelet_version_is_named_with_its_node() -> None:
    wrong = node_status.wrong_version("v1.37.0", "v1.37.0", [item("c-worker"), item("c-worker2", version="v1.36.4")])
    assert wrong is not None
    assert "the kubelet of c-worker2 is v1.36.4" in wrong
    assert "c-worker is" not in wrong
