"""The programs that a node is made of, as recipes for Go: one row each, with what upstream (or kind) sets for it."""

from __future__ import annotations

import re
from pathlib import Path

from labkit.supply.toolchain import Program

KUBERNETES = "k8s.io/kubernetes"

KUBERNETES_PROGRAMS = (
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kube-proxy",
    "kubelet",
    "kubeadm",
    "kubectl",
)

_COREDNS_PLUGINS = [
    "acl", "any", "autopath", "bind", "bufsize", "cache", "chaos", "debug", "erratic", "errors", "file", "forward",
    "header", "health", "hosts", "k8s_external", "kubernetes", "loadbalance", "local", "log", "loop", "metadata",
    "metrics", "minimal", "nsid", "ready", "reload", "rewrite", "root", "template", "transfer", "view", "whoami",
]  # fmt: skip
"""Every plugin that a cluster's Corefile could name; without those that speak to clouds, etcd or tracers, which cost
20 MB and a minute of compiling (v1.14.6: 54 MB instead of 75). Read for CoreDNS v1.12.1 to v1.14.6."""


def kind(version: str) -> Program:
    """kind itself."""
    return Program(name="kind", modules={"sigs.k8s.io/kind": version}, packages=("sigs.k8s.io/kind",))


def containerd(version: str) -> Program:
    """containerd without the snapshotters that kind never selects."""
    module = "github.com/containerd/containerd/v2"
    return Program(
        name="containerd",
        modules={module: version},
        packages=tuple(f"{module}/cmd/{name}" for name in ("containerd", "ctr", "containerd-shim-runc-v2")),
        tags="no_btrfs,no_devmapper,no_zfs,urfave_cli_no_docs,osusergo,netgo,static_build",
        ldflags=f"-X {module}/version.Version={version}",
    )


def runc(version: str) -> Program:
    """runc with seccomp, fully static; the only program that needs a C compiler and libseccomp's headers."""
    module = "github.com/opencontainers/runc"
    return Program(
        name="runc",
        modules={module: version},
        packages=(module,),
        tags="seccomp,urfave_cli_no_docs",
        ldflags=f"-linkmode external -extldflags -static -X main.version={version.removeprefix('v')}",
        cgo=True,
    )


def cni_plugins(version: str) -> Program:
    """The plugins that a node's network needs."""
    module = "github.com/containernetworking/plugins"
    names = ("ipam/host-local", "main/loopback", "main/ptp", "meta/portmap")
    return Program(
        name="cni-plugins",
        modules={module: version},
        packages=tuple(f"{module}/plugins/{name}" for name in names),
        ldflags=f"-X {module}/pkg/utils/buildversion.BuildVersion={version}",
    )


def crictl(version: str) -> Program:
    """crictl, with which kind looks into nodes."""
    module = "sigs.k8s.io/cri-tools"
    return Program(
        name="crictl",
        modules={module: version},
        packages=(f"{module}/cmd/crictl",),
        ldflags=f"-X {module}/pkg/version.Version={version}",
    )


def local_path_provisioner(version: str) -> Program:
    """The provisioner behind the default StorageClass."""
    module = "github.com/rancher/local-path-provisioner"
    return Program(
        name="local-path-provisioner",
        modules={module: version},
        packages=(module,),
        ldflags=f"-X main.VERSION={version}",
    )


def etcd(version: str) -> Program:
    """etcd and etcdctl."""
    return Program(
        name="etcd",
        modules={"go.etcd.io/etcd/server/v3": version, "go.etcd.io/etcd/etcdctl/v3": version},
        packages=("go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/etcdctl/v3"),
    )


def coredns(version: str) -> Program:
    """CoreDNS with the plugins of a cluster's DNS."""
    module = "github.com/coredns/coredns"
    imports = [f"{module}/plugin/{name}" for name in _COREDNS_PLUGINS]
    lines = "".join(f'\t_ "{path}"\n' for path in ("github.com/coredns/caddy/onevent", *imports))
    return Program(
        name="coredns",
        modules={module: version},
        packages=(),
        tags="grpcnotrace",
        main=f'package main\n\nimport (\n{lines}\n\t"{module}/coremain"\n)\n\nfunc main() {{ coremain.Run() }}\n',
    )


def kubernetes(tag: str, built: str) -> Program:
    """The seven programs of one Kubernetes version; `built` is the tag's own date, so that a build is repeatable.

    kubeadm computes the versions it supports from gitMajor and gitMinor: they must be there.
    """
    major, minor = re.match(r"v(\d+)\.(\d+)", tag).groups()  # type: ignore[union-attr]  # tags are checked by versions
    values = {
        "gitVersion": tag,
        "gitMajor": major,
        "gitMinor": minor,
        "gitTreeState": "archive",
        "gitCommit": "unknown",
        "buildDate": built,
    }
    packages = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
    return Program(
        name="kubernetes",
        modules={KUBERNETES: tag},
        packages=tuple(f"{KUBERNETES}/cmd/{name}" for name in KUBERNETES_PROGRAMS),
        tags="selinux,notest,grpcnotrace",
        ldflags=" ".join(f"-X {package}.{key}={value}" for package in packages for key, value in values.items()),
    )


def kubernetes_go_mod(upstream: str, tag: str) -> str:
    """Make the go.mod that builds Kubernetes from outside out of upstream's own.

    Upstream pins its staging modules to v0.0.0 and replaces them by folders of its repository, which do not reach a
    consumer; each is published under the same number with major 0. Everything else stays pinned as upstream has it.
    """
    staged = sorted(set(re.findall(r"^\t(k8s\.io/\S+) v0\.0\.0\b(?!-)", upstream, re.MULTILINE)))
    number = "v0." + tag.removeprefix("v").partition(".")[2]
    without_folders = re.sub(r"^.*=> \./staging/.*\n", "", upstream, flags=re.MULTILINE)
    renamed = without_folders.replace(f"module {KUBERNETES}\n", "module kubernetes-node\n", 1)
    replaces = "".join(f"\t{module} => {module} {number}\n" for module in staged)
    return f"{renamed}\nrequire {KUBERNETES} {tag}\n\nreplace (\n{replaces})\n"


def pause_source(kubernetes_module: Path) -> Path:
    """Where a Kubernetes module has the source of the pause container's only program."""
    return kubernetes_module / "build" / "pause" / "linux" / "pause.c"
