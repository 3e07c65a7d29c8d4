"""What a lab sees: states that were watched, what is asked again and again, logs, cgroups, answers over HTTP."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import urlencode

import tenacity

from labkit.claims.budgets import SOON, START, Window
from labkit.lab import browser, cgroup, instrument
from labkit.lab.errors import Failed, NotSetUp
from labkit.lab.instrument import Answer, Request
from labkit.lab.place import POLL_S, Place
from labkit.observe.api import Refused
from labkit.observe.history import (
    Act,
    Endpoints,
    Moment,
    NeverHappened,
    Object,
    Pod,
    Pods,
    Subject,
)
from labkit.observe.views import EventView, PodView, view
from labkit.observe.watch import path_of

T = TypeVar("T")

LATE_POLL_S = 1.0
"""Seconds between two looks once it is late. A sabotaged lab looks for what never comes until all slack is over."""

LOG_S = 10.0
"""Seconds that a container's log may be away while the kubelet replaces the container."""


class Looks(Place):
    """The words of a lab that change nothing."""

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

        def pause(_: tenacity.RetryCallState) -> float:
            return POLL_S if self.clock() - from_s < within.latest_s else LATE_POLL_S

        def out_of_time(_: tenacity.RetryCallState) -> bool:
            return self.clock() - from_s > within.too_late_s(self._load.since(self._began + from_s))

        try:
            tenacity.Retrying(
                retry=tenacity.retry_if_result(lambda done: not done),
                stop=out_of_time,
                wait=pause,
            )(once)
        except tenacity.RetryError:
            load = self._load.since(self._began + from_s)
            message = f"{goal}: not within {self.clock() - from_s:.0f} s\n  last seen: {_short(last[0])}"
            raise self.history.unless_loaded(NeverHappened(message), load) from None
        window["seen_s"] = round(self.clock(), 3)
        return last[0]

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

    def ready(self, *pods: Pod) -> Any:
        """Wait until these Pods are Ready, as a given: give their views. Raises NotSetUp where they are not in time."""
        names = " and ".join(str(p) for p in pods)
        return self.given(f"{names} Ready", *pods, until=lambda *views: all(v.ready for v in views), within=START)

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

        `previous` reads the log of the container's first instance, while that is its former one. Raises NotSetUp where
        there is no whole log.
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
        if previous and (times := self._restarts(pod.name, container)) > 1:
            raise NotSetUp(f"pod/{pod.name} was restarted {times} times before its first log could be read")
        return [r for r in lines if (not path or r.path == path) and r.agent.startswith(agent)]

    def _restarts(self, pod: str, container: str) -> int:
        """Count the restarts of a container, the only one where none is named, as the server knows them now."""
        now: PodView = self.get("Pod", pod)
        return now.container(container).restart_count if container else now.restart_count

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


def _short(seen: object) -> str:
    if isinstance(seen, list):
        return f"{len(seen)}: " + "; ".join(str(s) for s in seen[-5:])
    return str(seen)[:300]
