"""What the cluster refuses to notes: the policies' own expressions, evaluated as an API server does."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, cast

import celpy
import pytest
import yaml
from celpy.adapter import json_to_cel

from labkit.cluster import LabCluster
from labkit.cluster.labcluster import LABEL
from labkit.notes import guard
from labkit.trouble import CannotRun

POLICIES = {
    one["metadata"]["name"]: one["spec"]
    for one in yaml.safe_load_all(guard.policies("c"))
    if one["kind"] == "ValidatingAdmissionPolicy"
}
ADMIN = {"username": "kubernetes-admin", "groups": ["kubeadm:cluster-admins", "system:authenticated"]}
NODE = {"username": "system:node:labs-worker", "groups": ["system:nodes", "system:authenticated"]}


def account(namespace: str, name: str) -> dict[str, Any]:
    return {"username": f"system:serviceaccount:{namespace}:{name}", "groups": ["system:serviceaccounts"]}


DAEMON_SETS = account("kube-system", "daemon-set-controller")
PROVISIONER = account("local-path-storage", "local-path-provisioner-service-account")


def evaluated(expression: str, known: Mapping[str, Any]) -> Any:
    environment = celpy.Environment()
    program = environment.program(environment.compile(expression))
    return program.evaluate(dict(known))


def refused(
    resource: str,
    thing: Mapping[str, Any],
    *,
    before: Mapping[str, Any] | None = None,
    user: Mapping[str, Any] = ADMIN,
    namespace: str = "notes",
    dry_run: bool = False,
    operation: str = "",
) -> str:
    """Give why a request is refused, "" where it is not."""
    name, _, subresource = resource.partition("/")
    request = {
        "operation": operation or ("UPDATE" if before else "CREATE"),
        "resource": {"resource": name},
        "subResource": subresource,
        "namespace": namespace,
        "userInfo": user,
        "dryRun": dry_run,
    }
    asked: dict[str, Any] = {"request": request, "object": thing, "oldObject": before}
    known: dict[str, Any] = {name: json_to_cel(value) for name, value in asked.items()}
    for policy in POLICIES.values():
        rules = policy["matchConstraints"]["resourceRules"]
        if not any(resource in r["resources"] and request["operation"] in r["operations"] for r in rules):
            continue
        if not all(evaluated(one["expression"], known) for one in policy.get("matchConditions", ())):
            continue
        variables = celpy.celtypes.MapType()
        for one in policy.get("variables", ()):
            name_of_it = celpy.celtypes.StringType(one["name"])
            variables[name_of_it] = evaluated(one["expression"], {**known, "variables": variables})
        for one in policy["validations"]:
            if not evaluated(one["expression"], {**known, "variables": variables}):
                return str(one["message"])
    return ""


def pod(**spec: Any) -> dict[str, Any]:
    container = {"name": "a", "image": "a", **spec.pop("container", {})}
    return {"metadata": {"name": "a"}, "spec": {"containers": [container], **spec}}


def of(kind: str, made: Mapping[str, Any]) -> dict[str, Any]:
    """Put a Pod's spec into what makes such Pods."""
    if kind == "pods":
        return dict(made)
    template = {"metadata": {"labels": {"app": "a"}}, "spec": made["spec"]}
    spec = {"template": template}
    return {"metadata": {"name": "a"}, "spec": {"jobTemplate": {"spec": spec}} if kind == "cronjobs" else spec}


PRIVILEGED = {"securityContext": {"privileged": True}}
REACHES = {
    "hostNetwork": pod(hostNetwork=True),
    "hostPID": pod(hostPID=True),
    "hostIPC": pod(hostIPC=True),
    "hostPath": pod(volumes=[{"name": "a", "emptyDir": {}}, {"name": "root", "hostPath": {"path": "/"}}]),
    "privileged": pod(container=PRIVILEGED),
    "capabilities": pod(container={"securityContext": {"capabilities": {"add": ["NET_BIND_SERVICE", "SYS_ADMIN"]}}}),
    "hostPort": pod(container={"ports": [{"containerPort": 1}, {"containerPort": 2, "hostPort": 2}]}),
}
MAKERS = (
    *("pods", "daemonsets", "deployments", "replicasets", "statefulsets", "replicationcontrollers"),
    *("jobs", "cronjobs"),
)
HARMLESS = pod(
    hostNetwork=False,
    volumes=[{"name": "a", "emptyDir": {}}],
    initContainers=[{"name": "i", "image": "i", "securityContext": {"privileged": False}}],
    container={"ports": [{"containerPort": 80}], "securityContext": {"capabilities": {"add": ["CHOWN"]}}},
)


@pytest.mark.parametrize("namespace", ["notes", "default", "kube-system"])
@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize("reach", REACHES)
def test_what_reaches_the_machine_is_refused_in_every_namespace(reach: str, kind: str, namespace: str) -> None:
    assert refused(kind, of(kind, REACHES[reach]), namespace=namespace) == f"it would reach the machine: {reach}"


@pytest.mark.parametrize("kind", MAKERS)
def test_all_else_is_not(kind: str) -> None:
    assert refused(kind, of(kind, HARMLESS)) == ""
    assert refused(kind, of(kind, HARMLESS), before=of(kind, pod())) == ""


def test_containers_of_every_sort_are_looked_at() -> None:
    for sort in ("initContainers", "ephemeralContainers"):
        assert refused("pods", pod(**{sort: [{"name": "b", "image": "b", **PRIVILEGED}]})).endswith("privileged")


