"""The files of a node that are not programs: kind's own, as upstream ships them, and the few that differ here."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import yaml

from labkit.supply.archives import Entry, folder, link

CNI_TEMPLATE = "/etc/containerd/cni.template"

LOCAL_PATH_FOLDER = "/var/local-path-provisioner"

_UNWANTED = re.compile(
    r"(usr/lib/systemd/system/sysinit\.target\.wants/systemd-tmpfiles-setup\.service"
    r"|usr/lib/systemd/system/(multi-user|local-fs|basic)\.target\.wants/.+"
    r"|usr/lib/systemd/system/sockets\.target\.wants/.*(udev|initctl).*"
    r"|etc/systemd/system/[^/]+\.wants/.+"
    r"|etc/(hostname|resolv\.conf|machine-id))"
)
"""Units that have no place in a container, as kind's Dockerfile removes them, and what names the building machine."""

_CNI = """{
  "cniVersion": "1.0.0",
  "name": "labs",
  "plugins": [
    {
      "type": "ptp",
      "ipam": {
        "type": "host-local",
        "dataDir": "/run/cni-ipam-state",
        "routes": [{{range $i, $route := .Routes}}{{if $i}}, {{end}}{"dst": "{{$route}}"}{{end}}],
        "ranges": [{{range $i, $range := .PodCIDRRanges}}{{if $i}}, {{end}}[{"subnet": "{{$range}}"}]{{end}}]
      }
    },
    {"type": "portmap", "capabilities": {"portMappings": true}}
  ]
}
"""
"""containerd writes the node's CNI configuration from this when it learns the node's Pod range; no daemon is needed.

Without ipMasq, which runs some twenty iptables for each Pod: whoever lays the routes lays one rule for all of them.
"""

_OWN_CGROUPS = b"""\
[Service]
# cgroup v1: controllers that the machine has not mounted are mounted by a node's systemd, and their root is the
# machine's. Every kubelet then takes the Pods of the other nodes for its own that are gone, and tries to remove their
# cgroups every 2 s. Only a root has a release_agent; systemd's own hierarchy it needs.
ExecStartPre=-/bin/sh -c 'for agent in /sys/fs/cgroup/*/release_agent; do \
case $$agent in */systemd/*) ;; *) umount $${agent%%/release_agent} ;; esac; done'
"""

_THRIFTY = b"""\
[Service]
# Memory for CPU time, and half of the machine's processors each: threads that look for work and find none cost a
# fortieth of a run on two cores. containerd starts its shims with four, whatever it has itself, and no container gets
# any of it; its environment comes from its image and its Pod.
Environment=GOGC=400
ExecStartPre=/bin/sh -c 'echo GOMAXPROCS=$$(( ($$(nproc) + 1) / 2 )) > /run/%p.processors'
EnvironmentFile=-/run/%p.processors
"""

NETWORK_MANIFEST = """\
# kind applies this file and wants an object in it. The Pod network has none: containerd configures each node itself,
# and whoever creates the cluster lays the routes between the nodes.
apiVersion: v1
kind: ConfigMap
metadata:
  name: pod-network
  namespace: kube-system
data:
  daemon: none
  routes: laid from outside, one for each pair of nodes
"""
"""What kind applies as the cluster's network."""


def wanted(path: str) -> bool:
    """Tell whether a file of the Debian root belongs into a node."""
    return not _UNWANTED.fullmatch(path)


def base_entries(kind_files: Path, oci_spec: dict[str, Any]) -> list[Entry]:
    """Give what turns a Debian root into kind's node base: kind's files, enabled units, containerd's settings.

    `kind_files` is images/base/files of kind's source; `oci_spec` is what `ctr oci spec` prints.
    """
    entries = [
        Entry(
            str(path.relative_to(kind_files)),
            _edited(path, kind_files),
            mode=0o755 if path.parent.name == "bin" else 0o644,
        )
        for path in sorted(kind_files.rglob("*"))
        if path.is_file() and "LICENSES" not in path.parts
    ]
    wants = "etc/systemd/system/multi-user.target.wants"
    return [
        *entries,
        *(link(f"{wants}/{unit}.service", f"/etc/systemd/system/{unit}.service") for unit in _ENABLED),
        # binfmt_misc belongs to the kernel, and so to everybody on the machine.
        link("etc/systemd/system/systemd-binfmt.service", "/dev/null"),
        *(
            Entry(f"etc/systemd/system/{unit}.service.d/{name}.conf", content)
            for unit in ("containerd", "kubelet")
            for name, content in (("12-own-cgroups", _OWN_CGROUPS), ("13-thrifty", _THRIFTY))
        ),
        Entry("etc/systemd/journald.conf.d/kind.conf", b"[Journal]\nReadKMsg=no\n"),
        Entry(CNI_TEMPLATE.lstrip("/"), _CNI.encode()),
        Entry("etc/containerd/cri-base.json", _json(_container(oci_spec))),
        folder("etc/kubernetes"),
        folder("etc/kubernetes/manifests"),
    ]


