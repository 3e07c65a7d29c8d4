"""What the API server says of a cluster's nodes: which there are, who is Ready, which version each one runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from labkit.cluster.node import Node

_CONTROL_PLANE = "node-role.kubernetes.io/control-plane"


def nodes_of(items: Sequence[Mapping[str, Any]]) -> tuple[Node, ...]:
    """Read the nodes out of the items of GET /api/v1/nodes, the control plane first, then by name."""
    found = [
        Node(
            name=item["metadata"]["name"],
            role="control-plane" if _CONTROL_PLANE in item["metadata"].get("labels", {}) else "worker",
            address=next((one["address"] for one in item["status"]["addresses"] if one["type"] == "InternalIP"), ""),
            pod_cidr=item["spec"].get("podCIDR", ""),
        )
        for item in items
    ]
    return tuple(sorted(found, key=lambda node: (node.role, node.name)))


def not_ready(items: Sequence[Mapping[str, Any]]) -> list[str]:
    """Name the nodes of the items whose condition Ready is not True."""
    return [
        item["metadata"]["name"]
        for item in items
        if not any(c["type"] == "Ready" and c["status"] == "True" for c in item["status"].get("conditions", []))
    ]


def wrong_version(asked: str, server: str, items: Sequence[Mapping[str, Any]]) -> str | None:
    """Say who runs another version than `asked` (as v1.37.0), if anybody does: the API server or a node's kubelet.

    `server` is gitVersion of GET /version, `items` those of GET /api/v1/nodes.
    """
    versions = {"the API server": server}
    for item in items:
        versions[f"the kubelet of {item['metadata']['name']}"] = item["status"]["nodeInfo"]["kubeletVersion"]
    wrong = [f"{who} is {version}" for who, version in versions.items() if version != asked]
    if not wrong:
        return None
    return f"Kubernetes {asked} was asked for, but {' and '.join(wrong)}: no verdict on {asked} can come of this"
