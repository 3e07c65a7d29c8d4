"""The cluster that labs are tried on: made, closed off, checked, handed to workers, and surely removed again.

What makes one is in `labkit.cluster.provision`; it is not imported here, because workers only use a cluster.
"""

from collections.abc import Mapping
from typing import Any

from labkit.cluster.commands import Result
from labkit.cluster.existing import ExistingCluster
from labkit.cluster.labcluster import LabCluster
from labkit.cluster.node import Node

__all__ = ["LabCluster", "Node", "Result", "attach"]


def attach(description: Mapping[str, Any]) -> LabCluster:
    """Give a handle to a cluster that another process answers for, of what `LabCluster.describe` gave there."""
    if "context" in description:
        return ExistingCluster.attach(description)
    return LabCluster.attach(description)
