"""How what labs build and run on the engine itself is marked as a cluster's and a lab's.

The marks are labels, so that whatever a killed run leaves is found without its help.
"""

from __future__ import annotations

CLUSTER_LABEL = "labs/cluster"
"""The cluster for which an image was built or a container started."""

NAMESPACE_LABEL = "labs/namespace"
"""The lab that did it, by its namespace."""


def marks(cluster: str, namespace: str) -> list[str]:
    """Give the options of `docker build`, `run` and `create` that mark what comes of them."""
    return [f"--label={CLUSTER_LABEL}={cluster}", f"--label={NAMESPACE_LABEL}={namespace}"]
