"""How soon and how late: windows computed from a manifest's own numbers, with a stated slack.

The arithmetic follows the kubelet's probe worker (pkg/kubelet/prober/worker.go in Kubernetes 1.37): it ticks
every periodSeconds, skips ticks until initialDelaySeconds have passed since the container started, and decides
at the failureThreshold-th failure (successThreshold-th success) in a row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

SLACK_S = 10.0
"""Seconds that the kubelet, the API server and the watch may take, in all, on a machine that is not overloaded.

Measured on two idle cores with Kubernetes 1.37: 0.03 to 0.7 s from the deciding probe to the event and 0.3 to 2.5 s
more to the restart. A restart costs about a second of a core, so three tasks a core still leave it in time.
"""

BUSY = 3.0
"""Tasks per core that want to run from which on the slack grows, in proportion."""


EARLY_S = 1.0
"""Seconds by which an effect may seem early: the API cuts times to whole seconds."""

LOADED = 6.0
"""Tasks per core that want to run from which on lateness says nothing about Kubernetes."""

MOST_SLACK_S = 30.0
"""Seconds beyond which the slack grows no more; a run would rather be inconclusive than endless."""

MOST_LOADED = BUSY * MOST_SLACK_S / SLACK_S
"""Tasks per core from which on lateness says nothing about a sabotage either: the slack no longer grows with them.

Under a sabotage what is awaited never comes, and who is wrong about that accuses nobody. At 5 to 8 tasks per core, with
17 to 27 s of slack, 963 things that did come were 5.8 s later at most than their manifests allow.
"""


@dataclass(frozen=True)
class Window:
    """The seconds after an act in which its effect must be seen: not before `earliest_s`, not after `latest_s`."""

    earliest_s: float
    latest_s: float

    def __add__(self, other: Window) -> Window:
        return Window(self.earliest_s + other.earliest_s, self.latest_s + other.latest_s)

    def too_early_s(self, load: float) -> float:
        """Give the second before which the effect contradicts the manifest.

        Under load a late probe may be followed by a punctual one, so the side softens with the load, up to the load
        that makes it inconclusive.
        """
        return max(0.0, self.earliest_s - EARLY_S * max(1.0, min(load, LOADED) / BUSY))

    def too_late_s(self, load: float) -> float:
        """Give the second after which the effect is given up."""
        return self.latest_s + min(SLACK_S * max(1.0, load / BUSY), MOST_SLACK_S)


SOON = Window(0.0, 5.0)
"""For what a controller or the API does at once: a status, an EndpointSlice, a replacement's creation."""

START = Window(0.0, 30.0)
"""For Pods to become Ready whose image is on the node: scheduling, sandbox, start, first probe."""

BACK_OFF = Window(10.0, 15.0)
"""From a container's second exit to its next start: the first back-off, after which the kubelet looks again within 5 s.

Source: https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#restart-policy; 10.9 s with Kubernetes 1.37.
"""

EVICTED = Window(0.0, 25.0)
"""From too much on a node's disk to the end of the Pod: figures at most 10 s old, looked at every 10 s, 1 s to stop.

Source: the kubelet's monitoringInterval and immediateEvictionGracePeriodSeconds, containerd's stats_collect_period.
"""


NODE_LOST = Window(40.0, 55.0)
"""From the end of a node's machine to Ready Unknown: 50 s after the last of its signs, which come every 10 s.

The controller looks every 5 s. Source: kube-controller-manager's --node-monitor-grace-period (40 s before 1.32) and
--node-monitor-period; 47 s with Kubernetes 1.37.
"""


def probe_of(manifest: dict[str, Any], kind: str, container: int = 0) -> dict[str, Any]:
    """Give the probe ("livenessProbe", ...) of a Pod as the server keeps it, defaults filled in.

    Raises KeyError where the container has no such probe.
    """
    probe: dict[str, Any] = manifest["spec"]["containers"][container][kind]
    return probe


def first_probe(probe: dict[str, Any]) -> Window:
    """From the container's start to its first probe: not before the delay, at the next tick after it."""
    delay = float(probe.get("initialDelaySeconds", 0))
    return Window(delay, delay + float(probe["periodSeconds"]))


def probed(probe: dict[str, Any], times: int) -> Window:
    """From one probe to so many later."""
    seconds = times * float(probe["periodSeconds"])
    return Window(seconds, seconds)


def fails(probe: dict[str, Any], *, hangs: bool = False) -> Window:
    """From the fault of a running container to the probe's verdict that it failed.

    A fault that hangs adds the timeout to each probe, and a timeout longer than the period replaces it.
    """
    period, timeout = float(probe["periodSeconds"]), float(probe["timeoutSeconds"])
    threshold = int(probe["failureThreshold"])
    if not hangs:
        return Window((threshold - 1) * period, threshold * period)
    pace = max(period, timeout)
    return Window((threshold - 1) * pace + timeout, threshold * pace + timeout)


def succeeds(probe: dict[str, Any]) -> Window:
    """From the healing of a running container to the probe's verdict that it succeeded."""
    period, threshold = float(probe["periodSeconds"]), int(probe["successThreshold"])
    return Window((threshold - 1) * period, threshold * period)


def fails_from_start(probe: dict[str, Any], *, hangs: bool = False) -> Window:
    """From the container's start to the verdict, where the fault was there from the start."""
    delay = float(probe.get("initialDelaySeconds", 0))
    return Window(delay, delay) + fails(probe, hangs=hangs)


def stops(manifest: dict[str, Any], probe: dict[str, Any] | None = None) -> Window:
    """From the order to stop a container to its end: at once, or after the whole grace period.

    A liveness or startup probe's own terminationGracePeriodSeconds wins over the Pod's.
    """
    grace = (probe or {}).get("terminationGracePeriodSeconds")
    return Window(0.0, float(manifest["spec"]["terminationGracePeriodSeconds"] if grace is None else grace))


def kills(manifest: dict[str, Any]) -> Window:
    """From the order to stop a container that does not obey it to its end by force: the whole grace period."""
    grace = float(manifest["spec"]["terminationGracePeriodSeconds"])
    return Window(grace, grace)


def restarts(
    manifest: dict[str, Any], kind: str = "livenessProbe", *, container: int = 0, hangs: bool = False
) -> Window:
    """From the fault of a running container to its restart by the probe `kind`."""
    probe = probe_of(manifest, kind, container)
    return fails(probe, hangs=hangs) + stops(manifest, probe)


def restarts_from_start(manifest: dict[str, Any], kind: str = "livenessProbe", *, container: int = 0) -> Window:
    """From the start of a container that never answers to its restart by the probe `kind`."""
    probe = probe_of(manifest, kind, container)
    return fails_from_start(probe) + stops(manifest, probe)


def evicts(manifest: dict[str, Any], taint: str) -> Window:
    """From a taint of effect NoExecute on a node to the eviction of a Pod there that tolerates it for some seconds.

    Raises StopIteration where the Pod has no such toleration.
    """
    seconds = next(float(t["tolerationSeconds"]) for t in manifest["spec"]["tolerations"] if t.get("key") == taint)
    return Window(seconds, seconds)
