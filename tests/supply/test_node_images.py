"""The images in a node: their names from kubeadm, what starts in them, and how lean they are."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from labkit.supply import node_images
from labkit.supply.node_images import Image

LISTED = """\
registry.k8s.io/kube-apiserver:v1.37.0
registry.k8s.io/kube-proxy:v1.37.0
registry.k8s.io/coredns/coredns:v1.14.6
registry.k8s.io/pause:3.10.2
registry.k8s.io/etcd:3.7.0-0
"""


@pytest.fixture
def parts(tmp_path: Path) -> Path:
    """A part with programs, as a build leaves it."""
    part = tmp_path / "programs-0123456789ab"
    part.mkdir()
    for name in ("kube-proxy", "kube-apiserver", "server", "etcdctl", "coredns", "pause"):
        (part / name).write_bytes(name.encode())
    return part


@pytest.fixture
def root(tmp_path: Path) -> Path:
    part = tmp_path / "debian-0123456789ab"
    part.mkdir()
    with tarfile.open(part / "root.tar", "w") as archive:
        for name in (
            "./usr/bin/busybox",
            "./usr/sbin/iptables",
            "./usr/sbin/xtables-nft-multi",
            "./usr/share/man/man8/iptables.8.gz",
            "./usr/lib/x86_64-linux-gnu/gconv/IBM933.so",
            "./var/lib/dpkg/status",
        ):
            info = tarfile.TarInfo(name)
            info.size = len(name)
            archive.addfile(info, io.BytesIO(name.encode()))
    return part / "root.tar"


def members(image: Image) -> dict[str, tarfile.TarInfo]:
    out = io.BytesIO()
    image.fill(out)
    with tarfile.open(fileobj=io.BytesIO(out.getvalue())) as archive:
        return {member.name: member for member in archive}


def test_kubeadms_list_is_read_by_component() -> None:
    images = node_images.by_component(LISTED)
    assert images["coredns"] == "registry.k8s.io/coredns/coredns:v1.14.6"
    assert images["etcd"] == "registry.k8s.io/etcd:3.7.0-0"


@pytest.mark.parametrize(
    ("image", "version"),
    [("registry.k8s.io/etcd:3.7.0-0", "v3.7.0"), ("registry.k8s.io/coredns/coredns:v1.14.6", "v1.14.6")],
)
def test_a_modules_version_is_in_the_tag(image: str, version: str) -> None:
    assert node_images.version_of(image) == version


def test_a_program_alone_has_a_tmp_and_is_on_path(parts: Path) -> None:
    image = node_images.of_program("registry.k8s.io/kube-apiserver:v1.37.0", parts / "kube-apiserver")
    assert (image.component, image.tag) == ("kube-apiserver", "v1.37.0")
    assert image.made_of == [parts.name]
    inside = members(image)
    assert set(inside) == {"tmp", "usr/local/bin/kube-apiserver"}
    assert inside["tmp"].mode == 0o1777
    assert inside["usr/local/bin/kube-apiserver"].mode == 0o755


def test_etcd_is_called_by_its_name(parts: Path) -> None:
    assert {"usr/local/bin/etcd", "usr/local/bin/etcdctl"} <= set(members(node_images.etcd("etcd:3.7.0-0", parts)))


def test_who_is_called_by_options_only_has_an_entrypoint(parts: Path) -> None:
    assert node_images.coredns("coredns:v1", parts).config == {"Entrypoint": ["/usr/local/bin/coredns"]}
    assert node_images.pause("pause:3.10", parts / "pause").config == {"Entrypoint": ["/usr/local/bin/pause"]}


def test_kube_proxy_has_the_filters_tools_and_no_system(parts: Path, root: Path) -> None:
    inside = members(node_images.kube_proxy("kube-proxy:v1", parts / "kube-proxy", root))
    assert {"usr/local/bin/kube-proxy", "usr/sbin/xtables-nft-multi", "lib64", "usr/bin/sh"} <= set(inside)
    assert inside["usr/sbin/iptables"].linkname == "choose-iptables"
    assert not [name for name in inside if "man" in name or "gconv" in name or name.startswith("var")]


def test_the_helper_is_a_busybox_that_makes_and_removes_folders(root: Path) -> None:
    inside = members(node_images.helper(root))
    assert inside["bin/busybox"].mode == 0o755
    assert {"bin/sh", "bin/mkdir", "bin/rm"} <= set(inside)
