"""The nodes as the engine has them: containers with kind's label, to run in, pause, stop and remove; their network."""

from __future__ import annotations

import contextlib
import functools
import re
from collections.abc import Iterator, Sequence
from ipaddress import IPv4Network
from typing import Any

import docker
import requests
import tenacity
from docker.errors import APIError, DockerException, NotFound

from labkit.cluster import marks
from labkit.cluster.threads import at_once
from labkit.supply import endpoint
from labkit.trouble import CannotRun, Inconclusive

CLUSTER_LABEL = "io.x-k8s.kind.cluster"
"""kind's mark on a node's container, with the cluster's name. Source: kind v0.33.0, providers/docker/constants.go."""

PROFILE_LABEL = "name.minikube.sigs.k8s.io"
"""minikube's mark on containers, volumes and networks. Source: minikube v1.38.1, pkg/drivers/kic/oci/types.go.

Its value is the profile's name on some and the node's on others, so that it is told by their own names whose they are.
"""

MASQUERADE, MTU = "com.docker.network.bridge.enable_ip_masquerade", "com.docker.network.driver.mtu"
"""The options that kind gives to the network that it makes. Source: kind v0.33.0, providers/docker/network.go."""

PAUSE_S = 10
"""Seconds in which pausing a node is tried again; on a busy machine with cgroup v1 one attempt in some twenty fails."""

READ_TIMEOUT_S = 120
"""Seconds an answer of the engine may take; removing a node on a busy machine took 10."""


@functools.cache
def engine() -> docker.DockerClient:
    """Give this process's connection to the engine that kind uses too. Raises Inconclusive where none answers."""
    with answering():
        return endpoint.connect(READ_TIMEOUT_S)


@contextlib.contextmanager
def answering() -> Iterator[None]:
    """Turn what goes wrong between this process and the engine into one sentence. Raises Inconclusive."""
    try:
        yield
    except (DockerException, requests.RequestException) as error:
        why = error.explanation if isinstance(error, APIError) and error.explanation else error
        raise Inconclusive(f"the container engine did not do what was asked of it: {why}") from error


def of(cluster: str) -> list[dict[str, Any]]:
    """List a cluster's node containers, whatever their state, also those still being made: the engine's own JSON."""
    with answering():
        made: list[dict[str, Any]] = engine().api.containers(all=True, filters={"label": f"{CLUSTER_LABEL}={cluster}"})
        made += engine().api.containers(
            all=True, filters={"label": PROFILE_LABEL, "name": f"^/?{_minikubes(cluster)}$"}
        )
    return made


def _minikubes(profile: str) -> str:
    """Give a pattern for the names of what minikube makes for a profile: its nodes, and helpers in making them."""
    return rf"{profile}(-m\d+)?(-preload-sidecar)?"


def names(cluster: str) -> list[str]:
    """Name a cluster's nodes, in whatever state they are."""
    return [one["Names"][0].removeprefix("/") for one in of(cluster)]


@functools.cache
def engine_id() -> str:
    """Give the engine's own id, which stays with its images and containers. Raises Inconclusive."""
    with answering():
        return str(engine().info().get("ID", ""))


def all_there(cluster: str, names: Sequence[str]) -> bool:
    """Tell whether every node of these names has a container, in whatever state."""
    return {one["Names"][0].removeprefix("/") for one in of(cluster)} >= set(names)


def all_run(cluster: str, names: Sequence[str]) -> bool:
    """Tell whether every node of these names has a container that was started and not stopped (a paused one counts)."""
    alive = {one["Names"][0].removeprefix("/") for one in of(cluster) if one["State"] in ("running", "paused")}
    return alive >= set(names)


def execute(node: str, script: str) -> tuple[int, str]:
    """Run a bash script in a node; give its exit code and what it wrote."""
    with answering():
        code, output = engine().containers.get(node).exec_run(["bash", "-c", script])
    assert isinstance(output, bytes)
    return code or 0, output.decode(errors="replace")


def cpu_s(names: Sequence[str]) -> dict[str, float]:
    """Give the CPU seconds that the nodes, and all that runs on them, have used so far, by name; not of unread ones.

    Read inside each node, whose cgroup is the root of what it sees: an engine whose containerd was killed and started
    again answered 0 for all of them.
    """
    script = "cat /sys/fs/cgroup/cpu.stat 2>/dev/null || cat /sys/fs/cgroup/cpuacct/cpuacct.usage"
    told = zip(names, at_once(lambda name: execute(name, script), names), strict=True)
    return {name: _seconds(text) for name, (code, text) in told if code == 0}


