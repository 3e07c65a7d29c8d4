"""The cluster that a run's options ask for: one of its own, a kept one, or that of a context."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest

from labkit import sample_images
from labkit.cluster import consent, existing_lease, minikube_lease
from labkit.cluster.existing import ExistingCluster
from labkit.cluster.minikube_profile import Profile
from labkit.cluster.own import OwnCluster
from labkit.cluster.provision import running
from labkit.manifests.naming import Names
from labkit.progress import Progress
from labkit.supply import providing
from labkit.trouble import CannotRun

PYTEST_KINDS_OWN = "pytest-kind"
"""The default of pytest-kind's option --cluster-name; any other name is that of a kept cluster to share."""


def own(
    config: pytest.Config, logs: Path | None, stack: ExitStack, progress: Progress
) -> tuple[OwnCluster, Profile | None]:
    """Make a cluster, or take a kept one, and see to a minikube beside it where one is wanted. Raises CannotRun."""
    option, name = config.getoption, config.getoption("cluster_name")
    for only in ("image_registry", "allow_cluster_wide"):
        if option(only):
            raise CannotRun(f"--{only.replace('_', '-')} is for a cluster that is there: name it with --context")
    version = option("kubernetes") or "latest"
    # minikube first: where it is to be built and cannot be, no cluster is made in vain.
    source = minikube_lease.source(version, build=option("minikube"), progress=progress)
    cluster = stack.enter_context(
        running(
            version,
            nodes=option("nodes"),
            keep=option("keep_cluster"),
            name=None if name == PYTEST_KINDS_OWN else name,
            logs=logs,
            progress=progress,
        )
    )
    if not source:
        return cluster, None
    return cluster, stack.enter_context(minikube_lease.leased(source, cluster.kubectl_path, progress))


def of_context(context: str, config: pytest.Config, stack: ExitStack, progress: Progress) -> ExistingCluster:
    """Use the cluster that is there already under this context of the user's kubeconfig. Raises CannotRun."""
    option = config.getoption
    if option("kubernetes"):
        raise CannotRun("the version is that of the context's cluster: leave out --kubernetes, or leave out --context")
    if option("minikube") or option("keep_cluster") or option("cluster_name") != PYTEST_KINDS_OWN:
        raise CannotRun("--context uses a cluster as it is: leave out --minikube, --keep-cluster and --cluster-name")

    def ask(text: str) -> None:
        if capture := config.pluginmanager.getplugin("capturemanager"):
            capture.suspend_global_capture(in_=True)  # whoever has suspended the rest resumes this too
        consent.ask(text)

    def push(registry: str) -> Names:
        names = sample_images.build(providing.provide_python(progress), progress)
        return sample_images.push(sample_images.on_nodes(names), registry)

    return stack.enter_context(
        existing_lease.using(
            context,
            cluster_wide=option("allow_cluster_wide"),
            registry=option("image_registry"),
            keep=option("keep_namespaces"),
            at_a_time=int(getattr(config.option, "numprocesses", None) or 1),
            consent=consent.given if option("yes") else ask,
            push=push,
            progress=progress,
        )
    )
