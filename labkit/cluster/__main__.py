"""`nox -s up`, `nox -s down`: a cluster kept for its user, and the end of every cluster of ours; and a look at one."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from labkit import command
from labkit.cluster import consent, existing_lease, lease, network_from_pods, programs, provision, removal
from labkit.cluster.own import OwnCluster
from labkit.cluster.provision import running
from labkit.progress import Progress
from labkit.supply import engine
from labkit.trouble import CannotRun


def main(argv: Sequence[str] | None = None) -> int:
    """Do what the words say; give the exit code: 0, or 3 with one sentence on stderr."""
    asked = _parser().parse_args(argv)

    def act() -> int:
        asked.act(asked, Progress())
        return 0

    return command.run(act, interrupted="what was being made is removed again")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m labkit.cluster", description=__doc__)
    acts = parser.add_subparsers(required=True)
    up = acts.add_parser("up", help="make a cluster and keep it, or find the one that was kept")
    up.add_argument("--kubernetes", default="latest", metavar="VERSION", help="1.37, v1.36.4, 1.38.0-alpha.1 (latest)")
    up.add_argument(
        "--nodes", choices=("auto", "pull", "build"), default="auto", help="where the node image comes from"
    )
    up.set_defaults(act=_up)
    down = acts.add_parser("down", help="remove every cluster of ours that nobody uses")
    down.add_argument("--context", help="delete what labs have left on the cluster of a context instead")
    down.add_argument("--yes", action="store_true", help="ask for no consent")
    down.set_defaults(act=_down)
    look = acts.add_parser("check", help="look at the network of each kept cluster from Pods on all its nodes")
    look.set_defaults(act=lambda _, progress: _check(progress))
    return parser


def _up(asked: argparse.Namespace, progress: Progress) -> None:
    with running(asked.kubernetes, nodes=asked.nodes, keep=True, progress=progress) as cluster:
        _fit(cluster)
        print(f"cluster {cluster.name}, Kubernetes {cluster.kubernetes}, is yours until nox -s down:")
        print(f"  export KUBECONFIG={cluster.kubeconfig_path} KUBECTL_KUBERC=false")
        print(f"  {cluster.kubectl_path} get nodes")


def _down(asked: argparse.Namespace, progress: Progress) -> None:
    if asked.context:
        existing_lease.delete_all(asked.context, consent.given if asked.yes else consent.ask)
        print(f"nothing of labs is left on the cluster of context {asked.context}")
        return
    if not lease.records():
        print("there is no cluster of ours on this machine")
        return
    for record in lease.records():
        if record.maker == lease.CONTEXT:
            _clear(record)
    if all(record.maker == lease.CONTEXT for record in lease.records()):
        return
    engine.ensure(progress)
    removed, in_use, elsewhere = removal.remove_all(progress)
    for record in removed:
        print(f"removed {record.cluster}, Kubernetes {record.kubernetes}")
    for record in in_use:
        print(f"left {record.cluster} alone: {record.holder} uses it; end that first")
    for record in elsewhere:
        print(f"left {record.cluster} alone: another engine has it; name that one (DOCKER_HOST, docker context use)")


def _clear(record: lease.Record) -> None:
    held = lease.take(record.cluster)
    if held is None:
        print(f"left what {record.cluster} has on {record.origin} alone: {record.holder} uses it; end that first")
        return
    with held:
        existing_lease.clear(held)
        print(f"deleted what {record.cluster} has left on {record.origin}")


def _check(progress: Progress) -> None:
    kept = [record.cluster for record in lease.records() if record.kept and record.maker == lease.KIND]
    if not kept:
        raise CannotRun("there is no kept cluster to look at: nox -s up makes one")
    engine.ensure(progress)
    for name in kept:
        held = lease.take(name, shared=True)
        if held is None:
            print(f"left {name} alone: a run uses it")
            continue
        with held:
            cluster = provision.handle(held)
            programs.refuse_exchanged(cluster)
            cluster.look()
            _fit(cluster)
            print(f"{name}: Pods on all nodes reach each other, Services and DNS; dead addresses are refused")


def _fit(cluster: OwnCluster) -> None:
    if wrong := network_from_pods.check(cluster):
        raise CannotRun(f"the network of cluster {cluster.name} is not fit for labs: {'; '.join(wrong)}")


if __name__ == "__main__":
    sys.exit(main())
