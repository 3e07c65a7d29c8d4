"""The cluster that labs are tried on: made, closed off, checked, handed to workers, and surely removed again.

What makes one is in `labkit.cluster.provision`; it is not imported here, because workers only use a cluster.
"""

from labkit.cluster.commands import Result
from labkit.cluster.labcluster import LabCluster
from labkit.cluster.nodes import Node

__all__ = ["LabCluster", "Node", "Result"]