def test_a_debugging_container_is_refused_where_it_is_put_in() -> None:
    with_rights = pod(ephemeralContainers=[{"name": "d", "image": "d", **PRIVILEGED}])
    assert refused("pods/ephemeralcontainers", with_rights, before=pod()).endswith("privileged")
    into_proxy = pod(hostNetwork=True, ephemeralContainers=[{"name": "d", "image": "d"}])
    said = refused("pods/ephemeralcontainers", into_proxy, before=pod(hostNetwork=True), namespace="kube-system")
    assert said.endswith("hostNetwork")
    assert (
        refused("pods/ephemeralcontainers", pod(ephemeralContainers=[{"name": "d", "image": "d"}]), before=pod()) == ""
    )


@pytest.mark.parametrize("kind", MAKERS)
def test_what_was_there_before_may_be_labelled_and_not_changed(kind: str) -> None:
    was = of(kind, REACHES["privileged"])
    labelled = copy.deepcopy(was)
    labelled["metadata"]["labels"] = {"a": "b"}
    assert refused(kind, labelled, before=was, namespace="kube-system") == ""
    other = of(kind, pod(container={**PRIVILEGED, "image": "other"}))
    assert refused(kind, other, before=was, namespace="kube-system").endswith("privileged")
    assert refused(kind, of(kind, REACHES["hostPID"]), before=of(kind, pod())).endswith("hostPID")


def test_the_clusters_own_goes_on() -> None:
    proxy = pod(hostNetwork=True, container=PRIVILEGED)
    assert refused("pods", proxy, user=NODE, namespace="kube-system") == ""
    assert refused("pods", proxy, user=DAEMON_SETS, namespace="kube-system") == ""
    assert refused("pods", REACHES["hostPath"], user=PROVISIONER, namespace="local-path-storage") == ""
    assert refused("pods", proxy, user=DAEMON_SETS).endswith("hostNetwork")


def test_a_volume_of_a_node_is_refused_but_for_the_clusters_storage() -> None:
    for source, why in (({"hostPath": {"path": "/"}}, "hostPath"), ({"local": {"path": "/"}}, "local volume")):
        volume = {"metadata": {"name": "v"}, "spec": source}
        assert refused("persistentvolumes", volume, namespace="").endswith(why)
        assert refused("persistentvolumes", volume, namespace="", user=PROVISIONER) == ""
    assert refused("persistentvolumes", {"metadata": {"name": "v"}, "spec": {"nfs": {"path": "/"}}}, namespace="") == ""


@pytest.mark.parametrize("way", ["pods/exec", "pods/attach"])
def test_nobody_steps_into_a_pod_of_the_clusters_own(way: str) -> None:
    assert refused(way, {}, operation="CONNECT", namespace="kube-system")
    assert refused(way, {}, operation="CONNECT") == ""


def test_the_kubelet_is_not_asked_either() -> None:
    assert refused("nodes/proxy", {}, operation="CONNECT", namespace="")


def test_a_dry_run_may_ask_for_what_it_likes_but_for_the_probe() -> None:
    assert refused("pods", REACHES["hostPath"], dry_run=True) == ""
    assert refused("pods", yaml.safe_load(guard.PROBE), dry_run=True, namespace="default").endswith("hostPID")


def test_every_policy_is_bound_and_denies() -> None:
    things = list(yaml.safe_load_all(guard.policies("c")))
    bound = {one["spec"]["policyName"]: one["spec"] for one in things if one["kind"].endswith("Binding")}
    assert bound.keys() == POLICIES.keys()
    assert all(one["validationActions"] == ["Deny"] for one in bound.values())
    assert all(one["failurePolicy"] == "Fail" for one in POLICIES.values())


class Cluster:
    """One that holds to a policy after it has been asked so often."""

    name = "c"

    def __init__(self, *, holds_after: int = 2, applied: str = "created") -> None:
        self._left = holds_after
        self._applied = applied
        self.typed: list[str] = []

    def kubectl(self, *words: str, **_: Any) -> SimpleNamespace:
        self.typed.append(words[0])
        if words[0] == "create":
            self._left -= 1
            return SimpleNamespace(rc=1, stdout="", stderr="it would reach the machine" if self._left < 0 else "")
        return SimpleNamespace(rc=0, stdout=f"a {self._applied}\n", stderr="")


def test_a_check_waits_until_the_cluster_holds_to_the_policies_and_takes_them_away() -> None:
    cluster = Cluster()
    with contextlib.suppress(KeyboardInterrupt), guard.guarded(cast(LabCluster, cluster)):
        assert cluster.typed == ["apply", "create", "create", "create"]
        raise KeyboardInterrupt
    assert cluster.typed[-1] == "delete"


def test_what_a_killed_check_leaves_is_found_by_its_label() -> None:
    things = list(yaml.safe_load_all(guard.policies("c")))
    assert {one["metadata"]["labels"][LABEL] for one in things} == {"c"}


def test_policies_that_are_still_there_are_not_waited_for() -> None:
    cluster = Cluster(applied="unchanged")
    guard.put(cast(LabCluster, cluster))
    assert cluster.typed == ["apply"]


def test_a_cluster_that_does_not_hold_to_them_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "IN_FORCE_S", 0.1)
    with pytest.raises(CannotRun, match="does not hold"):
        guard.put(cast(LabCluster, Cluster(holds_after=99)))
