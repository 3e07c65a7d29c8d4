"""The kind configuration of a run: manifests/kind.yaml and the patches that this machine needs."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Any

from labkit.manifests import manifest_files
from labkit.trouble import CannotRun

_CGROUP_V1 = "kind: KubeletConfiguration\nfailCgroupV1: false\n"
_CGROUPFS_KUBELET = "kind: KubeletConfiguration\ncgroupDriver: cgroupfs\n"
_CGROUPFS_RUNTIME = """\
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
  SystemdCgroup = false
"""
_OOM_SCORE = '[plugins."io.containerd.grpc.v1.cri"]\n  restrict_oom_score_adj = true\n'


MADE_WITH = "kind.yaml"
"""The file in a cluster's folder that has the configuration that it was made with."""


@dataclass(frozen=True)
class Host:
    """What of the engine's machine decides how nodes must be set up."""

    cores: int
    cgroup_v1: bool
    lowers_oom_score: bool
    """Whether a process may give itself a lower oom_score_adj: CAP_SYS_RESOURCE is in the bounding set."""


@dataclass(frozen=True)
class Networks:
    """The address ranges of a cluster."""

    pods: IPv4Network
    services: IPv4Network


def read() -> dict[str, Any]:
    """Read manifests/kind.yaml. Raises CannotRun where it is missing or broken."""
    (config,) = manifest_files.read("kind.yaml")
    return config


def networks(config: dict[str, Any]) -> Networks:
    """Give the networks that a kind configuration names."""
    networking = config["networking"]
    return Networks(IPv4Network(networking["podSubnet"]), IPv4Network(networking["serviceSubnet"]))


def clear_of(config: dict[str, Any], taken: Sequence[IPv4Network]) -> dict[str, Any]:
    """Give the configuration with other ranges where its own meet addresses that are taken; the same one otherwise.

    Nodes whose own addresses are those of Pods or Services as well do not find each other.
    Raises: CannotRun where all ranges that could be are taken.
    """
    have = networks(config)
    pods = _first_free([have.pods, *_MORE_PODS], taken)
    services = _first_free([have.services, *_MORE_SERVICES], taken)
    if pods is None or services is None:
        raise CannotRun(
            f"the engine gives nodes addresses of {', '.join(map(str, taken))}, and a cluster needs others for Pods and"
            " Services: set default-address-pools in its daemon.json"
        )
    if (pods, services) == (have.pods, have.services):
        return config
    return {**config, "networking": {**config["networking"], "podSubnet": str(pods), "serviceSubnet": str(services)}}


_MORE_PODS = [IPv4Network("172.30.0.0/16"), IPv4Network("198.18.0.0/16")]
_MORE_SERVICES = [IPv4Network("172.31.0.0/16"), IPv4Network("198.19.0.0/16")]
"""Private ones, and those that are for measuring networks (RFC 2544), which nobody has at home."""


def _first_free(candidates: Sequence[IPv4Network], taken: Sequence[IPv4Network]) -> IPv4Network | None:
    return next((one for one in candidates if not any(one.overlaps(other) for other in taken)), None)


def node_names(config: dict[str, Any], cluster: str) -> tuple[str, ...]:
    """Name the nodes as kind does: a role's first without a number, its second with 2."""
    seen: dict[str, int] = {}
    names = []
    for node in config["nodes"]:
        role = node["role"]
        seen[role] = seen.get(role, 0) + 1
        names.append(f"{cluster}-{role}{seen[role] if seen[role] > 1 else ''}")
    return tuple(names)


def for_host(config: dict[str, Any], kubernetes: str, host: Host, *, made_here: bool) -> dict[str, Any]:
    """Add what follows from the host: the control plane's processors, and what its nodes need to come up there.

    `made_here`: the node image was made from source, and those start on any of these hosts (see containerd_config and
    kubelet_defaults in labkit/supply/node_files.py).
    """
    kubelet, containerd = [], []
    if host.cgroup_v1:
        # With systemd's driver runc freezes a container that it starts, and on cgroup v1 a busy machine is too slow for
        # that: "unable to freeze", and a restart that no claim asked for. It is slower too: 40 Pods took 20 s and 19 s
        # of the cores' work with it, 6 s and 12 s without.
        kubelet.append(_CGROUPFS_KUBELET)
        containerd.append(_CGROUPFS_RUNTIME)
    if host.cgroup_v1 and not made_here and _minor(kubernetes) >= 35:
        # From 1.35 the kubelet refuses cgroup v1 unless told (kubernetes/kubernetes#134298); before, it need not be.
        kubelet.append(_CGROUP_V1)
    if not host.lowers_oom_score and not made_here:
        # Else every sandbox dies: the pause container's oom_score_adj of -998 may not be set without CAP_SYS_RESOURCE.
        containerd.append(_OOM_SCORE)
    patched = copy.deepcopy(config)
    patched["kubeadmConfigPatchesJSON6902"].append(_processors(host.cores))
    for key, patches in (("kubeadmConfigPatches", kubelet), ("containerdConfigPatches", containerd)):
        if patches:
            patched[key] = patched.get(key, []) + patches
    return patched


def _processors(cores: int) -> dict[str, Any]:
    """Give all of the control plane but the API server half of the cores each; rounded up, so one of two.

    Threads that look for work and find none cost a fortieth of a run on two cores. Not one of any number: what etcd and
    the controllers do for two cores' labs is a tenth of a core, and sixteen cores have eight times as many.
    """
    processors = {"name": "GOMAXPROCS", "value": str((cores + 1) // 2)}
    return {
        "group": "kubeadm.k8s.io",
        "version": "v1beta4",  # before, static Pods have no environment
        "kind": "ClusterConfiguration",
        "patch": json.dumps(
            [
                {"op": "add", "path": f"/{component}/extraEnvs/-", "value": processors}
                for component in ("etcd/local", "controllerManager", "scheduler")
            ]
        ),
    }


def _minor(kubernetes: str) -> int:
    match = re.match(r"v1\.(\d+)\.", kubernetes)
    if not match:
        raise ValueError(f"not a Kubernetes version: {kubernetes!r}")
    return int(match[1])
