"""Removing clusters of ours: the one a run is done with, and those that killed runs left behind."""

from __future__ import annotations

import contextlib
import time

import psutil
import tenacity

from labkit import interruption
from labkit.cluster import config, engine_objects, lease, nodes
from labkit.cluster.commands import LEASE_VARIABLE
from labkit.cluster.lease import Lease, Record
from labkit.progress import Progress
from labkit.trouble import CannotRun, Inconclusive

REMOVE_S = 120.0
"""Seconds for the engine to be rid of a cluster's nodes: 2 on two idle cores, more while it is still making one."""


class _StillThere(Exception):
    pass


def remove(held: Lease) -> None:
    """Remove a cluster with all that belongs to it, in whatever state it is, then its lease.

    Raises: CannotRun when something of it is still there after REMOVE_S seconds; the lease then stays for the next try.
    """
    record = held.record
    end_children(record.cluster)
    # Of a cluster that was whole nothing can still be under way; of the others the engine may be making a node now.
    whole = record.state != lease.CREATING or not record.node_image
    coming = () if whole else _node_names(record)

    def nothing_is_left() -> None:
        nodes.remove(record.cluster)
        if not all(nodes.name_is_free(name, record.cluster, record.node_image) for name in coming):
            raise _StillThere
        if nodes.of(record.cluster):
            raise _StillThere

    try:
        tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(_StillThere),
            wait=tenacity.wait_fixed(0.2),
            stop=tenacity.stop_after_delay(REMOVE_S),
            reraise=True,
        )(nothing_is_left)
    except _StillThere as error:
        raise CannotRun(
            f"the nodes of {record.cluster} are still there after {REMOVE_S:.0f} s:"
            f" see docker ps --all --filter name={record.cluster}"
        ) from error
    engine_objects.remove_of_cluster(record.cluster)
    # Last: what ran beside the nodes may have been on it.
    nodes.remove_network(record.cluster)
    if record.maker == lease.MINIKUBE:
        nodes.remove_volumes(record.cluster)
    held.forget()


def part(held: Lease, progress: Progress) -> None:
    """Let go of a cluster: a kept one stays, any other is removed; of one that cannot be, the lease stays too."""
    with interruption.held_off(), held:
        if held.record.kept:
            return
        progress.say(
            f"removing {'minikube' if held.record.maker == lease.MINIKUBE else 'cluster'} {held.record.cluster}"
        )
        try:
            remove(held)
        except (CannotRun, Inconclusive) as trouble:
            progress.say(f"{trouble}; nox -s down tries again")


def _node_names(record: Record) -> tuple[str, ...]:
    """Name the containers that are made for a cluster; minikube's node has the profile's name."""
    if record.maker == lease.MINIKUBE:
        return (record.cluster,)
    return config.node_names(config.read(), record.cluster)


def end_children(cluster: str) -> None:
    """Kill every process that was started for a cluster: its environment names the cluster, whoever its parent is.

    Raises: CannotRun when one is still there after REMOVE_S seconds.
    """
    started = time.monotonic()
    # Again and again: one that is about to die may just have started another.
    while found := [process for process in psutil.process_iter() if _is_child_of(process, cluster)]:
        if time.monotonic() - started > REMOVE_S:
            raise CannotRun(
                f"process {found[0].pid}, started for cluster {cluster}, cannot be killed: is a disk stuck?"
            )
        for process in found:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        # Briefly: where nobody reaps orphans (a container without an init) they stay, dead, and count no more.
        psutil.wait_procs(found, timeout=0.1)


def _is_child_of(process: psutil.Process, cluster: str) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE and process.environ().get(LEASE_VARIABLE) == cluster
    except (psutil.Error, OSError):
        return False


def remove_stale(progress: Progress) -> None:
    """Remove what killed runs left on this engine, and what is left of kept clusters whose nodes somebody removed."""
    here = nodes.engine_id()
    for record in lease.records():
        if record.maker == lease.CONTEXT or not record.is_on(here):
            continue  # a run on clusters of ours has no business with somebody's own, nor with another engine's
        if record.kept and nodes.all_there(record.cluster, _node_names(record)):
            continue
        if held := lease.take(record.cluster):
            with held:
                why = "kept, but its nodes are gone" if held.record.kept else "left by a run that was killed"
                progress.say(f"removing {record.cluster}: {why}")
                remove(held)


def remove_all(progress: Progress) -> tuple[list[Record], list[Record], list[Record]]:
    """Remove every cluster of ours that nobody uses. Gives those removed, those in use, and those of other engines."""
    here = nodes.engine_id()
    removed, in_use, elsewhere = [], [], []
    for record in lease.records():
        if record.maker == lease.CONTEXT:
            continue
        if not record.is_on(here):
            elsewhere.append(record)
            continue
        held = lease.take(record.cluster)
        if held is None:
            in_use.append(record)
            continue
        with held:
            progress.say(f"removing {record.cluster}")
            remove(held)
            removed.append(held.record)
    return removed, in_use, elsewhere
