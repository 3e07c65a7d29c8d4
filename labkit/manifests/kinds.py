"""Kinds whose objects are in a namespace: what kubectl calls them, and where the API makes them."""

from __future__ import annotations

from typing import Any

NAMESPACED = {
    "ConfigMap": "configmaps cm",
    "CronJob": "cronjobs cj",
    "DaemonSet": "daemonsets ds",
    "Deployment": "deployments deploy",
    "EndpointSlice": "endpointslices",
    "Endpoints": "endpoints ep",
    "Event": "events ev",
    "HorizontalPodAutoscaler": "horizontalpodautoscalers hpa",
    "Ingress": "ingresses ing",
    "Job": "jobs",
    "Lease": "leases",
    "LimitRange": "limitranges limits",
    "NetworkPolicy": "networkpolicies netpol",
    "PersistentVolumeClaim": "persistentvolumeclaims pvc",
    "Pod": "pods po",
    "PodDisruptionBudget": "poddisruptionbudgets pdb",
    "ReplicaSet": "replicasets rs",
    "ReplicationController": "replicationcontrollers rc",
    "ResourceQuota": "resourcequotas quota",
    "Role": "roles",
    "RoleBinding": "rolebindings",
    "Secret": "secrets",
    "Service": "services svc",
    "ServiceAccount": "serviceaccounts sa",
    "StatefulSet": "statefulsets sts",
}
"""Kinds whose objects are in a namespace, and what kubectl calls them. Source: kubectl api-resources, v1.37."""


def collection_of(thing: Any, namespace: str) -> str | None:
    """Give the API path at which an object is made, in its own namespace or in this one; None where that is not known.

    That of a Pod: /api/v1/namespaces/default/pods.
    """
    kind, version = (thing.get("kind"), thing.get("apiVersion")) if isinstance(thing, dict) else (None, None)
    if kind not in NAMESPACED or not isinstance(version, str):
        return None
    plural, *_ = NAMESPACED[kind].split()
    where = (thing.get("metadata") or {}).get("namespace", namespace)
    return f"{'/apis' if '/' in version else '/api'}/{version}/namespaces/{where}/{plural}"
