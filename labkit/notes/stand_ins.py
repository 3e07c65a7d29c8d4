"""What the check makes itself: objects that notes speak of and never make, and what is around a piece of a manifest."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import yaml

from labkit.manifests import naming
from labkit.notes import manifest

KINDS = frozenset({
    "Pod", "Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job", "Service", "ConfigMap", "Secret",
    "ServiceAccount",
})  # fmt: skip
"""Kinds of objects that the check makes where the notes speak of one that they never make."""


def stand_in(kind: str, name: str) -> dict[str, Any]:
    """Give an object of that kind and name which does nothing but be there, and answer where it is a server."""
    labels = {"app": name}
    meta = {"name": name, "labels": labels}
    pod = {"containers": [{"name": name[:63], "image": naming.WEB, "ports": [{"containerPort": 8080}]}],
           "terminationGracePeriodSeconds": 1}  # fmt: skip
    template = {"metadata": {"labels": labels}, "spec": pod}
    selector = {"matchLabels": labels}
    of_kind: dict[str, dict[str, Any]] = {
        "Pod": {"spec": pod},
        "Deployment": {"spec": {"selector": selector, "template": template}},
        "ReplicaSet": {"spec": {"selector": selector, "template": template}},
        "DaemonSet": {"spec": {"selector": selector, "template": template}},
        "StatefulSet": {"spec": {"selector": selector, "template": template, "serviceName": name}},
        "Job": {"spec": {"template": {"spec": {**pod, "restartPolicy": "Never"}}}},
        "Service": {"spec": {"selector": labels, "ports": [{"port": 80, "targetPort": 8080}]}},
        "ConfigMap": {"data": {"key": "value"}},
        "Secret": {"stringData": {"key": "value"}},
        "ServiceAccount": {},
        "Namespace": {},
    }
    groups = {"Deployment": "apps/v1", "ReplicaSet": "apps/v1", "DaemonSet": "apps/v1", "StatefulSet": "apps/v1",
              "Job": "batch/v1"}  # fmt: skip
    return {"apiVersion": groups.get(kind, "v1"), "kind": kind, "metadata": meta, **of_kind[kind]}


def wrapped(text: str, found: manifest.Manifest) -> tuple[str, tuple[str, ...]]:
    """Make a whole manifest of a piece whose root can be told; "" where it cannot.

    Only what surrounds the piece is added, so that every line of it stays as it is, further right.
    """
    if not found.documents or len(found.documents) > 1 or manifest.left_out(text):
        return "", ()
    root = found.documents[0]
    keys = set(root) if isinstance(root, dict) else set()
    spec = root.get("spec") if isinstance(root, dict) else None
    told = ("the piece is taken to be of a Pod; what it lacks is filled in",)
    if keys <= {"spec", "metadata"} and isinstance(spec, dict) and ("containers" in spec or "volumes" in spec):
        head = "apiVersion: v1\nkind: Pod\n" + ("" if "metadata" in keys else "metadata:\n  name: piece\n")
        return head + text + "\n", told
    if keys and keys <= _POD_SPEC and "containers" in keys:
        return "apiVersion: v1\nkind: Pod\nmetadata:\n  name: piece\nspec:\n" + _indented(text, 2), told
    if keys == {"metadata"}:
        return "apiVersion: v1\nkind: ConfigMap\n" + text + "\n", ("the piece is taken to be of a ConfigMap",)
    return "", ()


_POD_SPEC = frozenset({
    "containers", "volumes", "initContainers", "restartPolicy", "nodeSelector", "tolerations", "affinity",
    "serviceAccountName", "securityContext", "nodeName", "hostAliases", "dnsPolicy",
    "terminationGracePeriodSeconds", "imagePullSecrets",
})  # fmt: skip


def _indented(text: str, by: int) -> str:
    return "".join(f"{' ' * by}{line}\n" if line.strip() else "\n" for line in text.split("\n"))


def as_yaml(things: Iterable[dict[str, Any]]) -> str:
    return yaml.safe_dump_all(list(things), sort_keys=False)
