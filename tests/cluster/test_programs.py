"""Another program in place of a cluster's own, on nodes that are a stand-in: what is done there, and what is undone."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import pytest
import yaml

from labkit.cluster import LabCluster, commands, nodes, programs
from labkit.progress import Progress
from labkit.trouble import CannotRun, Inconclusive

NODES = ["c-control-plane", "c-worker"]
MANIFEST: dict[str, Any] = {
    "kind": "Pod",
    "spec": {
        "containers": [{"name": "kube-scheduler", "volumeMounts": [{"name": "config", "mountPath": "/etc"}]}],
        "volumes": [{"name": "config", "hostPath": {"path": "/etc"}}],
    },
}


class Machine:
    """Stands for the nodes: which program each one runs, its own or another, and the static Pods' files."""

    def __init__(self) -> None:
        self.did: list[tuple[str, str]] = []
        self.manifest = dict(MANIFEST)
        self.runs = "own"
        self.dies = False
        self.fails = ""
        """Words of the scripts that fail."""

    def execute(self, node: str, script: str) -> tuple[int, str]:
        self.did.append((node, script))
        if self.fails and self.fails in script:
            return 1, "deadline exceeded"
        if script.startswith("cat /etc/kubernetes/manifests/"):
            return 0, yaml.safe_dump(self.manifest)
        if "printf %s " in script:
            self.manifest = yaml.safe_load(script.partition("printf %s ")[2].partition(" > ")[0].strip("'"))
            self.runs = "other" if "labs-program" in str(self.manifest) else "own"
        if script.startswith("systemctl stop kubelet"):
            self.runs = "other" if "mount --bind" in script else "own"
        if script.startswith("for exe"):
            return 0, "" if self.dies else f"{self.runs}\n"
        return 0, ""

    def kubectl(self, *words: str, **_: object) -> commands.Result:
        self.did.append(("kubectl", " ".join(words)))
        return commands.Result(words, 0, "", "", 0.0)

    def scripts(self, words: str) -> list[str]:
        return [node for node, script in self.did if words in script]


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = Machine()

    class Container:
        def put_archive(self, folder: str, content: bytes) -> None:
            machine.did.append((folder, f"copy of {len(content)}"))

    class Engine:
        containers = type("Containers", (), {"get": staticmethod(lambda _: Container())})

    monkeypatch.setattr(nodes, "execute", machine.execute)
    monkeypatch.setattr(nodes, "names", lambda _: NODES)
    monkeypatch.setattr(nodes, "engine", Engine)
    monkeypatch.setattr(LabCluster, "kubectl", lambda _, *words, **more: machine.kubectl(*words, **more))
    monkeypatch.setattr(programs, "RUNS_S", 0.05)
    return machine


@pytest.fixture
def cluster(tmp_path: Path) -> LabCluster:
    return LabCluster("c", folder=tmp_path, kind_path=tmp_path, image="i", kubernetes="v1.37.2", origin="here")


@pytest.fixture
def binary(tmp_path: Path) -> Path:
    path = tmp_path / "binary"
    path.write_text("other")
    return path


def test_a_pod_gets_a_program_from_the_node_and_its_own_back() -> None:
    covered = programs.covered(MANIFEST, "kube-scheduler")
    (mount,) = [m for m in covered["spec"]["containers"][0]["volumeMounts"] if m["name"] != "config"]
    (volume,) = [v for v in covered["spec"]["volumes"] if v["name"] != "config"]
    assert mount == {"name": volume["name"], "mountPath": "/usr/local/bin/kube-scheduler", "readOnly": True}
    assert volume["hostPath"] == {"path": f"{programs.FOLDER}/kube-scheduler", "type": "File"}
    assert programs.covered(covered, "kube-scheduler") == covered
    assert programs.uncovered(covered) == MANIFEST
    bare = {"spec": {"containers": [{"name": "one"}]}}
    assert programs.uncovered(bare) == bare


def test_a_kubelet_is_exchanged_on_all_nodes_and_put_back(machine: Machine, cluster: LabCluster, binary: Path) -> None:
    with programs.exchanged(cluster, "kubelet", binary):
        assert sorted(machine.scripts("mount --bind")) == NODES
        assert (cluster.path / "exchanged").read_text() == "kubelet"
        machine.did.clear()
    assert sorted(machine.scripts("umount /usr/bin/kubelet")) == NODES
    assert sorted(machine.scripts(f"rm -rf {programs.FOLDER}")) == NODES
    assert not (cluster.path / "exchanged").exists()


def test_a_static_pod_is_exchanged_on_the_control_plane(machine: Machine, cluster: LabCluster, binary: Path) -> None:
    with programs.exchanged(cluster, "kube-scheduler", binary):
        assert machine.manifest == programs.covered(MANIFEST, "kube-scheduler")
    assert machine.manifest == MANIFEST
    assert {node for node, _ in machine.did if node in NODES} == {"c-control-plane"}


