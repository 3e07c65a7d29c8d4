"""What an act changes beyond the lab's own namespace, told from its words and objects."""

from __future__ import annotations

from typing import Any

import pytest

from labkit.manifests import scope

INSIDE = [
    "get nodes",
    "get pods -A",
    "get pods -n kube-system -o name",
    "apply -f -",
    "delete pods --all",
    "delete pod web -n own",
    "delete pod/web service/web",
    "delete configmaps,services guitar --wait=false",
    "delete deployments.apps web",
    "label pod web app-",
    "label pods -l app=web role=front --overwrite",
    "annotate pod web --list",
    "exec web -- kubectl delete node one",
    "debug web --image=localhost:1/labs/web:1 -- true",
    "create deployment drum --image=localhost:1/labs/web:1",
    "create namespace other --dry-run=server",
    "create --raw /api/v1/namespaces/own/configmaps -f -",
    "patch pods in-place --subresource resize -p '{}'",
    "set env deployment paused STRINGS=7",
    "rollout undo deployment/guitar-api",
    "scale replicaset/web --replicas=1",
    "run web --image=localhost:1/labs/web:1",
    "run web --namespace=own --image=localhost:1/labs/web:1",
    "--server=https://127.0.0.1:9 exec kuard date",
    "config use-context other",
    "--help",
]

BEYOND = [
    "create namespace other",
    "create clusterrole all --verb=get --resource=pods",
    "create configmap late --namespace other",
    "create configmap late -n other",
    "create configmap late -nother",
    "create --raw /api/v1/namespaces -f -",
    "delete namespaces one two --wait=false",
    "delete node/one",
    "delete pods,nodes --all",
    "delete pods -A -l app=web",
    "label node one a=b",
    "label --overwrite nodes one a=b",
    "taint nodes one a=b:NoSchedule",
    "cordon one",
    "drain one --force",
    "certificate approve one",
    "patch -n other pod web -p '{}'",
    "annotate storageclass standard a=b",
    "debug node/one --image=localhost:1/labs/web:1",
    "exec -n kube-system etcd-0 -- etcdctl del / --prefix",
    "a-verb-of-tomorrow",
]


@pytest.mark.parametrize("line", INSIDE)
def test_what_stays_in_the_namespace(line: str) -> None:
    assert scope.of_line(line, "own") is None


@pytest.mark.parametrize("line", BEYOND)
def test_what_reaches_further(line: str) -> None:
    assert scope.of_line(line, "own") is not None


@pytest.mark.parametrize(
    ("line", "beyond"), [("delete pod web", True), ("delete pod web -n own", False), ("get pods", False)]
)
def test_a_line_that_names_no_namespace_goes_where_the_kubeconfig_leads(line: str, beyond: bool) -> None:
    assert (scope.of_line(line, "own", current="kube-system") is not None) == beyond


def test_what_comes_by_stdin_is_read() -> None:
    said = scope.of_line("apply -f -", "own", "kind: Pod\n---\nkind: Namespace\nmetadata: {name: other}\n")
    assert said == "namespace/other is an object of the cluster"


@pytest.mark.parametrize(
    ("line", "beyond"),
    [
        ("echo kubectl delete node one", False),
        ("KUBE_EDITOR=true kubectl edit configmaps guitar", False),
        ("kubectl get nodes -o name | xargs kubectl; cat one", False),
        ("true && KUBE_EDITOR=true kubectl edit node one", True),
        ("kubectl get pods; kubectl create namespace other", True),
    ],
)
def test_a_line_for_a_shell_is_read_for_its_kubectl(line: str, beyond: bool) -> None:
    assert (scope.of_shell(line, "own") is not None) == beyond


@pytest.mark.parametrize(
    ("thing", "beyond"),
    [
        ({"kind": "Pod", "metadata": {"name": "web"}}, False),
        ({"kind": "Pod", "metadata": {"name": "web", "namespace": "own"}}, False),
        ({"kind": "pod"}, False),
        ({}, False),
        ({"kind": "Pod", "metadata": {"namespace": "other"}}, True),
        ({"kind": "PersistentVolume", "metadata": {"name": "disk"}}, True),
        ({"kind": "Guitar"}, True),
        ({"kind": "List", "items": [{"kind": "Namespace"}]}, True),
    ],
)
def test_objects_are_in_the_namespace_or_not(thing: dict[str, Any], beyond: bool) -> None:
    assert (scope.of_objects([thing], "own") is not None) == beyond


def test_a_pod_may_reach_into_its_node() -> None:
    template = {"spec": {"template": {"spec": {"volumes": [{"name": "a", "hostPath": {"path": "/"}}]}}}}
    deployment = {"kind": "Deployment", "metadata": {"name": "web"}} | template
    assert scope.of_node([deployment]) == "deployment/web has hostPath"
    assert scope.of_node([{"kind": "Pod", "spec": {"hostNetwork": False}}]) is None


def test_only_what_is_of_the_cluster_is_marked() -> None:
    namespace = scope.marked({"kind": "Namespace", "metadata": {"name": "a", "labels": {"b": "c"}}}, {"labs": "1"})
    assert namespace["metadata"] == {"name": "a", "labels": {"b": "c", "labs": "1"}}
    assert scope.marked({"kind": "Pod"}, {"labs": "1"}) == {"kind": "Pod"}
