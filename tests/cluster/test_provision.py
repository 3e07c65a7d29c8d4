"""A run's cluster from asking to parting, on stand-ins for supply, engine, kind and images: who cleans up, and when."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from labkit import sample_images
from labkit.cluster import api_objects, engine_objects, lease, nodes, provision, removal
from labkit.cluster.lease import Lease
from labkit.cluster.own import OwnCluster
from labkit.cluster.provision import running
from labkit.progress import Progress
from labkit.supply import engine, loopback, providing
from labkit.trouble import CannotRun, Inconclusive

NAMES = {
    "localhost:1/labs/web:1": "localhost:1/labs/web:0123",
    "localhost:1/labs/guitar-practice:1": "localhost:1/labs/guitar-practice:0123",
}


class Machine:
    """Stands for all that is outside this process; remembers what was done, in order."""

    def __init__(self) -> None:
        self.did: list[str] = []
        self.image_ids = "sha256:1"
        self.ids: dict[str, str] = {}
        self.create: Callable[[OwnCluster], None] = lambda cluster: cluster.nodes_up.set()
        self.build: Callable[[], None] = lambda: None
        self.look: Callable[[], None] = lambda: None


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = Machine()

    def provide(kubernetes: str, **_: object) -> SimpleNamespace:
        tag = "v1.37.0" if kubernetes == "latest" else f"v{kubernetes}.0"
        return SimpleNamespace(
            kubernetes=tag, kind=Path("/bin/kind"), node_image=f"labs/node:{tag}", origin="built", python_base="python"
        )

    def build(*_: object) -> dict[str, str]:
        machine.build()
        machine.did.append("build")
        return NAMES

    def create(cluster: OwnCluster, *_: object, **__: object) -> None:
        machine.create(cluster)
        machine.did.append("create")

    def remove(held: Lease) -> None:
        machine.did.append("remove")
        held.forget()

    def does(what: str) -> Callable[..., None]:
        return lambda *_, **__: machine.did.append(what)

    monkeypatch.setattr(providing, "provide", provide)
    monkeypatch.setattr(engine, "ensure", lambda _: SimpleNamespace(here=False, cores=2, cgroup_v1=False))
    monkeypatch.setattr(loopback, "need", lambda *_: None)
    monkeypatch.setattr(sample_images, "build", build)
    monkeypatch.setattr(sample_images, "save", lambda _, path: path.touch())
    monkeypatch.setattr(provision, "_kind_config", lambda *_: Path("kind.yaml"))
    monkeypatch.setattr(provision, "_id", lambda name: machine.ids.get(name, machine.image_ids))
    monkeypatch.setattr(provision, "unpause", does("unpause"))
    monkeypatch.setattr(engine_objects, "remove_of_cluster", does("remove what labs left"))
    monkeypatch.setattr(api_objects, "delete", does("delete namespaces"))
    monkeypatch.setattr(nodes, "make_network", lambda _: [])
    monkeypatch.setattr(nodes, "all_run", lambda *_: True)
    monkeypatch.setattr(nodes, "all_there", lambda *_: True)
    monkeypatch.setattr(removal, "remove", remove)
    monkeypatch.setattr(OwnCluster, "create", create)
    monkeypatch.setattr(OwnCluster, "look", lambda _: machine.look())
    for name in ("wait_booted", "fetch_kubectl", "load_archive", "wait_ready", "establish_network", "export_logs"):
        monkeypatch.setattr(OwnCluster, name, does(name))
    return machine


def fail(error: BaseException) -> None:
    raise error


def test_a_run_has_a_cluster_of_the_version_asked_for_and_removes_it(machine: Machine, progress: Progress) -> None:
    with running("1.36", progress=progress) as cluster:
        assert cluster.kubernetes == "v1.36.0"
        assert cluster.images == NAMES
        assert cluster.phases.keys() >= {"cluster", "images", "save", "load", "ready", "network"}
        (record,) = lease.records()
        assert record.state == lease.RUNNING
        assert lease.take(record.cluster) is None
        assert "remove" not in machine.did
    assert machine.did[-1] == "remove"
    assert lease.records() == []


def test_the_lease_is_there_before_creation_starts(machine: Machine, progress: Progress) -> None:
    seen: list[str] = []

    def create(cluster: OwnCluster) -> None:
        seen.extend(record.state for record in lease.records())
        cluster.nodes_up.set()

    machine.create = create
    with running(None, progress=progress):
        assert seen == [lease.CREATING]


def test_images_build_while_the_cluster_is_made_and_load_when_its_nodes_run(
    machine: Machine, progress: Progress
) -> None:
    building, made = threading.Event(), threading.Event()

    def build() -> None:
        building.set()
        assert made.wait(5), "the cluster waits for the images"

    def create(cluster: OwnCluster) -> None:
        assert building.wait(5), "the images wait for the cluster"
        cluster.nodes_up.set()
        made.set()

    machine.build, machine.create = build, create
    with running(None, progress=progress):
        assert machine.did.index("load_archive") > machine.did.index("build")


@pytest.mark.parametrize("part", ["create", "build"])
def test_when_making_fails_what_was_made_is_removed(machine: Machine, progress: Progress, part: str) -> None:
    setattr(machine, part, lambda *_: fail(CannotRun("the reason")))
    with pytest.raises(CannotRun, match="the reason"), running(None, progress=progress):
        pytest.fail("there is no cluster")
    assert machine.did[-1] == "remove"
    assert lease.records() == []


def test_when_making_fails_the_nodes_logs_are_kept_before_the_nodes_go(machine: Machine, progress: Progress) -> None:
    machine.create = lambda _: fail(CannotRun("kind failed"))
    with pytest.raises(CannotRun, match="kind failed"), running(None, logs=Path("logs"), progress=progress):
        pass
    assert machine.did[-2:] == ["export_logs", "remove"]


def test_a_failing_build_does_not_wait_for_the_cluster(machine: Machine, progress: Progress) -> None:
    never = threading.Event()
    machine.create = lambda _: (never.wait(30), None)[1]
    machine.build = lambda: fail(CannotRun("the reason"))
    with pytest.raises(CannotRun, match="the reason"), running(None, progress=progress):
        pass
    never.set()


def test_a_wrong_version_ends_the_run_before_its_first_lab(machine: Machine, progress: Progress) -> None:
    machine.look = lambda: fail(CannotRun("the API server is v1.36.0"))
    with pytest.raises(CannotRun, match=r"v1\.36\.0"), running(None, progress=progress):
        pytest.fail("there is no cluster")
    assert machine.did[-1] == "remove"


def test_trouble_before_the_cluster_is_there_means_that_the_run_cannot_start(
    machine: Machine, progress: Progress
) -> None:
    machine.look = lambda: fail(Inconclusive("the API server did not answer"))
    with pytest.raises(CannotRun, match="did not answer"), running(None, progress=progress):
        pass


@pytest.mark.parametrize("error", [KeyboardInterrupt(), ZeroDivisionError()], ids=["Ctrl-C", "error"])
def test_a_cluster_goes_however_its_block_ends(machine: Machine, progress: Progress, error: BaseException) -> None:
    with pytest.raises(type(error)), running(None, progress=progress):
        raise error
    assert machine.did[-1] == "remove"


def test_an_interruption_while_it_is_being_made_removes_it_too(machine: Machine, progress: Progress) -> None:
    machine.look = lambda: fail(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt), running(None, progress=progress):
        pass
    assert machine.did[-1] == "remove"


def test_a_kept_cluster_is_used_again_by_the_next_run_and_stays_kept(machine: Machine, progress: Progress) -> None:
    with running(None, keep=True, progress=progress) as first:
        pass
    with running(None, progress=progress) as second:
        assert second.name == first.name
        assert machine.did.count("create") == 1
        assert machine.did.count("load_archive") == 1, "unchanged images were loaded again"
        assert {"unpause", "remove what labs left"} <= set(machine.did)
    (record,) = lease.records()
    assert record.kept


def test_a_kept_cluster_gets_images_that_have_changed(machine: Machine, progress: Progress) -> None:
    with running(None, keep=True, progress=progress):
        machine.image_ids = "sha256:2"
    with running(None, progress=progress):
        assert machine.did.count("load_archive") == 2
    (record,) = lease.records()
    assert record.images == {"localhost:1/labs/web:0123": "sha256:2"}


def test_what_another_checkout_has_loaded_stays_beside_what_this_one_loads(
    machine: Machine, progress: Progress, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(None, keep=True, progress=progress):
        pass
    monkeypatch.setitem(NAMES, "localhost:1/labs/web:1", "localhost:1/labs/web:4567")
    with running(None, progress=progress):
        assert machine.did.count("load_archive") == 2
    (record,) = lease.records()
    assert record.images.keys() == {"localhost:1/labs/web:0123", "localhost:1/labs/web:4567"}


@pytest.mark.parametrize(("theirs", "created"), [("sha256:node", 1), ("sha256:other", 2)])
def test_a_kept_cluster_is_known_by_its_node_image_and_not_by_that_images_name(
    machine: Machine, progress: Progress, theirs: str, created: int
) -> None:
    with running(None, keep=True, progress=progress):
        pass
    (record,) = lease.records()
    held = lease.take(record.cluster)
    assert held
    with held:
        held.update(node_image="renamed")
    machine.ids = {record.node_image: "sha256:node", "renamed": theirs}
    with running(None, progress=progress):
        assert machine.did.count("create") == created


def test_a_kept_cluster_of_another_version_is_not_used(machine: Machine, progress: Progress) -> None:
    with running("1.36", keep=True, progress=progress) as old:
        pass
    with running("1.37", progress=progress) as new:
        assert new.name != old.name
    assert machine.did.count("create") == 2
    assert [record.cluster for record in lease.records()] == [old.name]


@pytest.mark.parametrize(
    ("error", "inside", "said"),
    [
        (CannotRun("a node is not Ready"), 1, r"not Ready.*nox -s down removes it"),
        (Inconclusive("no answer to GET /version"), 0, r"no answer.*look at what lies between: a proxy"),
    ],
)
def test_a_kept_cluster_that_does_not_answer_stays_and_that_is_told(
    machine: Machine,
    progress: Progress,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    inside: int,
    said: str,
) -> None:
    with running(None, keep=True, progress=progress) as kept:
        pass
    machine.look = lambda: fail(error)
    monkeypatch.setattr(nodes, "execute", lambda *_: (inside, ""))
    with (
        pytest.raises(CannotRun, match=f"{kept.name} cannot be used and stays.*{said}"),
        running(None, progress=progress),
    ):
        pass
    (record,) = lease.records()
    assert (record.cluster, record.kept) == (kept.name, True)
    assert (machine.did.count("create"), machine.did.count("remove")) == (1, 0)


@pytest.mark.parametrize("elsewhere", [True, False], ids=["on another engine", "stopped"])
def test_a_kept_cluster_that_cannot_be_reached_stays_beside_a_new_one(
    machine: Machine, progress: Progress, monkeypatch: pytest.MonkeyPatch, elsewhere: bool
) -> None:
    with running(None, keep=True, progress=progress) as kept:
        pass
    if elsewhere:
        monkeypatch.setattr(nodes, "engine_id", lambda: "another one's id")
    else:
        monkeypatch.setattr(nodes, "all_run", lambda *_: False)
    monkeypatch.setattr(nodes, "all_there", lambda *_: not elsewhere)
    with running(None, progress=progress) as cluster:
        assert cluster.name != kept.name
    assert machine.did.count("create") == 2
    assert [record.cluster for record in lease.records()] == [kept.name]


def test_two_runs_side_by_side_have_a_cluster_each(machine: Machine, progress: Progress) -> None:
    with running(None, keep=True, progress=progress):
        pass
    with running(None, progress=progress) as one, running(None, progress=progress) as other:
        assert one.name != other.name
    assert machine.did.count("create") == 2


def test_a_named_cluster_is_shared_and_must_be_there(machine: Machine, progress: Progress) -> None:
    with running(None, keep=True, progress=progress) as kept:
        pass
    with (
        running(None, name=kept.name, progress=progress) as one,
        running(None, name=kept.name, progress=progress) as two,
    ):
        assert one.name == two.name == kept.name
    assert "unpause" not in machine.did, "somebody else's lab may have paused the node"
    with (
        pytest.raises(CannotRun, match="no kept cluster labs-0123abcd"),
        running(None, name="labs-0123abcd", progress=progress),
    ):
        pass


def test_of_a_cluster_that_cannot_be_removed_the_lease_stays(
    machine: Machine, progress: Progress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(removal, "remove", lambda _: fail(CannotRun("still there")))
    with running(None, progress=progress):
        pass
    assert len(lease.records()) == 1
    assert machine.did
