"""From a version to a running cluster and back: what the controlling process does around a run."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, wait
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import yaml

from labkit import sample_images
from labkit.cluster import api_objects, config, engine_objects, lease, network, nodes, programs, removal
from labkit.cluster.config import Host
from labkit.cluster.labcluster import LABEL
from labkit.cluster.lease import Lease
from labkit.cluster.nodes import answering, unpause
from labkit.cluster.nodes import engine as connection
from labkit.cluster.own import OwnCluster, timed
from labkit.cluster.threads import in_background
from labkit.paths import cache_dir
from labkit.progress import Progress
from labkit.supply import bounded_runtime, disk, engine, inotify, loopback, providing
from labkit.supply.engine import Engine
from labkit.supply.providing import Nodes, Supplies
from labkit.trouble import CannotRun, Inconclusive, unwritable

CLUSTER_GB = 0.3
"""Free space that a cluster asks for in the cache folder: its kubectl, of 60 MB, and the images on their way, of 70."""


@contextlib.contextmanager
def running(
    kubernetes: str | None,
    *,
    nodes: Nodes = "auto",
    keep: bool = False,
    name: str | None = None,
    logs: Path | None = None,
    progress: Progress,
) -> Iterator[OwnCluster]:
    """Have a cluster of a version for the length of a block; for the controlling process, in its main thread.

    kubernetes, nodes: as `providing.provide` takes them; None is the latest.
    name: use this kept cluster and no other, beside whoever else names it. Without it a kept cluster of that version is
    taken if nobody uses it and it is whole; it stays kept.
    keep: leave the cluster to the user afterwards.
    logs: the folder for what the nodes logged, if the cluster cannot be made.

    However the block ends, a cluster that is not kept is removed, within some removal.REMOVE_S seconds, and Ctrl-C and
    SIGTERM wait for that. SIGTERM ends the block only after `interruption.end_in_order` was called. What
    SIGKILL leaves behind is removed by the next run or by `down`.

    Raises: CannotRun when no such cluster can be had.
    """
    with contextlib.ExitStack() as undo:
        with _sentences():
            supplies = providing.provide(kubernetes or "latest", nodes=nodes, progress=progress)
            machine = engine.ensure(progress)
            loopback.need(machine, supplies.python_base)
            removal.remove_stale(progress)
            cluster = _named(name, supplies, progress, undo) if name else _kept(supplies, progress, undo)
            if cluster is None:
                cluster = _new(supplies, machine, keep, logs, progress, undo)
            cluster.here = machine.here
        yield cluster


def _new(
    supplies: Supplies, machine: Engine, keep: bool, logs: Path | None, progress: Progress, undo: contextlib.ExitStack
) -> OwnCluster:
    disk.require({cache_dir(): CLUSTER_GB})
    held = lease.grant(
        kubernetes=supplies.kubernetes,
        node_image=supplies.node_image,
        origin=supplies.origin,
        kind=str(supplies.kind),
        engine=nodes.engine_id(),
    )
    undo.callback(removal.part, held, progress)
    cluster = handle(held)
    cluster.ephemeral = not keep
    progress.say(f"creating cluster {cluster.name}: Kubernetes {cluster.kubernetes}, while the sample images build")
    with _logged(cluster, logs, progress), timed(cluster.phases, "cluster"):
        with _inotify_named(machine, supplies.node_image, progress):
            taken = nodes.make_network(cluster.name)
            ids = _create(cluster, supplies, _kind_config(cluster, supplies, machine, taken), progress)
            with timed(cluster.phases, "ready"):
                cluster.wait_ready()
                cluster.look()
        with timed(cluster.phases, "network"):
            cluster.establish_network()
    held.update(state=lease.KEPT if keep else lease.RUNNING, images=ids)
    progress.say(f"cluster {cluster.name} is up after {cluster.phases['cluster']:.0f} s")
    return cluster


@contextlib.contextmanager
def _inotify_named(machine: Engine, node_image: str, progress: Progress) -> Iterator[None]:
    """Raise this machine's limits of inotify before nodes start; of nodes that fail, name what is still too low."""
    if not machine.here:
        yield
        return
    inotify.raise_from_inside(machine.client, node_image, progress)
    try:
        yield
    except (CannotRun, Inconclusive) as trouble:
        if low := inotify.short():
            raise CannotRun(f"{trouble}; it may be that {inotify.told(low)}") from trouble
        raise


