"""Where the API makes an object."""

from __future__ import annotations

from typing import Any

import pytest

from labkit.manifests import kinds


@pytest.mark.parametrize(
    ("thing", "path"),
    [
        ({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}}, "/api/v1/namespaces/own/pods"),
        ({"apiVersion": "v1", "kind": "Pod"}, "/api/v1/namespaces/own/pods"),
        ({"apiVersion": "v1", "kind": "Secret", "metadata": {"namespace": "b"}}, "/api/v1/namespaces/b/secrets"),
        ({"apiVersion": "apps/v1", "kind": "ReplicaSet"}, "/apis/apps/v1/namespaces/own/replicasets"),
        ({"apiVersion": "batch/v1", "kind": "CronJob"}, "/apis/batch/v1/namespaces/own/cronjobs"),
        ({"apiVersion": "v1", "kind": "Namespace"}, None),
        ({"apiVersion": "v1", "kind": "pod"}, None),
        ({"apiVersion": 1, "kind": "Pod"}, None),
        ({"kind": "Pod"}, None),
        ("kind: Pod", None),
    ],
)
def test_an_object_is_made_in_the_collection_of_its_kind(thing: Any, path: str | None) -> None:
    assert kinds.collection_of(thing, "own") == path
