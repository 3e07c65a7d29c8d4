"""What the API says, frozen and printable: one view for each object at one moment.

Fields carry the API's own names in snake case; a field that the API leaves out is empty, False or None here,
so that predicates need no guards. `raw` is the object itself, for what a view has no field for.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class View:
    """Any object. `seen_s` is in seconds since the lab began; `gone` is True in its last view, when it was deleted."""

    seen_s: float
    kind: str
    name: str
    uid: str
    gone: bool
    labels: dict[str, str] = field(repr=False, hash=False)
    annotations: dict[str, str] = field(repr=False, hash=False)
    resource_version: str = field(repr=False)
    raw: dict[str, Any] = field(repr=False, hash=False, compare=False)

    @property
    def terminating(self) -> bool:
        """Whether the object is being deleted (deletionTimestamp is set)."""
        return "deletionTimestamp" in self.raw["metadata"]

    @property
    def owners(self) -> list[dict[str, Any]]:
        """The ownerReferences, as the API gives them."""
        return list(self.raw["metadata"].get("ownerReferences") or [])

    @property
    def controller(self) -> str | None:
        """The uid of the owner that controls this object, or None."""
        return next((o["uid"] for o in self.owners if o.get("controller")), None)

    def condition(self, type: str) -> dict[str, Any]:
        """Give the condition of that type as the API gives it, {} where there is none."""
        return next((c for c in self._status.get("conditions") or [] if c["type"] == type), {})

    @property
    def _status(self) -> dict[str, Any]:
        return self.raw.get("status") or {}

    def __str__(self) -> str:
        return f"{self.kind.lower()}/{self.name}{self._state()}"

    def _state(self) -> str:
        return " gone" if self.gone else ""


@dataclass(frozen=True)
class ContainerView:
    """One entry of status.containerStatuses. `state` is "waiting", "running" or "terminated"."""

    name: str
    ready: bool
    started: bool
    restart_count: int
    container_id: str
    image: str
    state: str
    reason: str | None
    exit_code: int | None
    last_exit_code: int | None
    last_reason: str | None
    started_at: str | None


@dataclass(frozen=True)
class PodView(View):
    """A Pod. `ready` is its condition Ready, `ready_reason` that condition's reason."""

    @property
    def phase(self) -> str:
        return "Absent" if self.gone else str(self._status.get("phase", "Unknown"))

    @property
    def ready(self) -> bool:
        return not self.gone and self.condition("Ready").get("status") == "True"

    @property
    def ready_reason(self) -> str:
        return str(self.condition("Ready").get("reason", ""))

    @property
    def restart_count(self) -> int:
        """Restarts of all containers together."""
        return sum(c.restart_count for c in self.containers)

    @property
    def containers(self) -> tuple[ContainerView, ...]:
        return tuple(_container(s) for s in self._status.get("containerStatuses") or [])

    @property
    def node(self) -> str | None:
        node: str | None = self.raw["spec"].get("nodeName")
        return node

    @property
    def ip(self) -> str | None:
        ip: str | None = self._status.get("podIP")
        return ip

    def container(self, name: str) -> ContainerView:
        """Give the container of that name; one without status yet is waiting, not ready, never restarted."""
        for view in self.containers:
            if view.name == name:
                return view
        return _container({"name": name})

    def _state(self) -> str:
        if self.gone:
            return " gone"
        words = [f"ready={self.ready}", f"restartCount={self.restart_count}"]
        words += [f"{c.name}: {c.reason}" for c in self.containers if c.state != "running" and c.reason]
        if len(self.containers) > 1:
            words += [f"{c.name}: not ready" for c in self.containers if c.state == "running" and not c.ready]
            words += [f"{c.name}: restarted" for c in self.containers if c.restart_count]
        if self.terminating:
            words.append("terminating")
        return f" {self.phase} " + " ".join(words)


@dataclass(frozen=True)
class ReplicasView(View):
    """A ReplicaSet, Deployment or StatefulSet: what is asked for and what its status counts."""

    @property
    def wanted(self) -> int:
        return int(self.raw["spec"].get("replicas", 0))

    @property
    def replicas(self) -> int:
        return int(self._status.get("replicas", 0))

    @property
    def ready_replicas(self) -> int:
        return int(self._status.get("readyReplicas", 0))

    @property
    def terminating_replicas(self) -> int | None:
        """status.terminatingReplicas; None where the server does not count them."""
        return self._status.get("terminatingReplicas")

    @property
    def observed(self) -> bool:
        """Whether the controller has seen the newest spec."""
        return int(self._status.get("observedGeneration", 0)) >= int(self.raw["metadata"].get("generation", 0))

    def _state(self) -> str:
        if self.gone:
            return " gone"
        return f" replicas={self.replicas}/{self.wanted} readyReplicas={self.ready_replicas}"


@dataclass(frozen=True)
class Endpoint:
    """One address of a Service: the Pod behind it and the three conditions of its EndpointSlice."""

    pod: str
    ip: str
    ready: bool
    serving: bool
    terminating: bool


@dataclass(frozen=True)
class SliceView(View):
    """An EndpointSlice."""

    @property
    def service(self) -> str | None:
        return self.labels.get("kubernetes.io/service-name")

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        return tuple(_endpoint(e) for e in self.raw.get("endpoints") or [])

    def _state(self) -> str:
        return " gone" if self.gone else f" {_endpoints(self.endpoints)}"


