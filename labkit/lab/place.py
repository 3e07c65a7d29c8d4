"""What every lab has: a namespace and a kubeconfig of its own, what was seen there, and how all of it ends."""

from __future__ import annotations

import contextlib
import json
import os
import time
import uuid
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any, NoReturn
from urllib.parse import urlencode

import tenacity

from labkit.claims.budgets import LOADED, MOST_LOADED, START
from labkit.claims.claim import Claim
from labkit.claims.sabotage import Sabotage, Saboteur
from labkit.cluster import LabCluster, Result, commands, node_status
from labkit.cluster.labcluster import LABEL
from labkit.environment import standard_first
from labkit.lab.errors import NotSetUp
from labkit.lab.evidence import Evidence
from labkit.observe.api import Refused
from labkit.observe.history import (
    History,
)
from labkit.observe.load import Load
from labkit.observe.views import EventView, PodView
from labkit.observe.watch import Watches, path_of
from labkit.trouble import Inconclusive

DEAD_S = 10.0
"""Seconds without an answer from the API server after which a lab takes its cluster for dead."""

SHARING = (
    *(("/apis/batch/v1", plural) for plural in ("cronjobs", "jobs")),
    *(("/apis/apps/v1", plural) for plural in ("deployments", "statefulsets", "daemonsets", "replicasets")),
    *(("/api/v1", plural) for plural in ("replicationcontrollers", "pods", "services", "persistentvolumeclaims")),
)
"""Kinds whose objects take CPU, ports or disks that labs share, owners before what they own."""

ACCOUNT_S = 0.05
"""Seconds between two looks for a new namespace's ServiceAccount; its controller takes 0.02 on an idle machine."""

KUBECTL_S = 120.0
"""Seconds after which a kubectl that has not come back is given up; the verdict is then inconclusive."""

LISTENS_S = 10.0
"""Seconds that the instrument may take from its container's start until it listens; 0.2 on an idle machine."""

POLL_S = 0.2
"""Seconds between two looks at what cannot be watched: answers over HTTP and what a command prints."""


