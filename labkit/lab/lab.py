"""One claim's place on the cluster: a namespace of its own, and the words in which a lab speaks.

Acts go through here and nowhere else (kubectl, requests to the instrument, nodes taken away), so that a sabotage
can change them, and the record can tell them.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any, NoReturn, TypeVar
from urllib.parse import urlencode

import tenacity
import yaml

from labkit.claims.budgets import LOADED, SOON, START, Window
from labkit.claims.claim import Claim
from labkit.claims.sabotage import Sabotage, Saboteur
from labkit.cluster import LabCluster, Result, commands, health
from labkit.cluster.labcluster import LABEL
from labkit.lab import browser, cgroup, instrument
from labkit.lab.evidence import Evidence
from labkit.lab.instrument import Answer, Request
from labkit.manifests import build_contexts, manifest_files, naming, scope
from labkit.observe.api import Api, Refused
from labkit.observe.history import (
    Act,
    Endpoints,
    History,
    Moment,
    NeverHappened,
    Object,
    Pod,
    Pods,
    Subject,
    unless_loaded,
)
from labkit.observe.load import Load
from labkit.observe.views import EventView, NodeView, PodsView, PodView, View, view
from labkit.observe.watch import Watches, path_of
from labkit.trouble import Inconclusive

T = TypeVar("T")

MANAGED_KINDS = {
    "Pod": ("Pod",),
    "ReplicaSet": ("ReplicaSet", "Pod"),
    "Deployment": ("Deployment", "ReplicaSet", "Pod"),
    "StatefulSet": ("StatefulSet", "Pod"),
    "DaemonSet": ("DaemonSet", "Pod"),
    "Service": ("EndpointSlice",),
    "ResourceQuota": ("ResourceQuota",),
    "PersistentVolumeClaim": ("PersistentVolumeClaim",),
}
"""What is watched once an object of a kind is applied: the object and what a controller makes of it."""

POLL_S = 0.2
"""Seconds between two looks at what cannot be watched: answers over HTTP and what a command prints."""

KUBECTL_S = 120.0
"""Seconds after which a kubectl that has not come back is given up; the verdict is then inconclusive."""

LISTENS_S = 10.0
"""Seconds that the instrument may take from its container's start until it listens; 0.2 on an idle machine."""

LISTENING = re.compile(r"^(?:Forwarding from|Starting to serve on) [\d.]+:(\d+)")
"""What a kubectl prints that listens on this machine, and on which port (v1.37)."""

LISTEN_S = 60.0
"""Seconds that a kubectl may take until it listens; 0.3 on an idle machine."""

LOG_S = 10.0
"""Seconds that a container's log may be away while the kubelet replaces the container."""

RETURN_S = 60.0
"""Seconds that a node may take to return after a pause; Ready after 10 and rid of its taints after 11 when idle."""

DEAD_S = 10.0
"""Seconds without an answer from the API server after which a lab takes its cluster for dead."""


class NotSetUp(Inconclusive):
    """The lab's givens did not come about, so its claim was never put to the test."""


class Accepted(AssertionError):
    """What must be refused was accepted."""


class Failed(AssertionError):
    """What must work was refused."""