def _create(cluster: OwnCluster, supplies: Supplies, config_file: Path, progress: Progress) -> dict[str, str]:
    """Make cluster and images side by side and load the one into the other; give the images' ids by name."""

    def boot() -> None:
        cluster.nodes_up.wait()
        cluster.wait_booted()

    def fetch_kubectl() -> None:
        cluster.nodes_up.wait()
        cluster.fetch_kubectl()

    def load() -> dict[str, str]:
        built.result()
        archive = _save(cluster)
        booted.result()
        return _load(cluster, archive)

    built = in_background(lambda: _build(cluster, supplies, progress))
    made = in_background(lambda: cluster.create(config_file, progress=progress))
    booted = in_background(boot)
    kubectl = in_background(fetch_kubectl)
    loaded = in_background(load)
    sources: tuple[Future[Any], ...] = (built, made)
    for done in wait(sources, return_when=FIRST_EXCEPTION).done:
        done.result()
    kubectl.result()
    return loaded.result()


def _named(name: str, supplies: Supplies, progress: Progress, undo: contextlib.ExitStack) -> OwnCluster:
    held = lease.take(name, shared=True)
    if held is None or not held.record.kept:
        raise CannotRun(f"there is no kept cluster {name} that can be shared now: nox -s up makes one")
    undo.callback(removal.part, held, progress)
    programs.refuse_exchanged(handle(held))
    if held.record.kubernetes != supplies.kubernetes:
        raise CannotRun(
            f"cluster {name} runs {held.record.kubernetes}, not the {supplies.kubernetes} that was asked for"
        )
    return _checked(held, supplies, progress)


def _kept(supplies: Supplies, progress: Progress, undo: contextlib.ExitStack) -> OwnCluster | None:
    """Take a kept cluster that is what would be made now.

    Raises: CannotRun where it does not answer as it should. It is somebody's, and stays: what is wrong may be between
    here and there, and then a new cluster is no better.
    """
    here = nodes.engine_id()
    for record in lease.records():
        if not record.kept or not record.is_on(here) or record.kubernetes != supplies.kubernetes:
            continue
        if not _is_one_image(record.node_image, supplies.node_image):
            continue
        names = config.node_names(config.read(), record.cluster)
        if not nodes.all_run(record.cluster, names):
            progress.say(
                f"the kept cluster {record.cluster} stays, but not all of its nodes run: making another one"
                f" (docker start {' '.join(names)} may bring it back; nox -s down removes it)"
            )
            continue
        held = lease.take(record.cluster)
        if held is None:
            progress.say(f"the kept cluster {record.cluster} is in use by {record.holder}: making another one")
            continue
        with contextlib.ExitStack() as parting:
            parting.callback(removal.part, held, progress)
            # A run that was killed may have left nodes paused, what its labs have built, and their namespaces.
            # Nobody else uses them now.
            for node in names:
                unpause(node)
            engine_objects.remove_of_cluster(record.cluster)
            try:
                programs.put_back(handle(held), progress)
                cluster = _checked(held, supplies, progress)
                api_objects.delete(held.folder, f"{LABEL}={cluster.name}")
            except (CannotRun, Inconclusive) as trouble:
                raise CannotRun(
                    f"the kept cluster {record.cluster} cannot be used and stays as it is ({trouble}):"
                    f" {_what_to_do(record.cluster)}"
                ) from trouble
            undo.push(parting.pop_all())
            return cluster
    return None


def _what_to_do(cluster: str) -> str:
    """Say what may help with a kept cluster that cannot be used, by whether it is well seen from its own node."""
    ask = "kubectl --kubeconfig=/etc/kubernetes/admin.conf get --raw /readyz --request-timeout=5s"
    with contextlib.suppress(Inconclusive):
        code, _ = nodes.execute(f"{cluster}-control-plane", ask)
        if code == 0:
            return (
                "its API server answers inside its own node, so look at what lies between: a proxy,"
                " or a 127.0.0.1 that is not the engine's (a container, a network namespace)"
            )
    return "nox -s down removes it, and the next run makes another"


