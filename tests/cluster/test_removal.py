"""Removal: what killed runs left goes, what somebody uses or kept stays, and an interruption waits."""

from __future__ import annotations

import os
import signal

import docker
import pytest
from docker.errors import DockerException

from labkit import interruption
from labkit.cluster import config, engine_objects, lease, nodes, removal
from labkit.cluster.lease import Lease
from labkit.progress import Progress
from labkit.trouble import CannotRun, Inconclusive


class Engine:
    """Stands for the container engine: node containers by cluster, and names that are reserved for ones to come."""

    def __init__(self) -> None:
        self.containers: dict[str, str] = {}
        """Name to cluster."""
        self.coming: list[str] = []
        """Names of containers that the engine still makes; each look at a name finishes one."""
        self.tidied: list[str] = []
        """Clusters whose labs' images and containers were removed."""
        self.networks: set[str] = set()
        self.stuck = False

    def has(self, cluster: str) -> None:
        self.networks.add(cluster)
        self.containers |= dict.fromkeys(config.node_names(config.read(), cluster), cluster)

    def of(self, cluster: str) -> list[str]:
        return [name for name, owner in self.containers.items() if owner == cluster]

    def all_there(self, cluster: str, names: tuple[str, ...]) -> bool:
        return set(self.of(cluster)) >= set(names)

    def remove(self, cluster: str) -> None:
        if not self.stuck:
            self.containers = {name: owner for name, owner in self.containers.items() if owner != cluster}

    def remove_network(self, cluster: str) -> None:
        assert not self.of(cluster), "a network goes after who is on it"
        assert cluster in self.tidied, "what ran beside the nodes may be on it"
        self.networks.discard(cluster)

    def name_is_free(self, name: str, cluster: str, _image: str) -> bool:
        if name in self.coming:
            self.coming.remove(name)
            self.containers[name] = cluster
        return name not in self.containers


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    fake = Engine()
    for name in ("of", "all_there", "remove", "remove_network", "name_is_free"):
        monkeypatch.setattr(nodes, name, getattr(fake, name))
    monkeypatch.setattr(engine_objects, "remove_of_cluster", fake.tidied.append)
    return fake


def grant(engine: Engine, state: str = lease.CREATING) -> Lease:
    held = lease.grant(kubernetes="v1.37.0", node_image="labs/node:1", origin="built", kind="/bin/kind")
    held.update(state=state)
    engine.has(held.record.cluster)
    return held


@pytest.mark.parametrize("state", [lease.CREATING, lease.RUNNING])
def test_what_a_killed_run_left_is_removed(engine: Engine, progress: Progress, lines: list[str], state: str) -> None:
    held = grant(engine, state)
    held.release()
    removal.remove_stale(progress)
    assert engine.containers == {}
    assert engine.networks == set()
    assert engine.tidied == [held.record.cluster]
    assert lease.records() == []
    assert f"removing {held.record.cluster}: left by a run that was killed" in lines[0]


@pytest.mark.parametrize("state", [lease.CREATING, lease.RUNNING, lease.KEPT])
def test_what_somebody_uses_is_left_alone(engine: Engine, progress: Progress, lines: list[str], state: str) -> None:
    held = grant(engine, state)
    removal.remove_stale(progress)
    removed, in_use, _ = removal.remove_all(progress)
    assert len(engine.of(held.record.cluster)) == 3
    assert removed == []
    assert in_use == [held.record]
    assert lines == []


def test_a_kept_cluster_outlives_the_next_run_but_not_down(engine: Engine, progress: Progress) -> None:
    held = grant(engine, lease.KEPT)
    held.release()
    removal.remove_stale(progress)
    assert len(engine.of(held.record.cluster)) == 3
    removed, in_use, _ = removal.remove_all(progress)
    assert (removed, in_use) == ([held.record], [])
    assert engine.containers == {}


def test_what_is_left_of_a_kept_cluster_goes_when_somebody_removed_a_node(engine: Engine, progress: Progress) -> None:
    held = grant(engine, lease.KEPT)
    held.release()
    del engine.containers[f"{held.record.cluster}-worker"]
    removal.remove_stale(progress)
    assert lease.records() == []
    assert engine.containers == {}


@pytest.mark.parametrize("state", [lease.RUNNING, lease.KEPT])
def test_what_another_engine_has_is_not_touched_by_way_of_this_one(
    engine: Engine, progress: Progress, lines: list[str], state: str
) -> None:
    held = grant(engine, state)
    held.update(engine="another one's id")
    held.release()
    engine.containers = {}
    removal.remove_stale(progress)
    assert removal.remove_all(progress) == ([], [], [held.record])
    assert (lease.records(), lines) == ([held.record], [])


@pytest.mark.parametrize("cluster", ["kind", "labs-0123abcd"])
def test_a_cluster_without_a_lease_of_ours_is_never_touched(engine: Engine, progress: Progress, cluster: str) -> None:
    engine.has(cluster)
    removal.remove_stale(progress)
    assert removal.remove_all(progress) == ([], [], [])
    assert len(engine.of(cluster)) == 3


def test_nodes_that_the_engine_still_makes_for_a_dead_client_are_waited_for(engine: Engine, progress: Progress) -> None:
    held = grant(engine)
    held.release()
    engine.containers = {}
    engine.coming = [f"{held.record.cluster}-worker2", f"{held.record.cluster}-control-plane"]
    removal.remove_stale(progress)
    assert engine.containers == {}
    assert engine.coming == []


def test_a_cluster_that_cannot_be_removed_keeps_its_lease(
    engine: Engine, progress: Progress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(removal, "REMOVE_S", 0.1)
    held = grant(engine, lease.RUNNING)
    held.release()
    engine.stuck = True
    with pytest.raises(CannotRun, match=f"the nodes of {held.record.cluster} are still there"):
        removal.remove_stale(progress)
    assert lease.records() == [held.record]
    assert lease.take(held.record.cluster) is not None, "still held after the failure"


def test_sigterm_ends_a_block_as_ctrl_c_does() -> None:
    before = signal.getsignal(signal.SIGTERM)
    try:
        interruption.end_in_order()
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)


def test_an_interruption_waits_for_what_must_be_done() -> None:
    done = []
    # A shell starts what is to run in the background with Ctrl-C ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):  # noqa: PT012  # the block is what is tried
            with interruption.held_off():
                os.kill(os.getpid(), signal.SIGINT)
                done.append("tidied up")
            done.append("went on")
        assert done == ["tidied up"]
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)


def test_an_engine_that_does_not_answer_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_: object) -> None:
        raise DockerException("Error while fetching server API version: No such file or directory")

    monkeypatch.setattr(docker, "from_env", fail)
    nodes.engine.cache_clear()
    with pytest.raises(Inconclusive, match="the container engine"):
        nodes.of("labs-0123abcd")
