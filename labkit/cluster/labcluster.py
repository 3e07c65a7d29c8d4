"""LabCluster: a cluster as labs have it, in whichever process; its files in one folder, its kubectl its own."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from labkit.claims.claim import Claim
from labkit.cluster import commands
from labkit.cluster.commands import Result
from labkit.cluster.node import Node
from labkit.manifests.naming import Names
from labkit.observe.api import Api
from labkit.observe.connection import Connection, connection_of

LABEL = "labs/cluster"
"""The label of what labs make in the whole cluster, their namespaces above all: the cluster's name, or the run's."""


class LabCluster:
    """A cluster to try claims on: what it is called, what it runs, where its files are."""

    def __init__(self, name: str, *, folder: Path, kind_path: Path, image: str, kubernetes: str, origin: str) -> None:
        self.name = name
        self.image = image
        self.path = folder
        self.kind_path = kind_path
        self.kubectl_path = folder / "kubectl"
        self.kubeconfig_path = folder / "kubeconfig"
        self.kubernetes = kubernetes
        self.origin = origin
        """Where the node image came from: here, pulled or built."""
        self.nodes: tuple[Node, ...] = ()
        self.images: Names = {}
        """The names of the images of ours that labs name, as the cluster and the engine have them here."""
        self.python_base = ""
        """The image with Python and pip on which the sample images are built."""
        self.phases: dict[str, float] = {}
        """Seconds each part of the making took, by name; kind's stages and "images", "load", "ready", "network"."""
        self.ephemeral = False
        """Whether it is removed at the end of the run, with all that labs leave in it."""
        self.here = True
        """Whether its nodes are on the machine whose load a run measures."""
        self.hidden: Mapping[str, str] = {}
        """What no record may show, and what stands for it there."""

    def describe(self) -> dict[str, Any]:
        """Give all that another process needs to use the cluster, as JSON takes it; `attach` is the other end."""
        return {
            "name": self.name,
            "folder": str(self.path),
            "kubeconfig": str(self.kubeconfig_path),
            "kubectl": str(self.kubectl_path),
            "kind": str(self.kind_path),
            "kubernetes": self.kubernetes,
            "origin": self.origin,
            "node_image": self.image,
            "nodes": [dataclasses.asdict(node) for node in self.nodes],
            "images": dict(self.images),
            "python_base": self.python_base,
            "phases": dict(self.phases),
            "ephemeral": self.ephemeral,
            "here": self.here,
            "environment": dict(self.environment),
            "connection": dataclasses.asdict(self.connection),
        }

    @classmethod
    def attach(cls, description: Mapping[str, Any]) -> LabCluster:
        """Give a handle to a cluster that another process made and answers for."""
        cluster = cls(
            description["name"],
            folder=Path(description["folder"]),
            kind_path=Path(description["kind"]),
            image=description["node_image"],
            kubernetes=description["kubernetes"],
            origin=description["origin"],
        )
        cluster.kubectl_path = Path(description["kubectl"])
        cluster.nodes = tuple(Node(**node) for node in description["nodes"])
        cluster.images = dict(description["images"])
        cluster.python_base = description["python_base"]
        cluster.phases = dict(description["phases"])
        cluster.ephemeral = description["ephemeral"]
        cluster.here = description["here"]
        cluster.environment = description["environment"]
        cluster.connection = Connection(**description["connection"])
        return cluster

    @functools.cached_property
    def environment(self) -> Mapping[str, str]:
        """What the children of this cluster get: kind, kubectl, docker, a lab's shell. Raises CannotRun."""
        return commands.environment(self.name, self.path)

    @functools.cached_property
    def connection(self) -> Connection:
        """How its API server is reached. Raises Inconclusive."""
        return connection_of(self.kubeconfig_path)

    @functools.cached_property
    def api(self) -> Api:
        """Requests to its API server, for all labs of this process. Raises Inconclusive."""
        return Api(self.connection)

    @functools.cached_property
    def kubeconfig(self) -> dict[str, Any]:
        """What its kubeconfig says."""
        config: dict[str, Any] = yaml.safe_load(self.kubeconfig_path.read_text(encoding="utf-8"))
        return config

    @property
    def control_plane(self) -> Node:
        return next(node for node in self.nodes if node.role == "control-plane")

    @property
    def workers(self) -> tuple[Node, ...]:
        return tuple(node for node in self.nodes if node.role == "worker")

    @property
    def node(self) -> Node:
        """The node that runs what asks for no other, and that labs pin to."""
        return self.workers[0]

    @property
    def spare(self) -> Node | None:
        """The node that labs may take away, where there is one."""
        return self.workers[-1]

    @property
    def build(self) -> str:
        """The whole version that the API server tells."""
        return self.kubernetes

    @property
    def kubectl_version(self) -> str:
        """The version of the kubectl that labs type."""
        return self.kubernetes

    @property
    def results(self) -> str:
        """The folder of results/ that this cluster's results are in; "" for its top."""
        return ""

    def lacks(self, claim: Claim) -> str | None:  # noqa: ARG002  other clusters look at it
        """Say why a claim cannot be shown on this cluster, where it cannot."""
        return None

    def kubectl(
        self, *args: str, stdin: str | None = None, timeout_s: float = 60, kubeconfig: Path | None = None
    ) -> Result:
        """Run the cluster's own kubectl, by another kubeconfig of the cluster where one is given.

        Raises: Inconclusive when it is not done after `timeout_s` seconds.
        """
        env = {**self.environment, "KUBECONFIG": str(kubeconfig)} if kubeconfig else self.environment
        return commands.run([self.kubectl_path, *args], env=env, timeout_s=timeout_s, stdin=stdin)

    @contextlib.contextmanager
    def paused(self, node: str) -> Iterator[None]:
        """Keep a node frozen for the length of a block, however the block ends."""
        # Here and not above: few labs do it, and the engine's client is a third of what a worker would import.
        from labkit.cluster import nodes  # noqa: PLC0415

        try:
            nodes.pause(node)
            yield
        finally:
            nodes.unpause(node)


def last_lines(text: str, count: int = 5) -> str:
    """Give the last lines that say something, joined by " / " and cut to what a sentence bears."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return " / ".join(lines[-count:])[-1000:]
