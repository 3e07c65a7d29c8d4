"""What the cluster itself refuses to notes while they are checked: whatever would reach the machine through a node.

Reading a line tells what it would do before it is typed; what is written in another way is for admission to see. The
policies are in guard.yaml. They hold for everybody, so that they are on the cluster for the time of a check only.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from importlib import resources

import tenacity
import yaml

from labkit.cluster import LabCluster
from labkit.cluster.labcluster import LABEL
from labkit.trouble import CannotRun, Inconclusive

IN_FORCE_S = 30.0
"""Seconds for API servers to hold to a policy that they have been given; they take one or two."""

PROBE = """\
apiVersion: v1
kind: Pod
metadata: {name: kubernetes-notes-probe, namespace: default}
spec: {hostPID: true, containers: [{name: a, image: a}]}
"""
"""A Pod that is refused even as a dry run, the only one, so that nothing comes of asking whether the policy holds."""


@contextlib.contextmanager
def guarded(cluster: LabCluster) -> Iterator[None]:
    """Have the policies in force for the length of a block.

    Raises: CannotRun where the cluster does not take them, or does not hold to them.
    """
    try:
        put(cluster)
        yield
    finally:
        with contextlib.suppress(Inconclusive):  # a cluster that does not answer any more
            cluster.kubectl("delete", "-f", "-", "--ignore-not-found", "--wait=false", stdin=policies(cluster.name))


def put(cluster: LabCluster) -> None:
    """Put the policies onto a cluster, also those that notes have taken away or changed; return when all hold.

    Raises: CannotRun as `guarded` does.
    """
    said = cluster.kubectl("apply", "-f", "-", stdin=policies(cluster.name))
    if said.rc:
        raise CannotRun(f"the cluster does not take the policies that keep notes off this machine: {said}")
    if all(line.endswith(" unchanged") for line in said.stdout.splitlines()):
        return
    holds = tenacity.Retrying(
        retry=tenacity.retry_if_result(lambda refused: not refused),
        wait=tenacity.wait_fixed(0.2),
        stop=tenacity.stop_after_delay(IN_FORCE_S),
        retry_error_callback=lambda _: False,
    )
    if not holds(lambda: _refuses_the_probe(cluster)):
        raise CannotRun("the cluster does not hold to the policies that keep notes off this machine")


def _refuses_the_probe(cluster: LabCluster) -> bool:
    return "it would reach the machine" in cluster.kubectl("create", "--dry-run=server", "-f", "-", stdin=PROBE).stderr


def policies(cluster: str) -> str:
    """Give the policies and their bindings as YAML.

    They are labelled as all that a run makes in a whole cluster: should this one be killed, the next removes them.
    """
    text = resources.files("labkit.notes").joinpath("guard.yaml").read_text(encoding="utf-8")
    things = list(yaml.safe_load_all(text))
    for one in things:
        one["metadata"]["labels"] = {LABEL: cluster}
    return yaml.safe_dump_all(things)