def test_nobody_waits_for_the_static_pod_that_goes(machine: Machine, cluster: LabCluster, binary: Path) -> None:
    with programs.exchanged(cluster, "kube-scheduler", binary):
        (script,) = [script for _, script in machine.did if "printf" in script]
        steps = [
            "trap 'systemctl start kubelet' EXIT",
            "stop kubelet ||",
            "--label component=kube-scheduler",
            "rmp",
            "mv",
        ]
        assert sorted(steps, key=script.index) == steps


def test_what_watched_an_api_server_starts_anew_on_each_node(
    machine: Machine, cluster: LabCluster, binary: Path
) -> None:
    with programs.exchanged(cluster, "kube-apiserver", binary):
        assert machine.scripts("get --raw /readyz") == ["kubectl"]
        assert sorted(machine.scripts("kube-proxy|coredns")) == NODES
    assert sorted(machine.scripts("kube-proxy|coredns")) == sorted(NODES * 2)
    with programs.exchanged(cluster, "kube-scheduler", binary):
        pass
    assert sorted(machine.scripts("kube-proxy|coredns")) == sorted(NODES * 2)


def test_an_api_server_that_does_not_get_ready_is_told(
    machine: Machine, cluster: LabCluster, binary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter(range(1000))

    def kubectl(*words: str, **_: object) -> commands.Result:
        return commands.Result(words, 1 if next(answers) == 0 else 0, "", "it starts", 0.0)

    monkeypatch.setattr(programs, "RUNS_S", 0.0)
    monkeypatch.setattr(machine, "kubectl", kubectl)
    with (
        pytest.raises(programs.ProgramDoesNotRun, match="does not get ready: kubectl get --raw /readyz: it starts"),
        programs.exchanged(cluster, "kube-apiserver", binary),
    ):
        pytest.fail("it was said to run")
    assert machine.manifest == MANIFEST


def test_a_node_that_does_not_do_what_it_should_is_told_and_the_cluster_stays_marked(
    machine: Machine, cluster: LabCluster, binary: Path
) -> None:
    machine.fails = "rmp --force"
    own = "deadline exceeded; its own kube-scheduler is not back: nox -s down removes the cluster"
    with pytest.raises(CannotRun, match=own), programs.exchanged(cluster, "kube-scheduler", binary):
        pytest.fail("it was said to run")
    with pytest.raises(CannotRun, match="another kube-scheduler on c: nox -s up puts its own back"):
        programs.refuse_exchanged(cluster)


def test_a_node_that_does_not_take_another_program_has_its_own(
    machine: Machine, cluster: LabCluster, binary: Path
) -> None:
    machine.fails = "mount --bind"
    with (
        pytest.raises(Inconclusive, match="did not do what was asked of it: deadline exceeded"),
        programs.exchanged(cluster, "kubelet", binary),
    ):
        pytest.fail("it was said to run")
    assert machine.runs == "own"
    programs.refuse_exchanged(cluster)


def test_a_program_that_does_not_run_is_told_and_taken_away(
    machine: Machine, cluster: LabCluster, binary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = programs._wait_for

    def wait(where: list[str], program: str, wanted: Literal["own", "other"]) -> None:
        machine.dies = wanted == "other"
        seen(where, program, wanted)

    monkeypatch.setattr(programs, "_wait_for", wait)
    with (
        pytest.raises(
            programs.ProgramDoesNotRun, match="kube-scheduler that was put in place does not run on c-control"
        ),
        programs.exchanged(cluster, "kube-scheduler", binary),
    ):
        pytest.fail("it was said to run")
    assert machine.manifest == MANIFEST
    assert not (cluster.path / "exchanged").exists()


def test_a_cluster_whose_own_program_does_not_come_back_stays_marked(
    machine: Machine, cluster: LabCluster, binary: Path
) -> None:
    with (
        pytest.raises(CannotRun, match="nox -s down removes the cluster"),
        programs.exchanged(cluster, "kubelet", binary),
    ):
        machine.dies = True
    with pytest.raises(CannotRun, match=r"another kubelet on c: nox -s up puts its own back"):
        programs.refuse_exchanged(cluster)


def test_what_a_killed_run_left_is_put_back_by_the_next(machine: Machine, cluster: LabCluster) -> None:
    said: list[str] = []
    programs.put_back(cluster, Progress(said.append))
    programs.refuse_exchanged(cluster)
    assert (machine.did, said) == ([], [])

    (cluster.path / "exchanged").write_text("kube-scheduler")
    machine.manifest = programs.covered(MANIFEST, "kube-scheduler")
    programs.put_back(cluster, Progress(said.append))
    assert machine.manifest == MANIFEST
    assert "may have left another kube-scheduler on c" in said[0]
    programs.refuse_exchanged(cluster)
