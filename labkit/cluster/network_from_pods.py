"""A thorough look at a cluster's network, from inside Pods on every node; what each run checks is in `network`."""

from __future__ import annotations

import json
import secrets
from typing import Any
from urllib.parse import urlencode

import tenacity

from labkit.cluster import network
from labkit.cluster.labcluster import last_lines
from labkit.cluster.own import OwnCluster
from labkit.manifests import naming
from labkit.observe.api import Api
from labkit.trouble import CannotRun

PORT = 8080
"""Of the instrument; its GET /fetch has one Pod ask for a URL and tell what it met. Source: images/web/README.md."""

READY_S = 60

SETTLES_S = 10.0
"""Seconds for kube-proxy to know a Service whose Pods are Ready, on every node; some tenths on two idle cores."""

TIMES = 5
"""Connections to each dead address: an end to the first that is no end to the next is what ICMP's rate limit makes."""


def check(cluster: OwnCluster) -> list[str]:
    """Let a Pod on each node ask every other Pod, a Service by its name, and addresses that must be dead.

    Gives a sentence for each answer that is not as it must be: none for a cluster that is fit for labs.
    Raises: CannotRun when the Pods do not come up; Inconclusive when the API server is silent.
    """
    namespace = f"labs-check-{secrets.token_hex(4)}"
    with Api(cluster.connection) as api:
        api.post("/api/v1/namespaces", {"metadata": {"name": namespace}})
        try:
            pods = _start(cluster, api, namespace)
            return [wrong for name in pods for wrong in _seen_from(name, cluster, api, namespace, pods)]
        finally:
            api.delete(f"/api/v1/namespaces/{namespace}")


def _start(cluster: OwnCluster, api: Api, namespace: str) -> dict[str, str]:
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


def _objects(cluster: OwnCluster) -> dict[str, Any]:
    """Make the Pods, bound to their nodes past the scheduler so that the control plane takes one, and the Service."""
    labels = {"app.kubernetes.io/name": "web"}
    container = {
        "name": "web",
        "image": cluster.images.get(naming.WEB, naming.WEB),
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


def _seen_from(name: str, cluster: OwnCluster, api: Api, namespace: str, pods: dict[str, str]) -> list[str]:
    proxy = f"/api/v1/namespaces/{namespace}/pods/{name}:{PORT}/proxy/fetch"

    def met(url: str, n: int = 1) -> list[tuple[str, str | None]]:
        answers = api.get(f"{proxy}?{urlencode({'url': url, 'n': n})}")["answers"]
        return [(answer["outcome"], answer["name"]) for answer in answers]

    (node,) = (one for one in cluster.nodes if one.name == name)
    wrong = []
    for other, address in pods.items():
        if (seen := met(f"http://{address}:{PORT}/")) != [("ok", other)]:
            wrong.append(f"from {name}, the Pod on {other} answers {seen}")
    served = tenacity.Retrying(
        retry=tenacity.retry_if_result(lambda seen: seen[0][1] not in pods),
        wait=tenacity.wait_fixed(0.2),
        stop=tenacity.stop_after_delay(SETTLES_S),
        retry_error_callback=lambda state: state.outcome and state.outcome.result(),
    )
    if (seen := served(met, "http://web/"))[0][1] not in pods:
        wrong.append(f"from {name}, a Service by its name answers {seen}")
    for what, (url, must_answer) in network.probes(cluster.networks, node.pod_cidr).items():
        if not must_answer and (seen := met(url, TIMES)) != [("refused", None)] * TIMES:
            wrong.append(f"from {name}, {what} is not refused but {seen} ({url})")
    return wrong
