"""An existing cluster under a lease: used by a context of the user's kubeconfig, and left as it was.

For the process that answers for it. Nothing of the user's is written: the run has a copy of its own of what the context
names. What labs make there carries the run's name as a label, and the run has a lease as a cluster of ours has, so that
what a killed run left is found.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from labkit import interruption
from labkit.addresses import is_loopback
from labkit.cluster import api_objects, kubeconfig, lease, node_status
from labkit.cluster.existing import ExistingCluster
from labkit.cluster.labcluster import LABEL, last_lines
from labkit.cluster.lease import Lease
from labkit.manifests import naming
from labkit.manifests.naming import Names
from labkit.observe.api import Api, Refused
from labkit.observe.connection import connection_of
from labkit.progress import Progress
from labkit.trouble import CannotRun, Inconclusive

PULLED_S = 300.0
"""Seconds for the nodes to pull the images: some MB each."""

SKEW = 1
"""Minors by which kubectl may be off the API server. Source: kubernetes.io/releases/version-skew-policy."""

_VERSION = re.compile(r"(v1\.\d+\.\d+(?:-(?:alpha|beta|rc)\.\d+)?).*")
"""A version of Kubernetes, and what its distributor adds: v1.33.5-eks-113cf36, v1.34.1+k3s1."""


@contextlib.contextmanager
def using(
    context: str,
    *,
    cluster_wide: bool,
    registry: str,
    keep: bool,
    at_a_time: int,
    consent: Callable[[str], None],
    push: Callable[[str], Names],
    progress: Progress,
) -> Iterator[ExistingCluster]:
    """Have the cluster of a context for the length of a block; for the controlling process, in its main thread.

    cluster_wide: labs may change more than their own namespaces.
    registry: where the images are pulled from, host/path; "" where the nodes have them.
    keep: leave the labs' namespaces, until `nox -s down`.
    at_a_time: how many namespaces there will be at once.
    consent: asks the user about what this text says, and raises CannotRun where the answer is no; never for kind's.
    push: puts the images into the registry and gives the names by which they are pulled.

    Before the consent the cluster is only read. However the block ends, what carries the run's name is deleted, and
    Ctrl-C and SIGTERM wait for that.

    Raises: CannotRun when the context is not there, does not answer, or is not fit for labs.
    """
    config = kubeconfig.read(context)
    held = lease.grant(
        kubernetes="of an unknown version", node_image="", origin=f"context {context}", kind="", maker=lease.CONTEXT
    )
    with contextlib.ExitStack() as undo:
        undo.callback(part, held, progress)
        kubeconfig.write(config, held.folder)
        cluster = ExistingCluster(held.record.cluster, folder=held.folder, context=context, kubernetes="")
        cluster.cluster_wide, cluster.registry = cluster_wide, registry.rstrip("/")
        cluster.hidden = kubeconfig.hidden(config)
        with _sentences(context):
            look(cluster, config, consent, at_a_time)
            held.update(kubernetes=cluster.kubernetes, state=lease.RUNNING)
            clear_stale(cluster.origin, progress)
            if cluster.registry:
                progress.say(f"pushing the images to {cluster.registry}")
                cluster.images = push(cluster.registry)
                pull(cluster, progress)
        progress.say(f"using context {context}: Kubernetes {cluster.kubernetes}, as {cluster.name}")
        if keep:
            held.update(state=lease.KEPT)
        yield cluster


def look(cluster: ExistingCluster, config: Mapping[str, Any], consent: Callable[[str], None], at_a_time: int) -> None:
    """Read what the server says of itself and its nodes, and ask for the user's consent where it is not kind's.

    Raises: CannotRun where no verdict about one version can come of this cluster.
    """
    with Api(cluster.connection) as api:
        cluster.build = api.get("/version")["gitVersion"]
        items = api.get("/api/v1/nodes")["items"]
        cluster.kubernetes = release(cluster.build)
        if wrong := node_status.wrong_version(cluster.kubernetes, cluster.kubernetes, _released(items)):
            raise CannotRun(wrong.replace("was asked for", f"is the API server of context {cluster.context}"))
        if not (usable := takes_pods(items)):
            raise CannotRun(f"context {cluster.context} has no node that is Linux, Ready, schedulable and untainted")
        cluster.nodes = node_status.nodes_of([item for item in items if not node_status.not_ready([item])])
        cluster.usable = tuple(item["metadata"]["name"] for item in usable)
        cluster.kubectl_path.symlink_to(kubeconfig.kubectl_for(cluster.kubernetes))
        cluster.kubectl_version = _kubectl_version(cluster)
        if not cluster.registry and (without := [item for item in usable if not has_images(item)]):
            raise CannotRun(
                f"the nodes of context {cluster.context} lack the images of the labs"
                f" ({', '.join(item['metadata']['name'] for item in without)} has no {naming.WEB}):"
                " name a registry that they pull from with --image-registry HOST/PATH"
            )
        if not is_kinds(cluster.context, config, items):
            consent(question(cluster, config, at_a_time))
        try:
            api.post("/api/v1/namespaces?dryRun=All", {"metadata": {"name": cluster.name}})
        except Refused as refusal:
            raise CannotRun(f"context {cluster.context} may not make namespaces: {refusal}") from refusal


def question(cluster: ExistingCluster, config: Mapping[str, Any], at_a_time: int) -> str:
    """Say what a run is going to do to a cluster, for its user to agree."""
    further = (
        "They also change things of the whole cluster (namespaces, admission policies) for their own time."
        if cluster.cluster_wide
        else "They change nothing outside those namespaces."
    )
    return "\n".join(
        [
            f"context {cluster.context} is no kind cluster of this machine:",
            f"  server {config['clusters'][0]['cluster'].get('server')}, Kubernetes {cluster.build},"
            f" {len(cluster.nodes)} nodes",
            f"The labs make namespaces there, up to {at_a_time} at a time, with Pods, and delete them again. {further}",
        ]
    )


def release(version: str) -> str:
    """Give the release of Kubernetes that a server's or kubelet's version is of: v1.33.5 of v1.33.5-eks-113cf36."""
    found = _VERSION.fullmatch(version)
    if found is None:
        raise CannotRun(f"{version} is no version of Kubernetes 1, so that no claim is about it")
    return found[1]


def _released(items: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [
        {**item, "status": {"nodeInfo": {"kubeletVersion": release(item["status"]["nodeInfo"]["kubeletVersion"])}}}
        for item in items
    ]


def takes_pods(items: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Give the nodes on which a Pod that asks for nothing may run, those that control nothing first."""

    def takes(item: Mapping[str, Any]) -> bool:
        taints = item["spec"].get("taints") or ()
        return (
            not node_status.not_ready([item])
            and not item["spec"].get("unschedulable")
            and all(taint["effect"] == "PreferNoSchedule" for taint in taints)
            and item["status"]["nodeInfo"].get("operatingSystem", "linux") == "linux"
        )

    roles = {node.name: node.role for node in node_status.nodes_of(items)}
    return sorted(
        filter(takes, items),
        key=lambda item: (roles[item["metadata"]["name"]] == "control-plane", item["metadata"]["name"]),
    )