def _checked(held: Lease, supplies: Supplies, progress: Progress) -> OwnCluster:
    """Hold a kept cluster against what a new one would be, bring its images up to date, and give it."""
    cluster = handle(held)
    cluster.kind_path = supplies.kind  # the one that made it may be gone
    progress.say(f"using the kept cluster {cluster.name}: Kubernetes {cluster.kubernetes}")
    with timed(cluster.phases, "cluster"):
        _build(cluster, supplies, progress)
        cluster.wait_ready()
        cluster.look()
        cluster.establish_network()
        if not _ids(cluster).items() <= held.record.images.items():
            # What another checkout has loaded stays beside it.
            held.update(images={**held.record.images, **_load(cluster, _save(cluster))})
    return cluster


def _is_one_image(one: str, other: str) -> bool:
    """Tell whether two names are those of one image on the engine; a name that it does not know is none's."""
    if one == other:
        return True
    try:
        with answering():
            return _id(one) == _id(other)
    except Inconclusive:
        return False


def handle(held: Lease) -> OwnCluster:
    """Give the cluster of a lease, as it was made."""
    record = held.record
    return OwnCluster(
        record.cluster,
        folder=held.folder,
        kind_path=Path(record.kind),
        image=record.node_image,
        kubernetes=record.kubernetes,
        origin=record.origin,
    )


def _kind_config(cluster: OwnCluster, supplies: Supplies, machine: Engine, taken: Sequence[IPv4Network]) -> Path:
    host = Host(
        cores=machine.cores,
        cgroup_v1=machine.cgroup_v1,
        # An engine elsewhere cannot be asked; the machines of such services lack nothing.
        lowers_oom_score=not machine.here or "CAP_SYS_RESOURCE" in bounded_runtime.bounding_set(_own_status()),
    )
    with answering():
        labels = connection().images.get(supplies.node_image).labels
    made_here = labels.get(network.ROUTES_LABEL) == network.ROUTES
    free = config.clear_of(config.read(), taken)
    patched = config.for_host(free, supplies.kubernetes, host, made_here=made_here)
    path = cluster.path / config.MADE_WITH
    path.write_text(yaml.safe_dump(patched, sort_keys=False))
    return path


def _own_status() -> str:
    return Path("/proc/self/status").read_text()


def _build(cluster: OwnCluster, supplies: Supplies, progress: Progress) -> None:
    cluster.python_base = supplies.python_base
    with timed(cluster.phases, "images"):
        cluster.images = sample_images.build(supplies.python_base, progress)


def _save(cluster: OwnCluster) -> Path:
    archive = cluster.path / "images.tar"
    with timed(cluster.phases, "save"):
        sample_images.save(sorted(sample_images.on_nodes(cluster.images).values()), archive)
    return archive


def _load(cluster: OwnCluster, archive: Path) -> dict[str, str]:
    """Load an archive of the images that Pods run, and remove it; give the images' ids by name."""
    try:
        with timed(cluster.phases, "load"):
            cluster.load_archive(archive, sample_images.on_nodes(cluster.images))
    finally:
        archive.unlink(missing_ok=True)
    return _ids(cluster)


def _ids(cluster: OwnCluster) -> dict[str, str]:
    return {name: _id(name) for name in sample_images.on_nodes(cluster.images).values()}


def _id(image: str) -> str:
    with answering():
        return str(connection().images.get(image).id)


@contextlib.contextmanager
def _logged(cluster: OwnCluster, logs: Path | None, progress: Progress) -> Iterator[None]:
    """Leave what the nodes logged in the folder `logs`, if one is given, when the block fails."""
    try:
        yield
    except (CannotRun, Inconclusive):
        if logs:
            cluster.export_logs(logs, progress)
        raise


@contextlib.contextmanager
def _sentences() -> Iterator[None]:
    """Before a cluster is there, whatever is in the way means that the run cannot start."""
    try:
        yield
    except Inconclusive as trouble:
        raise CannotRun(str(trouble)) from trouble
    except OSError as error:
        raise unwritable(cache_dir(), error, move="set LABS_CACHE to another folder") from error