def _seconds(text: str) -> float:
    """Read a cgroup's CPU seconds: `usage_usec 8003294` of version 2, `8003294701` (nanoseconds) of version 1."""
    if found := re.search(r"^usage_usec (\d+)$", text, re.MULTILINE):
        return int(found[1]) / 1e6
    return int(text) / 1e9


def pause(node: str) -> None:
    """Freeze a node and all that runs on it; a paused one stays so."""
    # On cgroup v1 it is a game of chances: a process that is just being started on the node keeps it from freezing.
    trying = tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(APIError), stop=tenacity.stop_after_delay(PAUSE_S), reraise=True
    )
    with answering():
        container = engine().containers.get(node)
        if container.status != "paused":
            trying(container.pause)


def unpause(node: str) -> None:
    """Let a paused node go on where it was; one that is not paused is left alone."""
    with answering():
        container = engine().containers.get(node)
        if container.status == "paused":
            container.unpause()


def remove(cluster: str) -> None:
    """Remove a cluster's node containers with their volumes; what is gone already, or going, is no error."""

    def one(container: dict[str, Any]) -> None:
        try:
            engine().api.remove_container(container["Id"], v=True, force=True)
        except NotFound:
            pass
        except APIError as error:
            if error.status_code != requests.codes.conflict:  # 409: its removal is under way
                raise

    with answering():
        at_once(one, of(cluster))


def make_network(cluster: str) -> list[IPv4Network]:
    """Make the engine's network for a cluster's nodes, and give the addresses that they get there.

    kind's own network is for all clusters of a machine, and stays when they are gone.
    Raises: CannotRun where the engine has no addresses left.
    """
    with answering(), _no_addresses_left():
        networks = engine().networks
        # As kind does: a machine whose packets are smaller than usual says so at the network that every engine has.
        options = {MASQUERADE: "true"}
        for usual in networks.list(names=["bridge"]):
            if usual.name == "bridge" and MTU in (usual.attrs["Options"] or {}):
                options[MTU] = usual.attrs["Options"][MTU]
        made = networks.create(cluster, driver="bridge", options=options, labels={marks.CLUSTER_LABEL: cluster})
        made.reload()
    return [IPv4Network(pool["Subnet"]) for pool in made.attrs["IPAM"]["Config"] or [] if ":" not in pool["Subnet"]]


@contextlib.contextmanager
def _no_addresses_left() -> Iterator[None]:
    try:
        yield
    except APIError as error:
        if "address pool" not in str(error.explanation):
            raise
        raise CannotRun(
            "the engine has no addresses left for another network: `docker network prune` removes those that nothing"
            " uses, and default-address-pools in its daemon.json gives it more"
        ) from error


def remove_network(cluster: str) -> None:
    """Remove the network of a cluster or a minikube profile, whose nodes must be gone."""
    with answering():
        for network in engine().networks.list(names=[cluster]):
            if network.name == cluster:
                with contextlib.suppress(NotFound):
                    network.remove()


def remove_volumes(profile: str) -> None:
    """Remove the volumes that minikube leaves beside a profile's containers, which must be gone."""
    with answering():
        for volume in engine().volumes.list(filters={"label": PROFILE_LABEL}):
            if re.fullmatch(_minikubes(profile), volume.name):
                with contextlib.suppress(NotFound):
                    volume.remove()


def name_is_free(name: str, cluster: str, image: str) -> bool:
    """Tell whether no container has this node's name nor is being made under it.

    The engine goes on with a creation whose client was killed, and reserves the name before it does anything else.
    So whoever gets the name, for a moment, knows that nothing is under way.
    """
    with answering():
        try:
            # The label is for the case that this process is killed between the two.
            claim = engine().api.create_container(image, "true", name=name, labels={CLUSTER_LABEL: cluster})
            engine().api.remove_container(claim["Id"])
        except NotFound:  # no such image: nothing can be made from it either
            return True
        except APIError as error:
            if error.status_code != requests.codes.conflict:
                raise
            return False
    return True
