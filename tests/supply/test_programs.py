"""Recipes: Kubernetes' go.mod from outside, the versions stamped into it, and what a build module says."""

from __future__ import annotations

import pytest

from labkit.supply import programs
from labkit.supply.toolchain import go_mod

UPSTREAM = """\
// This is a generated file. Do not edit directly.

module k8s.io/kubernetes

go 1.26.0

require (
\tgithub.com/google/cadvisor v0.56.2
\tk8s.io/api v0.0.0
\tk8s.io/klog/v2 v2.140.0
\tk8s.io/kube-openapi v0.0.0-20260317180543-43fb72c5454a
\tk8s.io/kubectl v0.0.0
)

replace (
\tk8s.io/api => ./staging/src/k8s.io/api
\tk8s.io/kubectl => ./staging/src/k8s.io/kubectl
)
"""


@pytest.mark.parametrize(
    ("tag", "number"), [("v1.37.0", "v0.37.0"), ("v1.34.4", "v0.34.4"), ("v1.38.0-alpha.1", "v0.38.0-alpha.1")]
)
def test_staging_modules_are_taken_as_published(tag: str, number: str) -> None:
    text = programs.kubernetes_go_mod(UPSTREAM, tag)
    assert f"\tk8s.io/api => k8s.io/api {number}\n" in text
    assert f"\tk8s.io/kubectl => k8s.io/kubectl {number}\n" in text
    assert f"require k8s.io/kubernetes {tag}\n" in text
    assert "./staging/" not in text
    assert "\nmodule kubernetes-node\n" in text


def test_third_party_pins_stay_upstreams() -> None:
    text = programs.kubernetes_go_mod(UPSTREAM, "v1.37.0")
    assert "\tgithub.com/google/cadvisor v0.56.2\n" in text
    assert "k8s.io/klog/v2 =>" not in text
    assert "k8s.io/kube-openapi =>" not in text


def test_kubernetes_knows_its_version_in_both_places() -> None:
    ldflags = programs.kubernetes("v1.37.0", "2026-08-26T10:44:20Z").ldflags
    for package in ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version"):
        for told in ("gitVersion=v1.37.0", "gitMajor=1", "gitMinor=37", "buildDate=2026-08-26T10:44:20Z"):
            assert f"-X {package}.{told}" in ldflags


def test_a_build_module_requires_exact_versions_and_nothing_else() -> None:
    assert go_mod(programs.etcd("v3.7.0")) == (
        "module etcd\n\ngo 1.24.0\n\nrequire (\n"
        "\tgo.etcd.io/etcd/etcdctl/v3 v3.7.0\n\tgo.etcd.io/etcd/server/v3 v3.7.0\n)\n"
    )


def test_coredns_has_the_plugins_of_a_clusters_corefile() -> None:
    main = programs.coredns("v1.14.6").main
    corefile = (
        "errors",
        "health",
        "ready",
        "kubernetes",
        "metrics",
        "forward",
        "cache",
        "loop",
        "reload",
        "loadbalance",
    )
    for plugin in corefile:
        assert f'\t_ "github.com/coredns/coredns/plugin/{plugin}"\n' in main
    assert "route53" not in main
