"""The cluster that labs are tried on: made, closed off, checked, handed to workers, and surely removed again."""

from labkit.cluster.commands import Result
from labkit.cluster.labcluster import LabCluster
from labkit.cluster.nodes import Node
from labkit.cluster.provision import running

__all__ = ["LabCluster", "Node", "Result", "running"]
