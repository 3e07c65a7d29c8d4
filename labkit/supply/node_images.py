"""The container images inside a node: what a control plane and every worker run before anybody's Pods."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from labkit.manifests import naming
from labkit.supply import archives, debian
from labkit.supply.archives import Entry, folder, link, program

PROVISIONER = "docker.io/rancher/local-path-provisioner"
HELPER = f"{naming.OURS}/local-path-helper:1"

_MERGED = [link(name, f"usr/{name}") for name in ("bin", "sbin", "lib", "lib64")]
"""Debian's merged /usr, which base-files would lay and unpacked packages alone do not have."""

_IPTABLES = (
    "iptables",
    "iptables-save",
    "iptables-restore",
    "ip6tables",
    "ip6tables-save",
    "ip6tables-restore",
)

_CHOOSE_IPTABLES = f"""\
#!/bin/sh
# A node speaks to the kernel through nftables or through the older interface; rules in the other one are not seen.
# The kubelet leaves a chain as a hint in the one that the node uses: follow it, and remember.
hint='KUBE-IPTABLES-HINT|KUBE-KUBELET-CANARY'
mode=
if xtables-nft-multi iptables-save -t mangle 2>/dev/null | busybox grep -Eq "$hint"; then mode=nft
elif xtables-legacy-multi iptables-save -t mangle 2>/dev/null | busybox grep -Eq "$hint"; then mode=legacy
fi
if test -n "$mode"; then
  for name in {" ".join(_IPTABLES)}; do busybox ln -sf "xtables-$mode-multi" "/usr/sbin/$name"; done
fi
exec "xtables-${{mode:-nft}}-multi" "${{0##*/}}" "$@"
"""


@dataclass(frozen=True)
class Image:
    """One image: its name, what its only layer holds, and how it starts."""

    name: str
    fill: Callable[[IO[bytes]], None]
    """Writes the layer's tar."""
    made_of: list[str]
    """Names of the parts its content is from, for the key."""
    config: dict[str, Any] = field(default_factory=dict)
    """What the image says beside PATH, in the words of the OCI image configuration."""

    @property
    def component(self) -> str:
        """The last word of the name: kube-proxy."""
        return self.name.rpartition("/")[2].partition(":")[0]

    @property
    def tag(self) -> str:
        """What is behind the name's colon: v1.37.0."""
        return self.name.rpartition(":")[2]


def of_program(name: str, binary: Path) -> Image:
    """Give the image of one program that its Pod calls by name."""
    return _from_scratch(name, {binary.name: binary})


def etcd(name: str, programs: Path) -> Image:
    """Give etcd's image; the program is built as server, the name of its module."""
    return _from_scratch(name, {"etcd": programs / "server", "etcdctl": programs / "etcdctl"})


def coredns(name: str, programs: Path) -> Image:
    """Give CoreDNS's image, whose Pod passes only options."""
    return _from_scratch(name, {"coredns": programs / "coredns"}, entrypoint="coredns")


def pause(name: str, binary: Path) -> Image:
    """Give the image of which every Pod has one container, that holds its namespaces."""
    return _from_scratch(name, {"pause": binary}, entrypoint="pause")


def _from_scratch(name: str, binaries: Mapping[str, Path], entrypoint: str = "") -> Image:
    content = [
        folder("tmp", 0o1777),
        *(program(f"usr/local/bin/{file}", path) for file, path in binaries.items()),
    ]
    return Image(
        name,
        lambda file: archives.write_tar(file, content),
        sorted({path.parent.name for path in binaries.values()}),
        {"Entrypoint": [f"/usr/local/bin/{entrypoint}"]} if entrypoint else {},
    )


def kube_proxy(name: str, binary: Path, root: Path) -> Image:
    """Give kube-proxy's image: the program and the packet filter's tools, on no system at all."""
    chosen = {f"usr/sbin/{command}" for command in _IPTABLES}

    def keep(path: str) -> bool:
        return not (debian.unread(path) or path.startswith(("usr/share/", "var/", "dev/")) or path in chosen)

    add = [
        *_MERGED,
        Entry("usr/sbin/choose-iptables", _CHOOSE_IPTABLES.encode(), mode=0o755),
        *(link(path, "choose-iptables") for path in sorted(chosen)),
        link("usr/bin/sh", "busybox"),
        folder("usr/local/bin"),
        program("usr/local/bin/kube-proxy", binary),
    ]
    return Image(
        name,
        lambda file: archives.rewrite_tar(root, file, keep=keep, add=add),
        [binary.parent.name, root.parent.name],
    )


def helper(root: Path) -> Image:
    """Give the image with which the provisioner makes and removes folders: a busybox."""

    def fill(file: IO[bytes]) -> None:
        commands = [link(f"bin/{name}", "busybox") for name in ("sh", "mkdir", "rm", "chmod")]
        busybox = Entry("bin/busybox", archives.read_member(root, "usr/bin/busybox"), mode=0o755)
        archives.write_tar(file, [folder("tmp", 0o1777), folder("bin"), busybox, *commands])

    return Image(HELPER, fill, [root.parent.name])


def version_of(image: str) -> str:
    """Read a component's version out of its image's tag: v3.7.0 of registry.k8s.io/etcd:3.7.0-0."""
    match = re.search(r":v?(\d+\.\d+\.\d+)", image)
    if match is None:
        raise ValueError(f"no version in {image}")
    return f"v{match[1]}"


def by_component(kubeadm_list: str) -> dict[str, str]:
    """Give the images that kubeadm lists by the last word of their names: etcd to registry.k8s.io/etcd:3.7.0-0."""
    return {line.rpartition("/")[2].partition(":")[0]: line for line in kubeadm_list.split()}
