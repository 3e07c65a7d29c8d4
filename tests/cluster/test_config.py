"""The kind configuration: three nodes, and a patch only where the machine needs one."""

from __future__ import annotations

import dataclasses
from ipaddress import IPv4Network
from typing import Any

import pytest
import yaml

from labkit.cluster import config
from labkit.cluster.config import Host
from labkit.trouble import CannotRun

V1 = Host(cores=2, cgroup_v1=True, lowers_oom_score=True)
V2 = Host(cores=2, cgroup_v1=False, lowers_oom_score=True)
BOUNDED = Host(cores=2, cgroup_v1=False, lowers_oom_score=False)


def made(kubernetes: str, host: Host, *, made_here: bool = False) -> dict[str, Any]:
    return config.for_host(config.read(), kubernetes, host, made_here=made_here)


def test_the_cluster_has_one_control_plane_and_two_workers() -> None:
    assert config.node_names(config.read(), "labs-0123abcd") == (
        "labs-0123abcd-control-plane",
        "labs-0123abcd-worker",
        "labs-0123abcd-worker2",
    )


@pytest.mark.parametrize("kubernetes", ["v1.34.11", "v1.35.8", "v1.36.4", "v1.37.0", "v1.38.0-alpha.1"])
def test_a_machine_that_lacks_nothing_gets_the_file_as_it_is(kubernetes: str) -> None:
    assert but_for_processors(made(kubernetes, V2)) == config.read()


def but_for_processors(patched: dict[str, Any]) -> dict[str, Any]:
    """Give a configuration without the patch that every machine gets, its last."""
    *patches, _ = patched["kubeadmConfigPatchesJSON6902"]
    return {**patched, "kubeadmConfigPatchesJSON6902": patches}


@pytest.mark.parametrize(("cores", "each"), [(1, "1"), (2, "1"), (3, "2"), (4, "2"), (16, "8")])
def test_the_control_plane_shares_the_cores(cores: int, each: str) -> None:
    patched = made("v1.37.0", dataclasses.replace(V2, cores=cores))
    patches = [one for one in patched["kubeadmConfigPatchesJSON6902"] if one["version"] == "v1beta4"]
    added = [operation for one in patches for operation in yaml.safe_load(one["patch"])]
    environments = {one["path"].removesuffix("/-"): one["value"] for one in added if one["path"].endswith("Envs/-")}
    assert environments == {
        f"/{component}/extraEnvs": {"name": "GOMAXPROCS", "value": each}
        for component in ("etcd/local", "controllerManager", "scheduler")
    }


def kubelet(patched: dict[str, Any]) -> dict[str, Any]:
    """Give what the patches of the kubelet's configuration set in all."""
    read = [yaml.safe_load(patch) for patch in patched["kubeadmConfigPatches"]]
    return {k: v for patch in read if patch["kind"] == "KubeletConfiguration" for k, v in patch.items()}


@pytest.mark.parametrize("kubernetes", ["v1.35.0", "v1.36.4", "v1.37.0", "v1.38.0-alpha.1"])
def test_on_cgroup_v1_the_kubelet_is_told_to_start(kubernetes: str) -> None:
    assert kubelet(made(kubernetes, V1))["failCgroupV1"] is False


def test_before_1_35_the_kubelet_starts_on_cgroup_v1_untold() -> None:
    assert "failCgroupV1" not in kubelet(made("v1.34.11", V1))


@pytest.mark.parametrize("made_here", [True, False])
def test_on_cgroup_v1_nothing_is_frozen_to_be_started(*, made_here: bool) -> None:
    patched = made("v1.37.0", V1, made_here=made_here)
    assert kubelet(patched)["cgroupDriver"] == "cgroupfs"
    assert "SystemdCgroup = false" in patched["containerdConfigPatches"][0]


def test_where_no_process_may_lower_its_oom_score_containerd_is_told_not_to_ask() -> None:
    (patch,) = made("v1.34.11", BOUNDED)["containerdConfigPatches"]
    assert "restrict_oom_score_adj = true" in patch


def test_a_node_image_made_here_need_not_be_told_of_scores() -> None:
    assert but_for_processors(made("v1.37.0", BOUNDED, made_here=True)) == config.read()


def test_the_networks_are_those_of_the_file() -> None:
    networks = config.networks(config.read())
    assert not networks.pods.overlaps(networks.services)
    assert networks.services[10] in networks.services


@pytest.mark.parametrize(
    ("taken", "pods", "services"),
    [
        ([], "10.244.0.0/16", "10.96.0.0/16"),
        (["172.18.0.0/16"], "10.244.0.0/16", "10.96.0.0/16"),
        (["10.244.7.0/24"], "172.30.0.0/16", "10.96.0.0/16"),
        (["10.0.0.0/8"], "172.30.0.0/16", "172.31.0.0/16"),
        (["10.0.0.0/8", "172.16.0.0/12"], "198.18.0.0/16", "198.19.0.0/16"),
    ],
)
def test_pods_and_services_keep_clear_of_the_nodes_addresses(taken: list[str], pods: str, services: str) -> None:
    free = config.clear_of(config.read(), [IPv4Network(one) for one in taken])
    assert [str(network) for network in (config.networks(free).pods, config.networks(free).services)] == [
        pods,
        services,
    ]


def test_where_every_range_is_taken_it_says_what_to_do() -> None:
    with pytest.raises(CannotRun, match="default-address-pools"):
        config.clear_of(config.read(), [IPv4Network("0.0.0.0/0")])