class Lab:
    """What a lab function gets: its namespace on the cluster, what was seen there, and what can be done to it."""

    def __init__(self, cluster: LabCluster, claim: Claim, sabotage: Sabotage | None, load: Load) -> None:
        self.cluster = cluster
        self.claim = claim
        self.namespace = f"{claim.id.replace('.', '-')[:50]}-{uuid.uuid4().hex[:6]}"
        self.epoch = time.time()
        self._began = time.monotonic()
        self._load = load
        self._saboteur = Saboteur(sabotage)
        self._apis: list[Api] = []
        self._api = self._connect()
        self.history = History(self.clock, lambda since_s: load.since(self._began + since_s))
        self.evidence = Evidence(self.history)
        self._watches = Watches(self._connect, self.namespace, self.history)
        self._kubeconfig = cluster.kubeconfig_path.parent / f"{self.namespace}.kubeconfig"
        self._env = commands.environment(cluster.name, cluster.path) | {"KUBECONFIG": str(self._kubeconfig)}
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

    # -- what is given ---------------------------------------------------------------------------------------

    def apply(self, file: str, verb: str = "apply -f", **words: str) -> Any:
        """Apply manifests/<file> with kubectl; give its objects, in their order (the object itself where it is one).

        ${NAMESPACE} in a value stands for the lab's namespace: objects of the cluster are named and restricted by it.
        Those are deleted with the lab. ${NODE} stands for the node that runs what asks for no other, and `words` for
        what only the lab knows: ADDRESS="10.244.1.7" for ${ADDRESS}.
        Raises Failed where it is refused.
        """
        as_written, sabotaged = self._files(file, **words)
        promised = []
        if sabotaged != as_written:
            dry = self._kubectl(*verb.split(), str(as_written), "--dry-run=server", "-o", "json")
            promised = _items(dry) if dry.rc == 0 else []
        result = self._kubectl(*verb.split(), str(sabotaged), "-o", "json")
        if result.rc != 0:
            raise Failed(f"{file} was refused: {result.stderr.strip()}")
        kept = _items(result)
        if any("namespace" not in item["metadata"] for item in kept):
            self._undo.callback(self._kubectl, "delete", "-f", str(sabotaged), "--ignore-not-found", "--wait=false")
        if any(not f.startswith("kubernetes.io/") for item in kept for f in item["metadata"].get("finalizers", ())):
            # No controller knows these: they would keep the object, and its namespace, for ever.
            free = '{"metadata": {"finalizers": null}}'
            self._undo.callback(self._kubectl, "patch", "-f", str(sabotaged), "--type=merge", "-p", free)
        for item in kept:
            self._watches.follow(*MANAGED_KINDS.get(item["kind"], ()))
        by_name = {(item["kind"], item["metadata"]["name"]): item for item in promised}
        objects = tuple(
            Object[Any](kind, name, item["metadata"]["uid"], by_name.get((kind, name), item))
            for item in kept
            for kind, name in [(item["kind"], item["metadata"]["name"])]
        )
        return objects[0] if len(objects) == 1 else objects

    def image(self, name: str) -> str:
        """Give the name by which the cluster has an image of ours: its own, or that in a registry."""
        return naming.in_text(name, self.cluster.registry)

    def ready(self, *pods: Pod) -> Any:
        """Wait until these Pods are Ready, as a given: give their views. Raises NotSetUp where they are not in time."""
        names = " and ".join(str(p) for p in pods)
        return self.given(f"{names} Ready", *pods, until=lambda *views: all(v.ready for v in views), within=START)

    def given(
        self,
        goal: str,
        *subjects: Subject[Any],
        look: Callable[[], Any] | None = None,
        until: Callable[..., object],
        within: Window = START,
        since: Moment | None = None,
    ) -> Any:
        """Wait for what must be before the claim can be tried, as `eventually` does, or with a look as `poll` does.

        Raises NotSetUp where it is not in time.
        """
        try:
            if look:
                return self.poll(goal, look, until=until, within=within, since=since)
            found = self.history.eventually(goal, subjects, until, within=within, since=since)
        except NeverHappened as never:
            raise NotSetUp(f"not given: {never}") from never
        return found[0] if len(found) == 1 else found

    # -- what is done ----------------------------------------------------------------------------------------

    def kubectl(self, line: str, *, stdin: str | None = None) -> Result:
        """Type `kubectl <line>` in the lab's namespace, maybe with something to read for `-f -`.

        Raises Failed where kubectl does not exit 0.
        """
        result = self._typed(line, stdin)
        if result.rc != 0:
            raise Failed(self.evidence.named(f"kubectl {line}: exit {result.rc}\n  {result.stderr.strip()}"))
        return result

    def refused(self, line: str, *, stdin: str | None = None) -> Result:
        """Type `kubectl <line>`, which must be refused. Raises Accepted where kubectl exits 0."""
        result = self._typed(line, stdin)
        if result.rc == 0:
            raise Accepted(self.evidence.named(f"kubectl {line}: was accepted\n  {result.stdout.strip()}"))
        return result

    def tried(self, line: str) -> Result:
        """Type `kubectl <line>`, whatever comes of it: for `poll`, until it is refused or accepted."""
        return self._typed(line)

    def shell(self, line: str, *, exits: int | None = 0) -> Result:
        """Type a line at a shell, in a folder of the lab's own; `kubectl` is the cluster's own there.

        `exits` is the status with which the line must end, None for any.
        Raises Failed where it ends with another one, Accepted where that is 0.
        """
        line_typed = naming.in_text(self._saboteur.act(line), self.cluster.registry)
        self._stay_inside(scope.of_shell(line_typed, self.namespace))
        result = self._at_shell(line_typed)
        if exits is not None and result.rc != exits:
            error = Failed if result.rc else Accepted
            raise error(f"{line}: exit {result.rc}, not {exits}\n  {(result.stderr or result.stdout).strip()}")
        return result

    @contextlib.contextmanager
    def running(self, line: str) -> Iterator[commands.Going]:
        """Keep `kubectl <line>` (a proxy, a watch) going for the time of the block."""
        at_s, words = self.clock(), shlex.split(self._line(line))
        with commands.going([self.cluster.kubectl_path, *words], env=self._env) as program:
            try:
                yield program
            finally:
                self.evidence.typed(at_s, program.result())

    @contextlib.contextmanager
    def listening(self, line: str) -> Iterator[str]:
        """Keep `kubectl <line>` (port-forward, proxy) going for the time of the block; give the URL that it serves.

        Raises Failed where it ends, or names no address of this machine.
        """
        with self.running(line) as program:
            said = LISTENING.match(program.line(LISTENING.match, timeout_s=LISTEN_S) or "")
            if said is None:
                raise Failed(f"kubectl {line}: does not listen\n  {program.result().stdout.strip()}")
            yield f"http://127.0.0.1:{said[1]}"

    def terminal(self, line: str, *typed: str) -> Result:
        """Type `kubectl <line>` at a terminal, and then these lines; its stdout is all that the terminal shows.

        Raises Failed where kubectl does not exit 0.
        """
        at_s, words = self.clock(), shlex.split(self._line(line))
        result = commands.at_terminal(
            [self.cluster.kubectl_path, *words],
            env=self._env,
            timeout_s=KUBECTL_S,
            typed="".join(f"{one}\n" for one in typed),
        )
        self.evidence.typed(at_s, result)
        if result.rc != 0:
            raise Failed(self.evidence.named(f"kubectl {line}: exit {result.rc}\n  {result.stdout.strip()}"))
        return result

    def apply_refused(self, file: str, verb: str = "apply -f") -> Result:
        """Apply manifests/<file>, which must be refused. Raises Accepted where it is not."""
        _, sabotaged = self._files(file)
        result = self._kubectl(*verb.split(), str(sabotaged))
        if result.rc == 0:
            # What is in no namespace does not go with the lab's.
            self._undo.callback(self._kubectl, "delete", "-f", str(sabotaged), "--ignore-not-found", "--wait=false")
            raise Accepted(f"kubectl {verb} {file}: was accepted\n  {result.stdout.strip()}")
        return result

    def now(self, words: str) -> Act:
        """Mark this moment, for what is counted from it."""
        act = Act(self.clock(), words)
        self.evidence.acted(act.seen_s, words)
        return act

    def put(self, pod: Pod | PodView, path: str, /, *, port: int = instrument.PORT, **settings: object) -> Act:
        """PUT settings to the instrument in a Pod: `lab.put(web, "/healthy/api", failNext=-1)`.

        Of several in one Pod `port` says which.
        """
        return self._tell("PUT", pod, port, path, settings)

    def post(self, pod: Pod | PodView, path: str, /, *, port: int = instrument.PORT, **body: object) -> Act:
        """POST to the instrument in a Pod, as `put` does: `lab.post(web, "/exit", code=3)`."""
        return self._tell("POST", pod, port, path, body)

    @contextlib.contextmanager
    def without(self, node: str) -> Iterator[Act]:
        """Freeze a node's machine for the time of the block; for claims with `takes_a_node`.

        To the rest of the cluster it is as if it had lost power; but what ran on it goes on where it was. However the
        block ends, the machine goes on, and the node is back in the cluster when this returns.
        """
        act = Act(self.clock(), self._saboteur.act(f"freeze the machine of node/{node}"))
        self.evidence.acted(act.seen_s, act.words)
        try:
            with self.cluster.paused(node) if act.words else contextlib.nullcontext():
                yield act
        finally:
            self.evidence.acted(self.clock(), f"let the machine of node/{node} go on")
            self._await_return(node)

    # -- what is seen ----------------------------------------------------------------------------------------

    def eventually(
        self,
        goal: str,
        *subjects: Subject[Any],
        until: Callable[..., object],
        within: Window = SOON,
        since: Moment | None = None,
        look_at: str = "",
    ) -> Any:
        """Wait for the first state after `since` at which `until` holds; give that state (of each subject).

        See `History.eventually` for the window and the errors.
        """
        window = self.evidence.awaited(goal, subjects, within, since.seen_s if since else self.clock())
        found = self.history.eventually(goal, subjects, until, within=within, since=since, look_at=look_at)
        window["seen_s"] = round(max(state.seen_s for state in found), 3)
        return found[0] if len(found) == 1 else found

    def never(
        self,
        goal: str,
        twin: Subject[Any],
        happens: Callable[[Any], object],
        *,
        until: Moment,
        since: Moment | None = None,
    ) -> None:
        """Read from what was recorded that it never happened to the twin until that moment. See `History.never`."""
        self.evidence.compared(twin)
        self.history.never(goal, twin, happens, until=until, since=since)

    def came(self, goal: str, moment: Moment, *, since: Moment, within: Window) -> None:
        """Check that a moment, such as a request that was logged, lies in the window after `since`.

        See `History.came` for the errors.
        """
        self.evidence.awaited(goal, (), within, since.seen_s)["seen_s"] = round(moment.seen_s, 3)
        self.history.came(goal, moment, since=since, within=within)

    def poll(
        self,
        goal: str,
        look: Callable[[], T],
        *,
        until: Callable[[T], object],
        within: Window = SOON,
        since: Moment | None = None,
    ) -> T:
        """Look again and again at what cannot be watched (answers, logs) until it is so; give what was then seen.

        Raises NeverHappened with what was last seen, Inconclusive on a loaded machine.
        """
        from_s = self.clock() if since is None else since.seen_s
        window = self.evidence.awaited(goal, (), within, from_s)
        last: list[T] = []

        def once() -> bool:
            last[:] = [look()]
            return bool(until(last[0]))

        def out_of_time(_: tenacity.RetryCallState) -> bool:
            return self.clock() - from_s > within.too_late_s(self._load.since(self._began + from_s))

        try:
            tenacity.Retrying(
                retry=tenacity.retry_if_result(lambda done: not done),
                stop=out_of_time,
                wait=tenacity.wait_fixed(POLL_S),
            )(once)
        except tenacity.RetryError:
            load = self._load.since(self._began + from_s)
            message = f"{goal}: not within {self.clock() - from_s:.0f} s\n  last seen: {_short(last[0])}"
            raise unless_loaded(NeverHappened(message), load) from None
        window["seen_s"] = round(self.clock(), 3)
        return last[0]

    def get(self, kind: str, name: str) -> Any:
        """Read an object of a watched kind now: give its view. Raises Failed where there is none."""
        try:
            raw = self._api.get(path_of(kind, None if kind == "Node" else self.namespace, name))
        except Refused as refusal:
            raise Failed(f"{kind.lower()}/{name}: {refusal}") from refusal
        return view(kind, raw, seen_s=self.clock())

    def pod(self, name: str) -> Pod:
        """Give a Pod to look at that no manifest of the lab names; Pods are watched from now on."""
        self._watches.follow("Pod")
        return Object("Pod", name)

    def node(self, name: str) -> Object[Any]:
        """Give a Node to look at; it is watched from now on."""
        self._watches.follow("Node")
        return Object("Node", name)

    def spare(self) -> Object[Any]:
        """Give the worker that claims with `takes_a_node` may take away; it is watched from now on."""
        spare = self.cluster.spare
        assert spare, "a claim that needs the spare node says so: takes_a_node=True"
        return self.node(spare.name)

    def pods(self, *, controlled_by: Object[Any] | None = None, **labels: str) -> Pods:
        """Give the Pods that an object controls, or that carry these labels, as one group."""
        if controlled_by is not None:
            return Pods(f"Pods of {controlled_by}", lambda pod: pod.controller == controlled_by.uid)
        return Pods(f"Pods with {labels}", lambda pod: labels.items() <= pod.labels.items())

    def endpoints(self, service: Object[Any]) -> Endpoints:
        """Give the endpoints of a Service to look at."""
        return Endpoints(service.name)

    def events(self, about: Object[Any], reason: str) -> list[EventView]:
        """Give the Events about an object that were seen so far; people's evidence, to be counted but not ordered."""
        seen = {v.uid: v for v in self.history.views(frozenset({"Event"})) if isinstance(v, EventView)}
        return [e for e in seen.values() if e.about == str(about) and e.reason == reason]

    def requests(
        self, pod: Pod | PodView, path: str = "", *, agent: str = "", previous: bool = False, container: str = ""
    ) -> list[Request]:
        """Read the instrument's log: what came to this path from agents that start so, oldest first.

        `previous` reads the log of the container's former instance. Raises NotSetUp where there is no whole log.
        """

        def whole() -> list[Request]:
            text = self._log(pod.name, container=container, previous=previous)
            lines = instrument.requests(text.splitlines(), epoch=self.epoch)
            if not lines or lines[0].event != instrument.FIRST:
                raise NotSetUp(f"the log of pod/{pod.name} is not there from its begin: {text[:200]!r}")
            return lines

        # While a container is replaced its log may be away for a moment, or the kubelet's apology stand in its place.
        lines = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(NotSetUp),
            stop=tenacity.stop_after_delay(LOG_S),
            wait=tenacity.wait_fixed(POLL_S),
            reraise=True,
        )(whole)
        return [r for r in lines if (not path or r.path == path) and r.agent.startswith(agent)]

    def ask(self, pod: Pod | PodView, path: str) -> dict[str, Any]:
        """GET from the instrument in a Pod; give the JSON that it answers. Raises NotSetUp for an error status."""
        status, text = self._reach("GET", pod.name, instrument.PORT, path)
        if status != HTTPStatus.OK:
            raise NotSetUp(f"GET pod/{pod.name} {path}: {status} {text[:200]}")
        answer: dict[str, Any] = json.loads(text)
        return answer

    def cgroup(self, pod: Pod | PodView, container: str = "") -> cgroup.Cgroup:
        """Read the cgroup of a Pod's container (its first one) from inside. Raises NotSetUp where it does not run."""
        into = ("-c", container) if container else ()
        result = self._kubectl("exec", pod.name, *into, "--", "sh", "-c", cgroup.SCRIPT)
        if result.rc:
            raise NotSetUp(f"no command can be run in pod/{pod.name}: {result.stderr.strip()[:200]}")
        try:
            return cgroup.read(result.stdout)
        except ValueError as half:
            raise NotSetUp(f"pod/{pod.name}: {half}") from half

    def start_of(self, pod: PodView, container: str) -> Act:
        """Give the moment at which a container started, cut to the second as the API has it.

        Raises NotSetUp where it does not run.
        """
        started_at = pod.container(container).started_at
        if started_at is None:
            raise NotSetUp(f"{pod}: {container} does not run")
        return Act(datetime.fromisoformat(started_at).timestamp() - self.epoch, f"start of {container} in {pod}")

    def fetch(
        self, client: Pod | PodView, url: str, n: int = 1, *, parallel: int = 1, timeout_s: float = 2.0
    ) -> list[Answer]:
        """Have the instrument in `client` open n new connections to a URL; give what each of them met."""
        query = urlencode({"url": url, "n": n, "parallel": parallel, "timeout_s": timeout_s})
        return instrument.answers(self.ask(client, f"/fetch?{query}"), epoch=self.epoch)

    def browse(self, url: str, *, accept: str = "") -> browser.Page:
        """GET a URL from the machine on which the labs run, as a person's browser does; give what came of it.

        `accept` is the format in which the answer is wanted: "application/yaml".
        """
        at_s, url, accept = self.clock(), self._saboteur.act(url), self._saboteur.act(accept)
        page = browser.get(url, accept=accept)
        self.evidence.acted(at_s, f"GET {url}{f' as {accept}' if accept else ''}: {page.outcome}")
        return page

    def answers(self, client: Pod | PodView, number: int = 1, *, since: Moment | None = None) -> list[Answer]:
        """Give what a background client of the instrument has met (since then), in the order of its connections.

        It was started by `lab.post(client, "/clients", url=..., every_s=0.1, timeout_s=1)`; they count from 1.
        """
        met = instrument.answers(self.ask(client, f"/clients/{number}"), epoch=self.epoch)
        return [answer for answer in met if since is None or answer.seen_s > since.seen_s]

    # -- the lab's own life ----------------------------------------------------------------------------------

    def begin(self) -> Lab:
        """Make the namespace. Raises Inconclusive where the API server does not answer."""
        self._api.post(
            "/api/v1/namespaces", {"metadata": {"name": self.namespace, "labels": {LABEL: self.cluster.name}}}
        )
        self._undo.callback(lambda: self._api.delete(f"/api/v1/namespaces/{self.namespace}"))
        config = yaml.safe_load(self.cluster.kubeconfig_path.read_text(encoding="utf-8"))
        self._kubeconfig.touch(mode=0o600)
        self._kubeconfig.write_text(yaml.safe_dump(_for_lab(config, self.namespace)), encoding="utf-8")
        self._undo.callback(self._kubeconfig.unlink)
        self._watches.follow("Event", "ServiceAccount")
        self._undo.callback(self._watches.stop)
        # A Pod that comes before its namespace's default ServiceAccount is refused.
        self.given(
            "the default ServiceAccount", Object[View]("ServiceAccount", "default"), until=lambda account: account
        )
        return self

    def close(self, *, keep: bool = False) -> None:
        """Stop looking and remove the namespace; `keep` leaves it for somebody to look around."""
        if keep:
            self._watches.stop()
            self._undo.pop_all()
        else:
            self._undo.close()
        for api in self._apis:
            api.close()

    def sabotaged(self, words: str) -> str:
        """Give the words of an act as the sabotage leaves them, for words that are not the lab's own."""
        return self._saboteur.act(words)

    def sabotaged_files(self, context: str, files: build_contexts.Files) -> build_contexts.Files:
        """Give the files of a build context as the sabotage leaves them."""
        return self._saboteur.files(context, files)

    def file(self, file: str, **words: str) -> Path:
        """Give the path of manifests/<file>, or of a copy with its placeholders filled, as the sabotage leaves it."""
        return self._files(file, **words)[1]

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
        if late := health.not_ready(nodes):
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

    # -- doors -----------------------------------------------------------------------------------------------

    def _connect(self) -> Api:
        # A connection for each watch: a stream that is cut off to end it takes only itself along.
        self._apis.append(Api(self.cluster.kubeconfig_path))
        return self._apis[-1]

    def _typed(self, line: str, stdin: str | None = None) -> Result:
        stdin = naming.in_text(self._saboteur.act(stdin), self.cluster.registry) if stdin else stdin
        line = self._line(line, stdin)
        if not line:
            return commands.LEFT_OUT
        result = self._kubectl(*shlex.split(line), stdin=stdin)
        if line.startswith("config "):
            self._current = _namespace_of(yaml.safe_load(self._kubeconfig.read_text(encoding="utf-8")))
        return result

    def _line(self, line: str, stdin: str | None = None) -> str:
        """Give a line for kubectl as it is typed: as the sabotage leaves it, and by the images' names here."""
        line = naming.in_text(self._saboteur.act(line), self.cluster.registry)
        self._stay_inside(scope.of_line(line, self.namespace, stdin, current=self._current))
        return line

    def _stay_inside(self, reach: str | None) -> None:
        """Let nothing reach further than the lab's namespace whose claim does not say so. Raises NotSetUp."""
        if reach and not self.claim.cluster_wide:
            raise NotSetUp(f"{reach}, but its claim does not say cluster_wide=True: it is not done")

    def _at_shell(self, line: str) -> Result:
        if not line:
            return commands.LEFT_OUT
        folder = self._kubeconfig.with_suffix("")
        if not folder.exists():
            folder.mkdir(mode=0o700)
            self.evidence.called(f"{folder}/", "")
            self._undo.callback(shutil.rmtree, folder, ignore_errors=True)
        path = os.pathsep.join((str(self.cluster.kubectl_path.parent), self._env["PATH"]))
        env, at_s = self._env | {"PATH": path, "TMPDIR": str(folder)}, self.clock()
        result = commands.run(["sh", "-c", line], env=env, timeout_s=KUBECTL_S, folder=folder)
        self.evidence.typed(at_s, result, line)
        return result

    def _files(self, file: str, **words: str) -> tuple[Path, Path]:
        """Give the paths of manifests/<file> as written and as sabotaged; the same one where no sabotage touches it."""
        words = {"NAMESPACE": self.namespace, "NODE": self.cluster.node.name} | words
        registry = self.cluster.registry
        objects = manifest_files.place(manifest_files.read(file), **words)
        text = manifest_files.path_of(file).read_text(encoding="utf-8")
        self.evidence.applied(f"manifests/{file}", naming.in_text(text, registry))
        sabotaged = self._saboteur.manifests(objects)
        as_written = self._file(file, self._here(objects), "as-written")
        return as_written, as_written if sabotaged is objects else self._file(file, self._here(sabotaged), "sabotaged")

    def _here(self, objects: list[manifest_files.Manifest]) -> list[manifest_files.Manifest]:
        """Give objects as they are applied here: by the images' names here, and marked as ours where they need it."""
        objects = naming.in_objects(objects, self.cluster.registry)
        self._stay_inside(scope.of_objects(objects, self.namespace))
        of_node = scope.of_node(objects)
        if of_node and not (self.claim.needs == "nodes" or self.claim.takes_a_node):
            raise NotSetUp(f'{of_node}, but its claim does not say needs="nodes": it is not applied')
        return [scope.marked(one, {LABEL: self.cluster.name}) for one in objects]

    def _file(self, file: str, objects: list[manifest_files.Manifest], how: str) -> Path:
        """Give the path of manifests/<file>, or of a copy beside the kubeconfig where these are not its objects."""
        if objects == manifest_files.read(file):
            return manifest_files.path_of(file)
        copy = self._kubeconfig.with_suffix(f".{how}.{Path(file).name}")
        copy.write_text(manifest_files.to_yaml(objects), encoding="utf-8")
        self.evidence.called(str(copy), f"manifests/{file}")
        self._undo.callback(lambda: copy.unlink(missing_ok=True))
        return copy

    def _kubectl(self, *words: str, stdin: str | None = None) -> Result:
        at_s = self.clock()
        result = commands.run([self.cluster.kubectl_path, *words], env=self._env, timeout_s=KUBECTL_S, stdin=stdin)
        self.evidence.typed(at_s, result)
        return result

    def _await_return(self, node: str) -> None:
        """Wait until a node is as before its machine froze. Raises Inconclusive where it does not come back."""

        def away() -> bool:
            seen = view("Node", self._api.get(path_of("Node", None, node)), seen_s=self.clock())
            assert isinstance(seen, NodeView)
            return seen.ready != "True" or any(taint.startswith("node.kubernetes.io/") for taint in seen.taints)

        def gave_up(_: tenacity.RetryCallState) -> NoReturn:
            raise Inconclusive(f"node/{node} is not back {RETURN_S:.0f} s after its machine went on")

        tenacity.Retrying(
            retry=tenacity.retry_if_result(bool),
            stop=tenacity.stop_after_delay(RETURN_S),
            wait=tenacity.wait_fixed(POLL_S),
            retry_error_callback=gave_up,
        )(away)

    def _tell(self, method: str, pod: Pod | PodView, port: int, path: str, body: dict[str, object]) -> Act:
        at = pod.name if port == instrument.PORT else f"{pod.name}:{port}"
        act = Act(self.clock(), self._saboteur.act(f"{method} pod/{at} {path} {json.dumps(body)}"))
        self.evidence.acted(act.seen_s, act.words)
        if not act.words:
            return act
        told = re.fullmatch(r"(\w+) pod/([^\s:]+)(?::(\d+))? (\S+) (.*)", act.words)
        assert told, f"a sabotage left an act that cannot be read: {act.words}"
        status, text = self._reach(told[1], told[2], int(told[3] or instrument.PORT), told[4], json.loads(told[5]))
        if status != HTTPStatus.OK:
            raise NotSetUp(f"{act.words}: {status} {text[:200]}")
        return act

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


