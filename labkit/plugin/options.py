"""The options of a run, which workers must know too."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("labs")
    group.addoption(
        "--kubernetes",
        default=None,
        metavar="VERSION",
        help="Kubernetes to judge: 1.37, v1.36.4, 1.38.0-alpha.1 (default: the latest)",
    )
    group.addoption(
        "--context", default=None, metavar="NAME", help="use the cluster of this context of your kubeconfig, as it is"
    )
    group.addoption(
        "--allow-cluster-wide",
        action="store_true",
        help="with --context: also the labs that change more than their own namespaces",
    )
    group.addoption(
        "--image-registry",
        default="",
        metavar="HOST/PATH",
        help="with --context: push the images there, and have the nodes pull them from there",
    )
    group.addoption("--yes", action="store_true", help="with --context: do not ask before a cluster is used")
    group.addoption(
        "--nodes", choices=("auto", "pull", "build"), default="auto", help="where the node image comes from"
    )
    group.addoption(
        "--minikube", action="store_true", help="build a minikube from source, for the labs that are about it"
    )
    group.addoption("--prove", action="store_true", help="run every claim's sabotages too: each must turn its lab red")
    group.addoption(
        "--changed",
        nargs="?",
        const="HEAD",
        default=None,
        metavar="REV",
        help="only labs whose source, manifests or words differ from a commit (HEAD: what is not committed)",
    )
    group.addoption("--keep-namespaces", action="store_true", help="leave each lab's namespace, until the next run")
    group.addoption(
        "--attach", default=None, help="(internal) observe on the cluster that another run describes in this file"
    )
    group.addoption(
        "--format",
        choices=("text", "json"),
        default="text",
        help="json: the results document alone on stdout, all else on stderr",
    )
    group.addoption(
        "--logs",
        default=None,
        metavar="FOLDER",
        help="where the nodes' logs go if a claim does not hold, or the run fails",
    )