class Place:
    """A namespace on the cluster for one claim: made, looked after, cleared away."""

    def __init__(self, cluster: LabCluster, claim: Claim, sabotage: Sabotage | None, load: Load) -> None:
        self.cluster = cluster
        self.claim = claim
        self.namespace = f"{claim.id.replace('.', '-')[:50]}-{uuid.uuid4().hex[:6]}"
        self.epoch = time.time()
        self._began = time.monotonic()
        self._load = load
        self._saboteur = Saboteur(sabotage)
        self._api = cluster.api
        self.history = History(
            self.clock, lambda since_s: load.since(self._began + since_s), MOST_LOADED if sabotage else LOADED
        )
        self.evidence = Evidence(self.history)
        self._watches = Watches(self._api, self.namespace, self.history)
        self._kubeconfig = cluster.kubeconfig_path.parent / f"{self.namespace}.kubeconfig"
        self._env = {
            **cluster.environment,
            "PATH": standard_first(cluster.environment.get("PATH", os.defpath)),
            "KUBECONFIG": str(self._kubeconfig),
        }
        self._current = self.namespace
        """The namespace of what is typed without one; a lab's own lines may change it."""
        self._undo = contextlib.ExitStack()

    def clock(self) -> float:
        """Give the seconds since the lab began."""
        return time.monotonic() - self._began

    @property
    def minor(self) -> int:
        """The minor version of the cluster's Kubernetes: 37 for v1.37.0."""
        return int(self.cluster.kubernetes.split(".")[1])

    def begin(self) -> None:
        """Make the namespace. Raises Inconclusive where the API server does not answer."""
        self._api.post(
            "/api/v1/namespaces", {"metadata": {"name": self.namespace, "labels": {LABEL: self.cluster.name}}}
        )
        self._undo.callback(self._clear)
        self._kubeconfig.touch(mode=0o600)
        self._kubeconfig.write_text(json.dumps(_for_lab(self.cluster.kubeconfig, self.namespace)), encoding="utf-8")
        self._undo.callback(self._kubeconfig.unlink)
        self._watches.follow("Event")
        self._undo.callback(self._watches.stop)
        self._await_account()

    def close(self, *, keep: bool = False) -> None:
        """Stop looking and remove the namespace; `keep` leaves it for somebody to look around."""
        if keep:
            self._watches.stop()
            self._undo.pop_all()
        else:
            self._undo.close()

    def _clear(self) -> None:
        """Remove the namespace; on a cluster that goes with the run, only what runs in it or holds something shared.

        Removing a namespace costs the control plane 150 ms, a tenth of what all labs cost: it asks for objects of every
        kind there is.
        """
        if not self.cluster.ephemeral:
            self._api.delete(f"/api/v1/namespaces/{self.namespace}")
            return
        if self.evidence.commands:
            for group, plural in SHARING:
                self._api.delete(f"{group}/namespaces/{self.namespace}/{plural}")

    def undo(self, act: Callable[[], object]) -> None:
        """Do something when the lab is over, before what was said to this earlier."""
        self._undo.callback(act)

    def missed(self) -> list[str]:
        """Name the mutations of the sabotage that touched nothing."""
        return self._saboteur.missed()

    def trouble(self) -> str | None:
        """Say what is wrong with the cluster now, if anything is: then no assertion of this lab says anything."""
        try:
            nodes = self._api.get(path_of("Node", None))["items"]
        except (Inconclusive, Refused) as error:
            return f"the cluster does not answer: {error}"
        # What was not there when the run began is not missed.
        known = {node.name for node in self.cluster.nodes}
        if self.cluster.spare and not self.claim.takes_a_node:
            # It may be another lab's turn to take the spare one away; this lab has nothing there.
            known.discard(self.cluster.spare.name)
        nodes = [n for n in nodes if n["metadata"]["name"] in known]
        if late := node_status.not_ready(nodes):
            return f"{', '.join(late)} is not Ready"
        return next((f"a container was not started: {e.message}" for e in self._unstarted()), None)

    def _unstarted(self) -> Iterator[EventView]:
        """Give the Events that tell of a runtime which failed, not of a command that is not there.

        Seen under load on cgroup v1: "error setting cgroup config ...: unable to freeze". The kubelet tries again and
        counts a restart.
        """
        events = (v for v in self.history.views(frozenset({"Event"})) if isinstance(v, EventView))
        for event in events:
            if "failed to create shim task" in event.message and "executable file not found" not in event.message:
                yield event

    def standstill(self) -> str | None:
        """Say what was wrong with the time since the lab began, if anything was: then nothing that was seen counts."""
        return self._load.standstill(self._began)

    def too_busy(self) -> str | None:
        """Say how busy the machine was since the lab began, if too busy for anything that went wrong to count."""
        load = self._load.since(self._began)
        return f"{load:.1f} tasks per core wanted to run meanwhile, too many to tell" if load > LOADED else None

    def dead(self) -> bool:
        """Tell whether the API server has stopped answering for good."""

        def silent() -> bool:
            with contextlib.suppress(Inconclusive):
                return self._api.request("GET", "/readyz", read_s=2)[0] != HTTPStatus.OK
            return True

        asking = tenacity.Retrying(
            retry=tenacity.retry_if_result(bool),
            stop=tenacity.stop_after_delay(DEAD_S),
            wait=tenacity.wait_fixed(POLL_S),
            retry_error_callback=lambda _: True,
        )
        return bool(asking(silent))

    def report(self) -> str:
        """Tell what a person wants to see after a failure: events, logs, and how to go and look by hand."""
        lines = [f"namespace {self.namespace}", "events:"]
        events = {v.uid: v for v in self.history.views(frozenset({"Event"}))}
        lines += [f"  {e.seen_s:6.1f} s {e}" for e in events.values()] or ["  none"]
        pods = {v.name: v for v in self.history.views(frozenset({"Pod"})) if isinstance(v, PodView)}
        for pod in pods.values():
            lines.append(str(pod))
            for c in pod.containers:
                for previous in (True, False) if c.restart_count else (False,):
                    lines.append(f"  log of {c.name}{' (previous)' if previous else ''}:")
                    with contextlib.suppress(NotSetUp, Inconclusive):
                        tail = self._log(pod.name, container=c.name, previous=previous).splitlines()[-12:]
                        lines += [f"    {line}" for line in tail]
        kubectl = f"KUBECONFIG={self.cluster.kubeconfig_path} {self.cluster.kubectl_path}"
        lines.append(
            f"look by hand (run with --keep-cluster --keep-namespaces): {kubectl} -n {self.namespace} get pods"
        )
        return "\n".join(lines)

    def _await_account(self) -> None:
        """Wait for the default ServiceAccount: a Pod that comes before it is refused. Raises NotSetUp."""

        def there() -> bool:
            status, _ = self._api.request("GET", path_of("ServiceAccount", self.namespace, "default"))
            return status == HTTPStatus.OK

        def gave_up(_: tenacity.RetryCallState) -> NoReturn:
            raise NotSetUp(f"not given: no default ServiceAccount after {START.latest_s:.0f} s")

        tenacity.Retrying(
            retry=tenacity.retry_if_result(lambda found: not found),
            stop=tenacity.stop_after_delay(START.latest_s),
            wait=tenacity.wait_fixed(ACCOUNT_S),
            retry_error_callback=gave_up,
        )(there)

    def _kubectl(self, *words: str, stdin: str | None = None) -> Result:
        at_s = self.clock()
        result = commands.run(
            [self.cluster.kubectl_path, *commands.filenames(words)], env=self._env, timeout_s=KUBECTL_S, stdin=stdin
        )
        self.evidence.typed(at_s, result.typed_as(*words))
        return result

    def _reach(self, method: str, pod: str, port: int, path: str, body: object = None) -> tuple[int, str]:
        """Send a request to the instrument in a Pod by way of the API server; give the status and text of the answer.

        A Pod without a readiness probe is Ready before its process listens, so a refused connection is tried again.
        """
        proxy = f"{path_of('Pod', self.namespace, pod)}:{port}/proxy{path}"
        trying = tenacity.Retrying(
            retry=tenacity.retry_if_result(
                lambda answer: answer[0] == HTTPStatus.SERVICE_UNAVAILABLE and "dial tcp" in answer[1]
            ),
            stop=tenacity.stop_after_delay(LISTENS_S),
            wait=tenacity.wait_fixed(POLL_S),
            retry_error_callback=lambda state: state.outcome.result() if state.outcome else None,
        )
        answer: tuple[int, str] = trying(self._api.request, method, proxy, body)
        return answer

    def _log(self, pod: str, *, container: str, previous: bool) -> str:
        query = urlencode({"previous": str(previous).lower()} | ({"container": container} if container else {}))
        status, text = self._api.request("GET", f"{path_of('Pod', self.namespace, pod)}/log?{query}")
        if status != HTTPStatus.OK:
            raise NotSetUp(f"no log of pod/{pod}: {text[:200]}")
        return text


def _for_lab(config: dict[str, Any], namespace: str) -> dict[str, Any]:
    """Give a kubeconfig of one cluster for one namespace; cluster, user and context are all called "lab" there."""
    (cluster,), (user,) = config["clusters"], config["users"]
    context = {"cluster": "lab", "user": "lab", "namespace": namespace}
    return config | {
        # Compressed answers would cost the API server and kubectl more than loopback saves.
        "clusters": [{"name": "lab", "cluster": cluster["cluster"] | {"disable-compression": True}}],
        "users": [user | {"name": "lab"}],
        "contexts": [{"name": "lab", "context": context}],
        "current-context": "lab",
    }
