"""OwnCluster without an engine: what crosses to another process, what kind's output means, what it never does."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pytest_kind import KindCluster  # type: ignore[import-untyped]

from labkit.cluster import Node, nodes
from labkit.cluster.commands import Result
from labkit.cluster.own import OwnCluster, why_kind_failed
from labkit.observe.connection import Connection
from labkit.progress import Progress
from labkit.trouble import CannotRun

KIND = """#!/bin/sh
echo 'Creating cluster "labs-0123abcd" ...' >&2
echo ' • Preparing nodes 📦 📦 📦   ...' >&2
echo ' ✓ Preparing nodes 📦 📦 📦 ' >&2
echo ' • Writing configuration 📜  ...' >&2
"""


@pytest.fixture
def cluster(tmp_path: Path) -> OwnCluster:
    return OwnCluster(
        "labs-0123abcd",
        folder=tmp_path,
        kind_path=tmp_path / "kind",
        image="labs/node:1",
        kubernetes="v1.37.0",
        origin="built",
    )


def program(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


def test_it_is_a_kind_cluster_and_makes_nothing_below_the_current_directory(
    cluster: OwnCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert isinstance(cluster, KindCluster)
    assert list(tmp_path.iterdir()) == []
    assert cluster.kubeconfig_path == tmp_path / "kubeconfig"


def test_a_handle_crosses_to_another_process_whole(cluster: OwnCluster) -> None:
    cluster.nodes = (
        Node("labs-0123abcd-control-plane", "control-plane", "172.18.0.2", "10.244.0.0/24"),
        Node("labs-0123abcd-worker", "worker", "172.18.0.3", "10.244.1.0/24"),
    )
    cluster.images = {"localhost:1/labs/web:1": "localhost:1/labs/web:3f2ac0d1e2f3"}
    cluster.phases["cluster"] = 30.0
    cluster.connection = Connection("kubeconfig", "https://127.0.0.1:6443", ca="ca.crt")
    there = OwnCluster.attach(json.loads(json.dumps(cluster.describe())))
    assert there.describe() == cluster.describe()
    assert there.control_plane.name == "labs-0123abcd-control-plane"
    assert [node.name for node in there.workers] == ["labs-0123abcd-worker"]


def test_kinds_stages_are_timed_and_tell_when_the_nodes_are_up(cluster: OwnCluster) -> None:
    program(cluster.kind_path, KIND + "echo ' • Starting control-plane 🕹️  ...' >&2\n")
    cluster.create()
    assert {"nodes", "configuration", "kubeadm init", "create"} <= cluster.phases.keys()
    assert cluster.nodes_up.is_set()


def test_when_kind_fails_its_last_lines_are_told_and_nobody_believes_the_nodes_to_be_up(cluster: OwnCluster) -> None:
    program(cluster.kind_path, KIND + "echo 'ERROR: failed to create cluster: the reason' >&2; exit 1\n")
    with pytest.raises(CannotRun, match="the reason"):
        cluster.create()
    assert not cluster.nodes_up.is_set()


def test_kind_is_given_the_clusters_own_kubeconfig(cluster: OwnCluster) -> None:
    program(
        cluster.kind_path, '#!/bin/sh\necho "$@" >"$(dirname "$0")/said"; echo "$KUBECONFIG" >>"$(dirname "$0")/said"\n'
    )
    cluster.create("/config.yaml")
    words, kubeconfig = (cluster.path / "said").read_text().splitlines()
    assert words == (
        "create cluster --name labs-0123abcd --image labs/node:1"
        f" --kubeconfig {cluster.kubeconfig_path} --config /config.yaml"
    )
    assert kubeconfig == str(cluster.kubeconfig_path)


def test_a_full_disk_is_called_by_its_name() -> None:
    result = Result(("kind",), 1, "docker: write /x: no space left on device\n", "", 1.0)
    assert why_kind_failed(result).startswith("the disk is full")


def test_kubectl_runs_with_the_kubeconfig_that_is_given(cluster: OwnCluster) -> None:
    program(cluster.kubectl_path, '#!/bin/sh\necho "$KUBECONFIG $*"; exit 1\n')
    own = cluster.kubectl("get", "pods")
    other = cluster.kubectl("get", "pods", kubeconfig=Path("/other"))
    assert (own.rc, own.stdout) == (1, f"{cluster.kubeconfig_path} get pods\n")
    assert other.stdout == "/other get pods\n"


def test_what_is_broken_in_the_parent_is_never_reached(cluster: OwnCluster) -> None:
    with pytest.raises(NotImplementedError):
        cluster.port_forward("pod/web", 80)
    with pytest.raises(NotImplementedError):
        cluster.load_docker_image("localhost:1/labs/web:1")


def test_nothing_is_ever_downloaded(cluster: OwnCluster) -> None:
    cluster.ensure_kind()
    cluster.ensure_kubectl()
    assert list(cluster.path.iterdir()) == []


def test_loaded_images_have_both_names_on_every_node(cluster: OwnCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    typed: list[tuple[str, str]] = []
    codes = {"one": 0, "two": 0}

    def execute(node: str, script: str) -> tuple[int, str]:
        typed.append((node, script))
        return codes[node], "no such image"

    monkeypatch.setattr(nodes, "names", lambda _: list(codes))
    monkeypatch.setattr(nodes, "execute", execute)
    program(cluster.kind_path, KIND)
    names = {"localhost:1/labs/web:1": "localhost:1/labs/web:0123"}
    cluster.load_archive(Path("images.tar"), names)
    script = "set -e\nctr --namespace=k8s.io images tag --force localhost:1/labs/web:0123 localhost:1/labs/web:1"
    assert sorted(typed) == [("one", script), ("two", script)]
    codes["two"] = 1
    with pytest.raises(CannotRun, match="no such image"):
        cluster.load_archive(Path("images.tar"), names)


@pytest.mark.parametrize(
    ("ends", "told"),
    [
        ("mkdir -p $6; exit 0", "the logs of cluster labs-0123abcd are in {folder}"),
        ("echo 'ERROR: no such container' >&2; exit 1", "(not all of them: ERROR: no such container)"),
    ],
)
def test_logs_are_left_in_a_folder_or_it_is_said_that_they_are_not(
    cluster: OwnCluster, tmp_path: Path, ends: str, told: str
) -> None:
    lines: list[str] = []
    program(
        cluster.kind_path,
        f'#!/bin/sh\n[ "$1 $2 $3 $4 $5" = "export logs --name labs-0123abcd $5" ] || exit 9\n{ends}\n',
    )
    cluster.export_logs(tmp_path / "logs", Progress(lines.append))
    assert told.format(folder=tmp_path / "logs") in lines[0]


def test_no_logs_are_no_trouble(cluster: OwnCluster, tmp_path: Path) -> None:
    lines: list[str] = []
    cluster.export_logs(tmp_path / "logs", Progress(lines.append))
    assert "the logs of cluster labs-0123abcd are lost" in lines[0]
