"""ExistingCluster: a cluster that is already there, as labs have it; its machines are out of reach."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from labkit.claims.claim import Claim
from labkit.cluster import commands
from labkit.cluster.labcluster import LabCluster
from labkit.cluster.node import Node
from labkit.environment import credentials
from labkit.progress import Progress
from labkit.trouble import Inconclusive

NODES_ARE_ITS_OWN = "it is about nodes and a control plane as kind makes them: a run without --context shows it"
NO_ENGINE = "it is about Docker and kind on this machine, not about this cluster: a run without --context shows it"
NOT_ALLOWED = "it changes more than its own namespace: --allow-cluster-wide lets it"


class ExistingCluster(LabCluster):
    """A cluster by a context of the user's, with what labs ask of a LabCluster; machines are out of reach."""

    # Not properties, as those of a cluster that was made from a version: they are known once it was asked.
    build = ""
    """The whole version, with what its distributor added to it."""
    kubectl_version = ""

    def __init__(self, name: str, *, folder: Path, context: str, kubernetes: str) -> None:
        # Not super().__init__: there is no kind and no image of the nodes.
        self.name = name
        self.image = ""
        self.path = folder
        self.kubectl_path = folder / "kubectl"
        self.kubeconfig_path = folder / "kubeconfig"
        self.kubernetes = kubernetes
        self.context = context
        self.origin = f"context {context}"
        self.kind_path = Path()
        self.python_base = ""
        self.nodes = ()
        self.images = {}
        self.phases = {}
        self.registry = ""
        """Where the nodes have the labs' images from, host/path; "" where they have them by the names that labs use."""
        self.cluster_wide = False
        self.usable: tuple[str, ...] = ()
        """The names of the nodes that take the labs' Pods."""
        self.ephemeral = False
        self.here = False
        self.hidden = {}
        # Its kubeconfig may name a program for credentials, which reads what its user has set for it.
        self.environment = credentials() | commands.environment(name, folder)

    def describe(self) -> dict[str, Any]:
        return {
            "context": self.context,
            "name": self.name,
            "folder": str(self.path),
            "kubernetes": self.kubernetes,
            "build": self.build,
            "kubectl_version": self.kubectl_version,
            "images": dict(self.images),
            "cluster_wide": self.cluster_wide,
            "usable": list(self.usable),
            "hidden": dict(self.hidden),
            "nodes": [vars(node) for node in self.nodes],
        }

    @classmethod
    def attach(cls, description: Mapping[str, Any]) -> ExistingCluster:
        cluster = cls(
            description["name"],
            folder=Path(description["folder"]),
            context=description["context"],
            kubernetes=description["kubernetes"],
        )
        cluster.build = description["build"]
        cluster.kubectl_version = description["kubectl_version"]
        cluster.images = dict(description["images"])
        cluster.cluster_wide = description["cluster_wide"]
        cluster.usable = tuple(description["usable"])
        cluster.hidden = dict(description["hidden"])
        cluster.nodes = tuple(Node(**node) for node in description["nodes"])
        return cluster

    @property
    def results(self) -> str:
        return f"contexts/{re.sub(r'[^A-Za-z0-9._-]+', '-', self.context).strip('-.')}"

    @property
    def workers(self) -> tuple[Node, ...]:
        """The nodes that take the labs' Pods, whatever else runs on them; the first is the one that labs pin to."""
        by_name = {node.name: node for node in self.nodes}
        return tuple(by_name[name] for name in self.usable)

    @property
    def spare(self) -> None:
        return None

    @property
    def control_plane(self) -> NoReturn:
        raise _undeclared("the control plane's node")

    def lacks(self, claim: Claim) -> str | None:
        if claim.needs == "engine":
            return NO_ENGINE
        if claim.needs or claim.takes_a_node:
            return NODES_ARE_ITS_OWN
        return NOT_ALLOWED if claim.cluster_wide and not self.cluster_wide else None

    def paused(self, node: str) -> NoReturn:
        raise _undeclared(f"the machine of node/{node}")

    def export_logs(self, folder: Path, progress: Progress) -> None:
        progress.say(
            f"what the nodes of context {self.context} logged is not for this run to take: nothing in {folder}"
        )


def _undeclared(what: str) -> Inconclusive:
    return Inconclusive(f'the lab reaches for {what}, which a context does not give: its claim must say needs="nodes"')
