"""The files of a node: where they differ from kind's, and that kind's own stay."""

from __future__ import annotations

import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

from labkit.supply import node_files
from labkit.supply.archives import Entry

CONTAINERD = """\
version = 2
[plugins."io.containerd.grpc.v1.cri".containerd]
  discard_unpacked_layers = true
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "registry.k8s.io/pause:3.10"
  # restrict_oom_score_adj needs to be true when running inside UserNS (rootless)
  restrict_oom_score_adj = false
"""

STORAGE = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: local-path-provisioner}
spec:
  template:
    spec:
      containers:
        - image: rancher/local-path-provisioner:v0.0.30
          command: [local-path-provisioner, start]
---
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: local-path}
---
kind: ConfigMap
apiVersion: v1
data:
  config.json: '{"paths": ["/opt/local-path-provisioner"]}'
  helperPod.yaml: |-
    kind: Pod
    spec:
      containers: [{name: helper-pod, image: busybox}]
"""


@pytest.fixture
def kind_files(tmp_path: Path) -> Path:
    for path, text in {
        "etc/containerd/config.toml": CONTAINERD,
        "etc/default/kubelet": "KUBELET_EXTRA_ARGS=--runtime-cgroups=/system.slice/containerd.service",
        "kind/bin/mount-product-files.sh": "#!/bin/sh\n",
        "usr/local/bin/entrypoint": "#!/bin/bash\n",
        "LICENSES/README.txt": "licences\n",
    }.items():
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(0o444)  # as module files come
    return tmp_path


@pytest.fixture
def entries(kind_files: Path) -> dict[str, Entry]:
    spec = {"process": {"args": ["sh"], "rlimits": [{"type": "RLIMIT_NOFILE"}]}, "hostname": "x"}
    return {entry.path: entry for entry in node_files.base_entries(kind_files, spec)}


def test_containerd_is_told_of_the_pod_network_and_of_oom_scores() -> None:
    settings = tomllib.loads(node_files.containerd_config(CONTAINERD))
    cri = settings["plugins"]["io.containerd.grpc.v1.cri"]
    assert cri["restrict_oom_score_adj"] is True
    assert cri["cni"] == {"conf_template": node_files.CNI_TEMPLATE}
    assert cri["containerd"] == {"discard_unpacked_layers": True}


def test_the_sandbox_image_is_kinds(kind_files: Path) -> None:
    assert node_files.sandbox_image(kind_files) == "registry.k8s.io/pause:3.10"


def test_scripts_can_be_run_and_settings_cannot(entries: dict[str, Entry]) -> None:
    assert entries["usr/local/bin/entrypoint"].mode == 0o755
    assert entries["kind/bin/mount-product-files.sh"].mode == 0o755
    assert entries["etc/default/kubelet"].mode == 0o644
    assert "LICENSES/README.txt" not in entries


@pytest.mark.parametrize("unit", ["containerd", "kubelet"])
def test_no_daemon_of_a_node_starts_while_cgroups_of_the_machine_are_mounted(
    unit: str, entries: dict[str, Entry], tmp_path: Path
) -> None:
    content = entries[f"etc/systemd/system/{unit}.service.d/12-own-cgroups.conf"].content
    assert isinstance(content, bytes)
    (line,) = [line for line in content.decode().splitlines() if line.startswith("ExecStartPre=")]
    script = line.partition("-c ")[2].strip("'").replace("$$", "$").replace("%%", "%")
    for controller in ("hugetlb", "perf_event", "systemd"):
        (tmp_path / controller).mkdir()
        (tmp_path / controller / "release_agent").touch()
    (tmp_path / "memory").mkdir()
    shown = script.replace("/sys/fs/cgroup", str(tmp_path)).replace("umount", "echo")
    done = subprocess.run(["sh", "-c", shown], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(tmp_path / "hugetlb"), str(tmp_path / "perf_event")]


@pytest.mark.parametrize("unit", ["containerd", "kubelet"])
@pytest.mark.parametrize(("cores", "each"), [(1, 1), (2, 1), (3, 2), (16, 8)])
def test_the_daemons_of_a_node_share_the_cores(
    unit: str, cores: int, each: int, entries: dict[str, Entry], tmp_path: Path
) -> None:
    content = entries[f"etc/systemd/system/{unit}.service.d/13-thrifty.conf"].content
    assert isinstance(content, bytes)
    _, *lines = content.decode().splitlines()
    settings = dict(line.split("=", 1) for line in lines if not line.startswith("#"))
    assert settings["Environment"] == "GOGC=400"
    assert settings["EnvironmentFile"] == "-/run/%p.processors"
    script = settings["ExecStartPre"].partition("-c ")[2].strip("'").replace("$$", "$").replace("%p", unit)
    shown = f"nproc() {{ echo {cores}; }}; {script.replace('/run', str(tmp_path))}"
    subprocess.run(["sh", "-c", shown], check=True)
    assert (tmp_path / f"{unit}.processors").read_text() == f"GOMAXPROCS={each}\n"


def test_units_are_enabled_and_one_is_masked(entries: dict[str, Entry]) -> None:
    for unit in ("kubelet", "containerd", "undo-mount-hacks"):
        wanted = entries[f"etc/systemd/system/multi-user.target.wants/{unit}.service"]
        assert wanted.link == f"/etc/systemd/system/{unit}.service"
    assert entries["etc/systemd/system/systemd-binfmt.service"].link == "/dev/null"


def test_containers_of_a_node_have_no_hook_and_no_limits_of_the_builder(entries: dict[str, Entry]) -> None:
    content = entries["etc/containerd/cri-base.json"].content
    assert isinstance(content, bytes)
    spec = yaml.safe_load(content)
    assert spec["process"] == {"args": ["sh"]}
    assert "hooks" not in spec
    assert spec["hostname"] == "x"


@pytest.mark.parametrize(
    ("path", "stays"),
    [
        ("etc/systemd/system/getty.target.wants/getty@tty1.service", False),
        ("usr/lib/systemd/system/multi-user.target.wants/getty.target", False),
        ("usr/lib/systemd/system/sockets.target.wants/systemd-udevd-control.socket", False),
        ("usr/lib/systemd/system/sockets.target.wants/dbus.socket", True),
        ("usr/lib/systemd/system/sysinit.target.wants/systemd-tmpfiles-setup.service", False),
        ("usr/lib/systemd/system/sysinit.target.wants/systemd-sysctl.service", True),
        ("usr/lib/systemd/system/multi-user.target", True),
        ("etc/hostname", False),
        ("etc/hosts", True),
    ],
)
def test_units_without_a_place_in_a_container_go(path: str, stays: bool) -> None:
    assert node_files.wanted(path) is stays


@pytest.mark.parametrize(
    ("kubelet_help", "flags"),
    [("--fail-cgroupv1  fail on v1", "--a=b --fail-cgroupv1=false\n"), ("--other", "--a=b\n")],
)
def test_the_kubelet_may_run_on_cgroup_v1_where_it_asks(kubelet_help: str, flags: str) -> None:
    assert node_files.kubelet_defaults("KUBELET_EXTRA_ARGS=--a=b", kubelet_help) == f"KUBELET_EXTRA_ARGS={flags}"


def test_storage_is_the_default_class_under_var_with_our_helper() -> None:
    text = node_files.storage_manifest(STORAGE, "provisioner:1", "helper:1")
    deployment, storage_class, config = yaml.safe_load_all(text)
    pod = deployment["spec"]["template"]["spec"]
    assert pod["containers"][0]["image"] == "provisioner:1"
    assert pod["containers"][0]["command"] == ["local-path-provisioner", "start", "--helper-image", "helper:1"]
    assert pod["tolerations"] == [{"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}]
    assert storage_class["metadata"] == {
        "name": "standard",
        "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
    }
    assert config["data"]["config.json"] == '{"paths": ["/var/local-path-provisioner"]}'
    helper = yaml.safe_load(config["data"]["helperPod.yaml"])
    assert helper["spec"]["containers"][0]["image"] == "helper:1"
    assert helper["spec"]["tolerations"] == [{"operator": "Exists"}]


def test_the_network_manifest_holds_an_object() -> None:
    assert yaml.safe_load(node_files.NETWORK_MANIFEST)["kind"] == "ConfigMap"