def ready(count: int) -> Callable[[PodsView], bool]:
    """Say of a group of Pods that exactly so many are Ready and stay, and no other stays."""
    return lambda group: len(group.ready) == count == len(group.staying)


def _for_lab(config: dict[str, Any], namespace: str) -> dict[str, Any]:
    """Give a kubeconfig of one cluster for one namespace; cluster, user and context are all called "lab" there."""
    (cluster,), (user,) = config["clusters"], config["users"]
    context = {"cluster": "lab", "user": "lab", "namespace": namespace}
    return config | {
        "clusters": [cluster | {"name": "lab"}],
        "users": [user | {"name": "lab"}],
        "contexts": [{"name": "lab", "context": context}],
        "current-context": "lab",
    }


def _namespace_of(config: dict[str, Any]) -> str:
    """Give the namespace that a kubeconfig gives to what is typed without one."""
    contexts = {one["name"]: one["context"] for one in config["contexts"]}
    return str(contexts.get(config["current-context"], {}).get("namespace", "default"))


def _items(result: Result) -> list[dict[str, Any]]:
    """Read the objects that `kubectl apply -o json` printed: one object, or a List of them."""
    answer: dict[str, Any] = json.loads(result.stdout)
    return list(answer["items"]) if answer["kind"] == "List" else [answer]


def _short(seen: object) -> str:
    if isinstance(seen, list):
        return f"{len(seen)}: " + "; ".join(str(s) for s in seen[-5:])
    return str(seen)[:300]