def has_images(item: Mapping[str, Any]) -> bool:
    """Tell whether a node says that it has the labs' image. The kubelet names the 50 largest of its images only."""
    names = {name for image in item["status"].get("images", ()) for name in image.get("names") or ()}
    return naming.WEB in names


def is_kinds(context: str, config: Mapping[str, Any], items: Sequence[Mapping[str, Any]]) -> bool:
    """Tell whether a context is that of a kind cluster on this machine, which is there to be tried on."""
    host = urlsplit(str(config["clusters"][0]["cluster"].get("server", ""))).hostname or ""
    return (
        context.startswith("kind-")
        and is_loopback(host)
        and all(str(item["spec"].get("providerID", "")).startswith("kind://") for item in items)
    )


def pull(cluster: ExistingCluster, progress: Progress) -> None:
    """Let every node that takes Pods pull the images, so that no lab waits for it. Raises CannotRun."""
    pods = [
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": f"pull-{number}"},
            "spec": {
                "nodeName": name,
                "restartPolicy": "Never",
                "terminationGracePeriodSeconds": 0,
                "containers": [
                    {"name": f"c{i}", "image": image, "imagePullPolicy": "Always", "command": ["true"]}
                    for i, image in enumerate(cluster.images.values())
                ],
            },
        }
        for number, name in enumerate(cluster.usable)
    ]
    progress.say(f"the nodes pull {', '.join(cluster.images.values())}")
    with Api(cluster.connection) as api:
        api.post("/api/v1/namespaces", {"metadata": {"name": cluster.name, "labels": {LABEL: cluster.name}}})
    within = ("--namespace", cluster.name)
    steps = [
        (("wait", "--for=create", "serviceaccount/default", *within, "--timeout=60s"), None),
        (("create", *within, "-f", "-"), json.dumps({"apiVersion": "v1", "kind": "List", "items": pods})),
        (
            ("wait", "--for=jsonpath={.status.phase}=Succeeded", "pod", "--all", *within, f"--timeout={PULLED_S:.0f}s"),
            None,
        ),
    ]
    for words, stdin in steps:
        result = cluster.kubectl(*words, stdin=stdin, timeout_s=PULLED_S + 30)
        if result.rc:
            why = cluster.kubectl("get", "events", *within, "-o", "jsonpath={.items[*].message}")
            raise CannotRun(
                f"the nodes of context {cluster.context} cannot run what is in {cluster.registry}:"
                f" {last_lines(why.stdout or result.stderr)}"
            )


