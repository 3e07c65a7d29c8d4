"""Where a scenario happens: its namespaces, what stands in for objects that the notes never make, and the cleaning."""

from __future__ import annotations

import contextlib
import json
import secrets
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any

from labkit.claims.budgets import SLACK_S, Window
from labkit.cluster import LabCluster
from labkit.cluster.labcluster import LABEL
from labkit.notes import guard, stand_ins
from labkit.notes.kubectl import Object
from labkit.notes.scenario import DRY_RUNS, Scenario
from labkit.observe.api import Api, Refused
from labkit.observe.history import Act, History, NeverHappened, Pods, TooLate
from labkit.observe.views import PodsView, PodView
from labkit.observe.watch import Watches
from labkit.trouble import CannotRun, Inconclusive

SETTLES_S = 15.0
"""Seconds that Pods get to run or to say why they do not, before a line looks at them."""

APPEARS_S = 1.5
"""Seconds that a controller gets to make a first Pod; on two idle cores it takes a tenth of one."""

NOT_STARTING = (
    *("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "CrashLoopBackOff", "CreateContainerConfigError"),
    *("CreateContainerError", "RunContainerError", "StartError"),
)
"""What a container waits for in vain. Source: kubelet v1.37."""

_ENFORCED = "pod-security.kubernetes.io/enforce"
"""A namespace's own bar against Pods that reach into their node. Source: Pod Security Standards."""

_IN_DEFAULT = (
    "all,configmaps,secrets,ingresses,networkpolicies,persistentvolumeclaims,serviceaccounts,roles,rolebindings"
)

_SHARED = (
    "namespaces,persistentvolumes,storageclasses,clusterroles,clusterrolebindings,customresourcedefinitions,"
    "priorityclasses,ingressclasses,runtimeclasses,certificatesigningrequests,"
    "validatingadmissionpolicies,validatingadmissionpolicybindings,"
    "validatingwebhookconfigurations,mutatingwebhookconfigurations"
)


class Place:
    """A scenario's namespace on the cluster; it and others are watched from when they are first looked at."""

    def __init__(self, cluster: LabCluster, namespace: str, api: Api) -> None:
        self.cluster = cluster
        self.namespace = namespace
        self._api = api
        self._watched: dict[str, tuple[History, Watches]] = {}

    def settle(self, namespace: str = "") -> str:
        """Wait until every Pod of a namespace runs, has ended, or says why it cannot; give that reason, "" for none."""
        history = self._history(namespace or self.namespace)
        pods = Pods("the Pods", lambda pod: not pod.gone)
        last = history.last(pods)
        try:
            if last is None:
                (last,) = history.eventually("a Pod appears", (pods,), lambda seen: seen.pods, within=_in(APPEARS_S))
            if not _all_settled(last):
                # What was before the newest state says nothing of now.
                waited_s = history.clock() - last.seen_s
                newest = Act(last.seen_s, "the newest state")
                within = _in(waited_s + SETTLES_S)
                (last,) = history.eventually("the Pods run", (pods,), _all_settled, since=newest, within=within)
        except (NeverHappened, TooLate, Inconclusive):
            last = history.last(pods)
            return "its Pods do not get ready" if last and last.pods else ""
        return next((why for pod in last.pods if (why := _trouble(pod))), "")

    def stop(self) -> None:
        """End all watches."""
        for _, watches in self._watched.values():
            watches.stop()

    def _history(self, namespace: str) -> History:
        if namespace not in self._watched:
            started = time.monotonic()
            history = History(lambda: time.monotonic() - started, lambda _since: 0.0)
            watches = Watches(self._api, namespace, history)
            self._watched[namespace] = history, watches
            with contextlib.suppress(Inconclusive, Refused):
                watches.follow("Pod")
        return self._watched[namespace][0]

    def make(self, namespace: str, thing: Object) -> None:
        """Make an object that stands in for one of the notes'. Raises CannotRun."""
        said = self.cluster.kubectl(
            *(() if thing[0] == "Namespace" else ("-n", namespace or self.namespace)),
            *("apply", "-f", "-"),
            stdin=stand_ins.as_yaml([stand_ins.stand_in(*thing)]),
        )
        if said.rc:
            raise CannotRun(f"a stand-in for {thing[0]} {thing[1]} cannot be made: {said}")


def _in(seconds: float) -> Window:
    """Give the window that ends after so many seconds, the slack that every window has among them."""
    return Window(0.0, seconds - SLACK_S)


def _all_settled(seen: PodsView) -> bool:
    return all(_settled(pod) for pod in seen.pods)


def _settled(pod: PodView) -> bool:
    return pod.ready or pod.phase in ("Succeeded", "Failed") or bool(_trouble(pod))


def _trouble(pod: PodView) -> str:
    for container in pod.containers:
        if container.state == "waiting" and container.reason in NOT_STARTING:
            if "Image" in str(container.reason):
                return f"image {container.image or _image(pod, container.name)} cannot be pulled here"
            return f"container {container.name} does not start here: {container.reason}"
    if pod.condition("PodScheduled").get("reason") == "Unschedulable":
        return f"Pod {pod.name} fits no node here"
    return ""


def _image(pod: PodView, container: str) -> str:
    return next((c["image"] for c in pod.raw["spec"]["containers"] if c["name"] == container), "")


@contextlib.contextmanager
def place(cluster: LabCluster, scenario: Scenario) -> Iterator[Place]:
    """Have a namespace for a scenario, with all that it stands on; nothing of it is left afterwards.

    Raises: CannotRun where the cluster does not do that.
    """
    namespace = f"notes-{secrets.token_hex(4)}"
    with Api(cluster.connection) as api, contextlib.ExitStack() as undo:
        here = Place(cluster, namespace, api)
        if scenario.alone:
            undo.callback(guard.put, cluster)  # what may take policies away may have taken ours
        before = _shared(cluster) if scenario.alone else {}
        undo.callback(_clean, cluster, [namespace, *scenario.namespaces], before)
        undo.callback(here.stop)
        # Nothing of a dry run comes about, so that it may ask for what it likes.
        _make_namespace(cluster, namespace, enforced=scenario.title != DRY_RUNS)
        for space, thing in sorted(scenario.stand_ins, key=lambda one: one[1][0] != "Namespace"):
            if thing[0] == "Namespace":
                _make_namespace(cluster, thing[1])
            else:
                here.make(space, thing)
        yield here


def _make_namespace(cluster: LabCluster, name: str, *, enforced: bool = True) -> None:
    thing = stand_ins.stand_in("Namespace", name)
    thing["metadata"]["labels"] = {LABEL: cluster.name, **({_ENFORCED: "baseline"} if enforced else {})}
    said = cluster.kubectl("create", "-f", "-", stdin=stand_ins.as_yaml([thing]))
    if said.rc and "already exists" not in said.stderr:
        raise CannotRun(f"namespace {name} cannot be made: {said}")
    # A Pod that comes before its namespace's service account is refused.
    cluster.kubectl("wait", "--for=create", "serviceaccount/default", "-n", name, "--timeout=20s")


def _shared(cluster: LabCluster) -> dict[str, Any]:
    """Give what all scenarios share, as it is now."""
    names = cluster.kubectl("get", _SHARED, "-o", "name").stdout.split()
    inside = cluster.kubectl("get", _IN_DEFAULT, "-n", "default", "-o", "name").stdout.split()
    nodes = json.loads(cluster.kubectl("get", "nodes", "-o", "json").stdout)["items"]
    return {"names": set(names), "default": set(inside), "nodes": {n["metadata"]["name"]: n for n in nodes}}


def _clean(cluster: LabCluster, namespaces: Sequence[str], before: dict[str, Any]) -> None:
    """Remove a scenario's namespaces, and bring back what all share."""
    with contextlib.suppress(Inconclusive):
        for name in namespaces:
            cluster.kubectl("delete", "pods", "--all", "-n", name, "--grace-period=0", "--force", "--wait=false")
        # Who comes next by the same name must not meet the old one.
        wait = "--wait=true" if len(namespaces) > 1 else "--wait=false"
        cluster.kubectl("delete", "namespace", *namespaces, "--ignore-not-found", wait, "--timeout=60s", timeout_s=90)
        if not before:
            return
        after = _shared(cluster)
        for what, options in (("names", []), ("default", ["-n", "default"])):
            new = sorted(after[what] - before[what])
            if what == "names":  # other scenarios' namespaces are theirs
                new = [n for n in new if not n.startswith("namespace/notes-")]
            if new:
                cluster.kubectl("delete", *new, *options, "--ignore-not-found", "--wait=false")
        for name, node in before["nodes"].items():
            if patch := _difference(node, after["nodes"].get(name, node)):
                cluster.kubectl("patch", "node", name, "--type=merge", "-p", json.dumps(patch))


def _difference(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """Give the merge patch that makes a node again what it was."""
    patch: dict[str, Any] = {}
    for part in ("labels", "annotations"):
        old, new = before["metadata"].get(part, {}), after["metadata"].get(part, {})
        back = {k: old.get(k) for k in old.keys() | new.keys() if old.get(k) != new.get(k)}
        if back:
            patch.setdefault("metadata", {})[part] = back
    for part in ("taints", "unschedulable"):
        if before["spec"].get(part) != after["spec"].get(part):
            patch.setdefault("spec", {})[part] = before["spec"].get(part)
    return patch


class Names:
    """One at a time for each name: scenarios that call the same namespace by its name follow one another."""

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._changed = threading.Condition()

    @contextlib.contextmanager
    def taken(self, names: Sequence[str]) -> Iterator[None]:
        """Have all these names for the length of a block."""
        with self._changed:
            self._changed.wait_for(lambda: not self._taken & set(names))
            self._taken |= set(names)
        try:
            yield
        finally:
            with self._changed:
                self._taken -= set(names)
                self._changed.notify_all()
