"""Whether a cluster works as a whole, asked after one of its programs was exchanged: who starts a Pod gets one."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import tenacity

from labkit.cluster import node_status
from labkit.cluster.labcluster import LABEL, LabCluster
from labkit.manifests import naming
from labkit.observe.api import Api, Refused
from labkit.trouble import Inconclusive

WELL_S = 90.0
"""Seconds for a cluster to work again; it took 3 to 20."""


class NotWell(Exception):
    """The cluster does not work; the message says what does not."""


def wait_well(cluster: LabCluster) -> None:
    """Wait until the control plane is ready, every kubelet answers, and a Deployment on all nodes is available.

    Raises: NotWell when that is not so after WELL_S seconds.
    """
    namespace = f"labs-well-{secrets.token_hex(3)}"
    with Api(cluster.connection) as api:

        def look() -> None:
            _control_plane(api)
            _start(api, namespace, cluster)
            _available(api, namespace)

        try:
            tenacity.Retrying(
                retry=tenacity.retry_if_exception_type((NotWell, Refused, Inconclusive)),
                wait=tenacity.wait_fixed(0.3),
                stop=tenacity.stop_after_delay(WELL_S),
                reraise=True,
            )(look)
        except (Refused, Inconclusive) as error:
            raise NotWell(str(error)) from error
        finally:
            # What stays is found by its label, or goes with the cluster.
            with contextlib.suppress(Refused, Inconclusive):
                api.delete(f"/api/v1/namespaces/{namespace}")


def _control_plane(api: Api) -> None:
    status, text = api.request("GET", "/readyz")
    if text != "ok":
        raise NotWell(f"the API server is not ready: {status} {text[:200]}")
    items = api.get("/api/v1/nodes")["items"]
    if late := node_status.not_ready(items):
        raise NotWell(f"{', '.join(late)} is not Ready")
    for item in items:
        name = item["metadata"]["name"]
        status, text = api.request("GET", f"/api/v1/nodes/{name}/proxy/healthz")
        if text != "ok":
            raise NotWell(f"the kubelet of {name} is not well: {status} {text[:200]}")
    if late := pods_not_ready(api.get("/api/v1/namespaces/kube-system/pods")["items"]):
        raise NotWell(f"{', '.join(late)} is not Ready")


def pods_not_ready(items: Sequence[Mapping[str, Any]]) -> list[str]:
    """Name the Pods of the items, those of GET .../pods, that are not Ready, or are being deleted.

    Not the static ones: they are Ready some 25 s after they work, and that these do a Deployment tells.
    """
    return [
        item["metadata"]["name"]
        for item in items
        if "kubernetes.io/config.mirror" not in item["metadata"].get("annotations", {})
        and (
            "deletionTimestamp" in item["metadata"]
            or not any(c["type"] == "Ready" and c["status"] == "True" for c in item["status"].get("conditions", []))
        )
    ]


def _start(api: Api, namespace: str, cluster: LabCluster) -> None:
    """Create a Deployment with a Pod for each node, if it is not there yet."""
    labels = {"app": "well"}
    spread = {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": labels}}
    pod: dict[str, Any] = {
        "terminationGracePeriodSeconds": 0,
        "tolerations": [{"operator": "Exists"}],
        "affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [spread]}},
        "containers": [{"name": "web", "image": naming.WEB}],
    }
    template = {"metadata": {"labels": labels}, "spec": pod}
    spec = {"replicas": len(cluster.nodes), "selector": {"matchLabels": labels}, "template": template}
    _create(api, "/api/v1/namespaces", {"metadata": {"name": namespace, "labels": {LABEL: cluster.name}}})
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments"
    _create(api, path, {"metadata": {"name": "well"}, "spec": spec})


def _create(api: Api, path: str, body: dict[str, Any]) -> None:
    try:
        api.post(path, body)
    except Refused as refusal:
        if refusal.status != HTTPStatus.CONFLICT:
            raise


def _available(api: Api, namespace: str) -> None:
    deployment = api.get(f"/apis/apps/v1/namespaces/{namespace}/deployments/well")
    available = deployment.get("status", {}).get("availableReplicas", 0)
    if available != deployment["spec"]["replicas"]:
        raise NotWell(f"of {deployment['spec']['replicas']} Pods of a new Deployment {available} are available")