# -- the end ---------------------------------------------------------------------------------------------------


def part(held: Lease, progress: Progress) -> None:
    """Delete what a run has left on its cluster; where that fails, or is not wanted, the lease stays for `down`."""
    with interruption.held_off(), held:
        if held.record.kept:
            progress.say(f"the namespaces of {held.record.cluster} are left on {held.record.origin}: nox -s down")
            return
        try:
            clear(held)
        except (CannotRun, Inconclusive) as trouble:
            progress.say(f"{trouble}; nox -s down tries again")


def clear(held: Lease) -> None:
    """Delete all that carries a run's name on its cluster, then its lease. Raises CannotRun, and the lease stays."""
    record = held.record
    if record.state != lease.CREATING:  # before, nothing was made
        with _sentences(record.origin.removeprefix("context ")):
            api_objects.delete(held.folder, f"{LABEL}={record.cluster}")
    held.forget()


def clear_stale(origin: str, progress: Progress) -> None:
    """Delete what killed runs of this machine have left by the same context. Raises CannotRun."""
    for record in lease.records():
        if record.maker != lease.CONTEXT or record.origin != origin or record.kept:
            continue
        if held := lease.take(record.cluster):
            with held:
                progress.say(f"deleting what {record.cluster} has left on {origin}: it was killed")
                clear(held)


def delete_all(context: str, consent: Callable[[str], None]) -> None:
    """Delete what labs have left by a context, from whichever machine; what still runs breaks. Raises CannotRun."""
    config = kubeconfig.read(context)
    held = lease.grant(kubernetes="", node_image="", origin=f"context {context}", kind="", maker=lease.CONTEXT)
    try:
        kubeconfig.write(config, held.folder)
        with _sentences(context):
            with Api(connection_of(held.folder / "kubeconfig")) as api:
                (held.folder / "kubectl").symlink_to(kubeconfig.kubectl_for(release(api.get("/version")["gitVersion"])))
                found = api.get(f"/api/v1/namespaces?labelSelector={LABEL}")["items"]
            names = ", ".join(item["metadata"]["name"] for item in found) or "none"
            consent(f"context {context}: all that labs have left is deleted, these namespaces with it: {names}")
            api_objects.delete(held.folder, LABEL)
    finally:
        held.forget()


def _kubectl_version(cluster: ExistingCluster) -> str:
    """Give the version of the kubectl that a run types. Raises CannotRun where it is too far from the server's."""
    told = cluster.kubectl("version", "--client", "-o", "json")
    if told.rc:
        raise CannotRun(f"kubectl on PATH does not tell its version: {last_lines(told.stderr, 1)}")
    version = release(json.loads(told.stdout)["clientVersion"]["gitVersion"])
    if abs(_minor(version) - _minor(cluster.kubernetes)) > SKEW:
        raise CannotRun(
            f"kubectl on PATH is {version}, context {cluster.context} is {cluster.kubernetes}, more than {SKEW} minor"
            f" apart: have another one on PATH, or nox -s supply -- --nodes build --kubernetes {cluster.kubernetes}"
        )
    return version


def _minor(version: str) -> int:
    return int(version.split(".")[1])


@contextlib.contextmanager
def _sentences(context: str) -> Iterator[None]:
    """Before labs begin, whatever is in the way of the cluster means that the run cannot start."""
    try:
        yield
    except (Inconclusive, Refused) as trouble:
        raise CannotRun(f"context {context} does not answer as it should: {trouble}") from trouble