@dataclass(frozen=True)
class EventView(View):
    """An Event: evidence for people. Labs may look at `reason`, never at `message`."""

    @property
    def about(self) -> str:
        about = self.raw.get("involvedObject") or {}
        return f"{str(about.get('kind', '')).lower()}/{about.get('name', '')}"

    @property
    def reason(self) -> str:
        return str(self.raw.get("reason", ""))

    @property
    def message(self) -> str:
        return str(self.raw.get("message", ""))

    @property
    def count(self) -> int:
        return int((self.raw.get("series") or {}).get("count") or self.raw.get("count") or 1)

    def _state(self) -> str:
        times = f" x{self.count}" if self.count > 1 else ""
        return f" {self.about} {self.reason}{times}: {self.message}"


@dataclass(frozen=True)
class NodeView(View):
    """A Node. `ready` is its condition Ready: "True", "False" or "Unknown"."""

    @property
    def ready(self) -> str:
        return str(self.condition("Ready").get("status", "Unknown"))

    @property
    def taints(self) -> tuple[str, ...]:
        """Keys of the taints with their effects: "node.kubernetes.io/unreachable:NoExecute"."""
        return tuple(f"{t['key']}:{t['effect']}" for t in self.raw["spec"].get("taints") or [])

    def _state(self) -> str:
        return f" Ready={self.ready} taints={','.join(self.taints) or 'none'}"


@dataclass(frozen=True)
class PodsView:
    """The Pods of a group at one moment: those that exist, in the order of their names."""

    seen_s: float
    pods: tuple[PodView, ...]

    @property
    def uids(self) -> frozenset[str]:
        return frozenset(p.uid for p in self.pods)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(p.name for p in self.pods)

    @property
    def ready(self) -> tuple[PodView, ...]:
        """Those that are Ready and not being deleted."""
        return tuple(p for p in self.pods if p.ready and not p.terminating)

    @property
    def staying(self) -> tuple[PodView, ...]:
        """Those that are not being deleted."""
        return tuple(p for p in self.pods if not p.terminating)

    def __len__(self) -> int:
        return len(self.pods)

    def __str__(self) -> str:
        return f"{len(self.pods)} Pods: " + ("; ".join(str(p) for p in self.pods) or "none")


@dataclass(frozen=True)
class EndpointsView:
    """The endpoints of a Service at one moment, over all its EndpointSlices."""

    seen_s: float
    service: str
    endpoints: tuple[Endpoint, ...]

    @property
    def ready(self) -> tuple[str, ...]:
        """Names of the Pods whose endpoint is ready, sorted."""
        return tuple(sorted(e.pod for e in self.endpoints if e.ready))

    @property
    def serving(self) -> tuple[str, ...]:
        """Names of the Pods whose endpoint serves, be it ready or terminating, sorted."""
        return tuple(sorted(e.pod for e in self.endpoints if e.serving))

    def of(self, pod: str) -> Endpoint | None:
        """Give a Pod's endpoint, None where the Service has none for it."""
        return next((e for e in self.endpoints if e.pod == pod), None)

    def __str__(self) -> str:
        return f"endpoints of service/{self.service}: {_endpoints(self.endpoints)}"


_KINDS: dict[str, type[View]] = {
    "Pod": PodView,
    "ReplicaSet": ReplicasView,
    "Deployment": ReplicasView,
    "StatefulSet": ReplicasView,
    "EndpointSlice": SliceView,
    "Event": EventView,
    "Node": NodeView,
}


def view(kind: str, raw: dict[str, Any], *, seen_s: float, gone: bool = False) -> View:
    """Give the view of an object as the API answered it (`raw`, JSON)."""
    meta = raw["metadata"]
    return _KINDS.get(kind, View)(
        seen_s=seen_s,
        kind=kind,
        name=meta["name"],
        uid=meta.get("uid", ""),
        gone=gone,
        labels=dict(meta.get("labels") or {}),
        annotations=dict(meta.get("annotations") or {}),
        resource_version=meta.get("resourceVersion", ""),
        raw=raw,
    )


def _container(status: dict[str, Any]) -> ContainerView:
    state, now = next(iter((status.get("state") or {"waiting": {}}).items()))
    last = (status.get("lastState") or {}).get("terminated") or {}
    return ContainerView(
        name=status["name"],
        ready=bool(status.get("ready")),
        started=bool(status.get("started")),
        restart_count=int(status.get("restartCount", 0)),
        container_id=status.get("containerID", ""),
        image=status.get("image", ""),
        state=state,
        reason=now.get("reason"),
        exit_code=now.get("exitCode"),
        last_exit_code=last.get("exitCode"),
        last_reason=last.get("reason"),
        started_at=now.get("startedAt"),
    )


def _endpoint(endpoint: dict[str, Any]) -> Endpoint:
    conditions = endpoint.get("conditions") or {}
    # Source: discovery/v1, types.go: an unknown "ready" is to be taken for true, an unknown "serving" for "ready".
    ready = conditions.get("ready") is not False
    serving = conditions.get("serving")
    return Endpoint(
        pod=(endpoint.get("targetRef") or {}).get("name", ""),
        ip=endpoint["addresses"][0],
        ready=ready,
        serving=ready if serving is None else bool(serving),
        terminating=bool(conditions.get("terminating")),
    )


def _endpoints(endpoints: tuple[Endpoint, ...]) -> str:
    return ", ".join(f"{e.pod or e.ip} ready={e.ready}" for e in sorted(endpoints, key=lambda e: e.pod)) or "none"
