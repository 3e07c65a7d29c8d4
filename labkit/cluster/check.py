"""A thorough look at a cluster's network, from inside Pods on every node; what each run checks is in `network`."""

from __future__ import annotations

import json
import secrets
from typing import Any
from urllib.parse import urlencode

from labkit.api import Api
from labkit.cluster import config, network
from labkit.cluster.labcluster import LabCluster, last_lines
from labkit.trouble import CannotRun

IMAGE, PORT = "labs/web:1", 8080
"""The instrument; its GET /fetch has one Pod ask for a URL and tell what it met. Source: images/web/README.md."""

READY_S = 60

_DEAD = ("refused", "unreachable")
"""What the instrument calls a rule that rejects or a closed port, and a route to nowhere."""


def check(cluster: LabCluster) -> list[str]:
    """Let a Pod on each node ask every other Pod, a Service by its name, and addresses that must be dead.

    Gives a sentence for each answer that is not as it must be: none for a cluster that is fit for labs.
    Raises: CannotRun when the Pods do not come up; Inconclusive when the API server is silent.
    """
    namespace = f"labs-check-{secrets.token_hex(4)}"
    with Api(cluster.kubeconfig_path) as api:
        api.post("/api/v1/namespaces", {"metadata": {"name": namespace}})
        try:
            pods = _start(cluster, api, namespace)
            return [wrong for name in pods for wrong in _seen_from(name, cluster, api, namespace, pods)]
        finally:
            api.delete(f"/api/v1/namespaces/{namespace}")


def _start(cluster: LabCluster, api: Api, namespace: str) -> dict[str, str]:
    """Start a Pod on each node and a Service for them all; give the address of each Pod, which has its node's name."""
    within = ("--namespace", namespace, f"--timeout={READY_S}s")
    objects = json.dumps(_objects(cluster))
    steps = [
        (("wait", "--for=create", "serviceaccount/default", *within), None),
        (("create", "--namespace", namespace, "--filename=-"), objects),
        (("wait", "--for=condition=Ready", "pod", "--all", *within), None),
    ]
    for words, stdin in steps:
        result = cluster.kubectl(*words, stdin=stdin, timeout_s=READY_S + 10)
        if result.rc:
            raise CannotRun(f"the Pods that look at the network do not come up: {last_lines(result.stderr)}")
    items = api.get(f"/api/v1/namespaces/{namespace}/pods")["items"]
    return {item["metadata"]["name"]: item["status"]["podIP"] for item in items}


def _objects(cluster: LabCluster) -> dict[str, Any]:
    """Make the Pods, bound to their nodes past the scheduler so that the control plane takes one, and the Service."""
    labels = {"app.kubernetes.io/name": "web"}
    container = {
        "name": "web",
        "image": IMAGE,
        "readinessProbe": {"httpGet": {"path": "/ready", "port": PORT}, "periodSeconds": 1},
    }
    pods = [
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": node.name, "labels": labels},
            "spec": {"nodeName": node.name, "terminationGracePeriodSeconds": 0, "containers": [container]},
        }
        for node in cluster.nodes
    ]
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web"},
        "spec": {"selector": labels, "ports": [{"port": 80, "targetPort": PORT}]},
    }
    return {"apiVersion": "v1", "kind": "List", "items": [service, *pods]}


def _seen_from(name: str, cluster: LabCluster, api: Api, namespace: str, pods: dict[str, str]) -> list[str]:
    proxy = f"/api/v1/namespaces/{namespace}/pods/{name}:{PORT}/proxy/fetch"

    def met(url: str) -> dict[str, Any]:
        answer: dict[str, Any] = api.get(f"{proxy}?{urlencode({'url': url})}")["answers"][0]
        return answer

    (node,) = (one for one in cluster.nodes if one.name == name)
    wrong = []
    for other, address in pods.items():
        answer = met(f"http://{address}:{PORT}/")
        if answer["name"] != other:
            wrong.append(f"from {name}, the Pod on {other}: {answer['outcome']}, answered by {answer['name']}")
    answer = met("http://web/")
    if answer["name"] not in pods:
        wrong.append(f"from {name}, a Service by its name: {answer['outcome']}, answered by {answer['name']}")
    for what, (url, must_answer) in network.probes(config.networks(config.read()), node.pod_cidr).items():
        if not must_answer and (answer := met(url))["outcome"] not in _DEAD:
            wrong.append(f"from {name}, {what}: {answer['outcome']} instead of a refusal ({url})")
    return wrong