_ENABLED = ("kubelet", "containerd", "undo-mount-hacks")


def _edited(path: Path, root: Path) -> bytes:
    text = path.read_text()
    if path.relative_to(root) == Path("etc/containerd/config.toml"):
        text = containerd_config(text)
    return text.encode()


def containerd_config(upstream: str) -> str:
    """Change kind's containerd settings where a node here differs."""
    # A machine without CAP_SYS_RESOURCE may not lower oom_score_adj, and no sandbox would start; where it may, this
    # only keeps sandboxes from going below containerd's own value.
    restricted = upstream.replace("restrict_oom_score_adj = false", "restrict_oom_score_adj = true")
    cni = f'\n[plugins."io.containerd.grpc.v1.cri".cni]\n  conf_template = "{CNI_TEMPLATE}"\n'
    return restricted + cni


def sandbox_image(kind_files: Path) -> str:
    """Read which pause image kind's containerd settings start every Pod with."""
    match = re.search(r'sandbox_image = "([^"]+)"', (kind_files / "etc/containerd/config.toml").read_text())
    if match is None:
        raise ValueError("kind's containerd settings name no sandbox_image")
    return match[1]


def kubelet_defaults(upstream: str, kubelet_help: str) -> str:
    """Give /etc/default/kubelet: kind's, and on kubelets that refuse cgroup v1 by default, leave to run there."""
    flag = "--fail-cgroupv1"
    return upstream.rstrip("\n") + (f" {flag}=false" if flag in kubelet_help else "") + "\n"


def storage_manifest(upstream: str, provisioner: str, helper: str) -> str:
    """Make the cluster's default storage out of local-path-provisioner's own manifest, as kind changes its copy.

    The class is named standard and is the default; data lie under /var; the control plane may run it.
    """
    documents = [document for document in yaml.safe_load_all(upstream) if document]
    for document in documents:
        match document["kind"]:
            case "StorageClass":
                document["metadata"]["name"] = "standard"
                document["metadata"]["annotations"] = {"storageclass.kubernetes.io/is-default-class": "true"}
            case "Deployment":
                pod = document["spec"]["template"]["spec"]
                pod["nodeSelector"] = {"kubernetes.io/os": "linux"}
                pod["tolerations"] = [{"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}]
                container = pod["containers"][0]
                container["image"] = provisioner
                container["command"] += ["--helper-image", helper]
            case "ConfigMap":
                data = document["data"]
                data["config.json"] = data["config.json"].replace("/opt/local-path-provisioner", LOCAL_PATH_FOLDER)
                data["helperPod.yaml"] = yaml.safe_dump(_helper_pod(data["helperPod.yaml"], helper), sort_keys=False)
    return yaml.safe_dump_all(documents, sort_keys=False)


def _helper_pod(upstream: str, image: str) -> dict[str, Any]:
    pod: dict[str, Any] = yaml.safe_load(upstream)
    pod["spec"]["tolerations"] = [{"operator": "Exists"}]
    pod["spec"]["containers"][0]["image"] = image
    return pod


def _container(oci_spec: dict[str, Any]) -> dict[str, Any]:
    """Give the spec of every container of a node: what `ctr` says, without the limits of the building machine.

    Without kind's hook, too: it gives containers a product name and id of their own in place of the machine's, which
    is of use to who finds out there in whose cloud it is, and starts ten processes for each container.
    """
    process = {key: value for key, value in oci_spec["process"].items() if key != "rlimits"}
    return {**oci_spec, "process": process}


def _json(content: dict[str, Any]) -> bytes:
    return json.dumps(content, indent=2).encode()
