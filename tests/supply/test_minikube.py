"""A minikube from source: what is changed in what upstream ships, and archives that Docker takes too."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pytest

from labkit.supply import archives, meter, minikube, minikube_files
from labkit.supply.archives import Entry
from labkit.supply.versions import read


def test_a_program_is_built_with_upstreams_own_pins() -> None:
    upstream = "module k8s.io/minikube\n\ngo 1.26.0\n\nrequire example.org/a v1.2.3\n"
    ours = minikube_files.go_mod(upstream, "k8s.io/minikube", "v1.38.1", "outside")
    assert ours.startswith("module outside\n")
    assert "require example.org/a v1.2.3\n" in ours
    assert ours.endswith("require k8s.io/minikube v1.38.1\n")


def module(tmp_path: Path, provisioner: str) -> Path:
    for name, text in (
        ("pkg/storage/storage_provisioner.go", provisioner),
        ("cmd/storage-provisioner/main.go", 'import "k8s.io/minikube/pkg/storage"'),
    ):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_the_provisioner_elects_no_leader(tmp_path: Path) -> None:
    made = minikube_files.storage_provisioner(module(tmp_path, "New(client, serverVersion.GitVersion)"), "outside")
    assert made["storage/storage.go"] == "New(client, serverVersion.GitVersion, controller.LeaderElection(false))"
    assert made["storage-provisioner/main.go"] == 'import "outside/storage"'


def test_a_provisioner_that_was_mended_upstream_is_told(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="whether it still needs mending"):
        minikube_files.storage_provisioner(module(tmp_path, "New(client)"), "outside")


def test_a_node_of_minikube_is_kinds_without_its_kubelet() -> None:
    kinds = [
        Entry("etc/systemd/system/kubelet.service", b""),
        Entry("etc/systemd/system/kubelet.service.d/10-kubeadm.conf", b""),
        Entry("etc/systemd/system/multi-user.target.wants/kubelet.service", link="/etc/systemd/system/kubelet.service"),
        Entry("etc/default/kubelet", b""),
        Entry("etc/systemd/system/containerd.service", b""),
        Entry("etc/containerd/config.toml", b"  restrict_oom_score_adj = true\n"),
    ]
    made = {entry.path: entry for entry in minikube_files.entries(kinds)}
    assert [path for path in made if "kubelet" in path] == []
    assert "etc/systemd/system/containerd.service" in made
    assert made["etc/containerd/config.toml"].content == b"  restrict_oom_score_adj=true\n"
    assert made["usr/local/sbin/runc"].mode == 0o755


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("usr/bin/containerd-shim-runc-v2", False),
        ("usr/sbin/runc", False),
        ("etc/ssh/ssh_host_ed25519_key", False),
        ("usr/sbin/dockerd", True),
        ("etc/ssh/sshd_config", True),
    ],
)
def test_debians_own_runtime_and_keys_stay_behind(path: str, kept: bool) -> None:
    assert minikube_files.wanted(path) is kept


def test_minikubes_user_joins_those_of_the_root(tmp_path: Path) -> None:
    root = tmp_path / "root.tar"
    with root.open("wb") as file:
        archives.write_tar(
            file,
            [
                Entry("etc/passwd", b"root:x:0:0::/root:/bin/bash\n"),
                Entry("etc/group", b"sudo:x:27:\ndocker:x:996:\n"),
                Entry("etc/shadow", b"root:*:1::::::\n"),
            ],
        )
    made = {entry.path: entry.content for entry in minikube_files.users(root)}
    assert b"\ndocker:x:1000:996::/home/docker:/bin/bash\n" in (made["etc/passwd"] or b"")  # type: ignore[operator]
    assert made["etc/group"] == b"sudo:x:27:docker\ndocker:x:996:\n"
    assert b"\ndocker:*:" in (made["etc/shadow"] or b"")  # type: ignore[operator]


def test_docker_is_told_what_an_archive_holds(tmp_path: Path) -> None:
    layer = archives.write_layer(tmp_path / "layer", lambda file: archives.write_tar(file, [Entry("hello", b"hello")]))
    archives.write_image(tmp_path / "image.tar", "example.org/hello:1", [layer], architecture="amd64")
    made = io.BytesIO()
    minikube_files.write_for_docker(tmp_path / "image.tar", made)
    made.seek(0)
    with tarfile.open(fileobj=made) as archive:
        listed = archive.extractfile("manifest.json")
        assert listed
        (image,) = json.loads(listed.read())
        assert image["RepoTags"] == ["example.org/hello:1"]
        assert {image["Config"], *image["Layers"]} < set(archive.getnames())


def test_the_image_of_its_node_is_named_by_all_that_makes_it() -> None:
    versions = read()
    assert minikube.base_name(versions, "amd64").startswith("localhost:1/labs/minikube-base:")
    assert minikube.base_name(versions, "amd64") != minikube.base_name(versions, "arm64")


def test_what_no_kind_node_shares_with_it_is_known_to_the_meter() -> None:
    assert set(meter.NODE_ITSELF) < meter.NODE.keys()
