"""Kubernetes' own programs on the nodes of a cluster: another one put in a program's place, and taken away again.

The true programs are never touched. A kubelet is covered by a bind mount on each node; into the container of a
control plane's program or of kube-proxy the other one is mounted from the node. So nothing has to be kept in order to
put the true ones back, and that is done whatever is in place, also by a later run when this one was killed: a file in
the cluster's folder tells that run of it.
"""

from __future__ import annotations

import contextlib
import copy
import io
import json
import shlex
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import tenacity
import yaml

from labkit import interruption
from labkit.cluster import nodes
from labkit.cluster.labcluster import LabCluster, last_lines
from labkit.cluster.threads import at_once
from labkit.progress import Progress
from labkit.trouble import CannotRun, Inconclusive

STATIC = ("kube-apiserver", "kube-controller-manager", "kube-scheduler")
"""Run by the control plane's kubelet from files in MANIFESTS."""

MANIFESTS = "/etc/kubernetes/manifests"

FOLDER = "/kind/labs-programs"
"""On the nodes, for what stands in the place of their own programs."""

RUNS_S = 120.0
"""Seconds for a program that was put in place to run: 1 for a kubelet, 2 for a static Pod on two idle cores."""

_WATCHING = ("kube-controller-manager", "kube-scheduler", "kube-proxy", "coredns", "local-path-provisioner")
"""Containers that hold watches of the API server; a node's CNI has none."""

_VOLUME = "labs-program"


_MARK = "exchanged"
"""Name of the file in the cluster's folder with the name of the program in whose place another one may be."""


class ProgramDoesNotRun(Exception):
    """A program that was put in place does not run; the message says which, and where."""


@contextlib.contextmanager
def exchanged(cluster: LabCluster, program: str, binary: Path) -> Iterator[None]:
    """Have the nodes run this binary as a program of theirs for the length of a block, and their own after it.

    Raises: ProgramDoesNotRun when it does not within RUNS_S seconds, CannotRun when afterwards their own does not.
    """
    (cluster.path / _MARK).write_text(program)
    try:
        _put(cluster, program, binary)
        yield
    finally:
        with interruption.held_off():
            _restore(cluster, program)
            (cluster.path / _MARK).unlink()


def put_back(cluster: LabCluster, progress: Progress) -> None:
    """Put the nodes' own programs back where a run that was killed has left another one. Raises CannotRun."""
    if program := _left(cluster):
        progress.say(f"a run that was killed may have left another {program} on {cluster.name}: putting its own back")
        _restore(cluster, program)
        (cluster.path / _MARK).unlink()


def refuse_exchanged(cluster: LabCluster) -> None:
    """Refuse a cluster that may have another program than its own. Raises CannotRun."""
    if program := _left(cluster):
        raise CannotRun(
            f"a run that was killed may have left another {program} on {cluster.name}: nox -s up puts its own back"
        )


def _left(cluster: LabCluster) -> str:
    try:
        return (cluster.path / _MARK).read_text()
    except OSError:
        return ""


def _put(cluster: LabCluster, program: str, binary: Path) -> None:
    """Have the nodes run this binary as a program of theirs, and wait until it does.

    Raises: ProgramDoesNotRun when it does not after RUNS_S seconds; what was put there is there.
    """
    where = _nodes_with(cluster, program)
    content = _tar(program, binary)

    def copy_to(node: str) -> None:
        _execute(node, f"mkdir -p {FOLDER}")
        with nodes.answering():
            nodes.engine().containers.get(node).put_archive(FOLDER, content)

    at_once(copy_to, where)
    if program == "kubelet":
        cover = f"mount --bind {FOLDER}/kubelet /usr/bin/kubelet"
        at_once(lambda node: _execute(node, f"{_STOP} && {cover} && systemctl start kubelet"), where)
    elif program in STATIC:
        manifest = _manifest(where[0], program)
        _write_manifest(where[0], program, covered(manifest, program))
    else:
        _change_proxy(cluster, lambda pod: covered(pod, program))
    _wait_for(where, program, "other")
    _watch_anew(cluster, program)


def _restore(cluster: LabCluster, program: str) -> None:
    """Have the nodes run their own program again, whatever is in its place; wait until they do.

    Raises: CannotRun when they do not after RUNS_S seconds, or a node did not do what was asked of it.
    """
    where = _nodes_with(cluster, program)
    try:
        if program == "kubelet":
            at_once(lambda node: _execute(node, f"{_STOP} && systemctl start kubelet"), where)
        elif program in STATIC:
            _write_manifest(where[0], program, uncovered(_manifest(where[0], program)))
        else:
            _change_proxy(cluster, uncovered)
        _wait_for(where, program, "own")
        _watch_anew(cluster, program)
        at_once(lambda node: _execute(node, f"rm -rf {FOLDER}"), where)
    except ProgramDoesNotRun as error:
        raise CannotRun(f"{error}, although it is the cluster's own again: nox -s down removes the cluster") from error
    except Inconclusive as error:
        raise CannotRun(f"{error}; its own {program} is not back: nox -s down removes the cluster") from error


_STOP = "systemctl stop kubelet && while mountpoint -q /usr/bin/kubelet; do umount /usr/bin/kubelet || exit; done"
"""Stops a kubelet, first because a program that runs keeps its mount busy, and uncovers the node's own."""


_WITHOUT_KUBELET = "set -o pipefail; trap 'systemctl start kubelet' EXIT; systemctl stop kubelet || exit 1;"
"""Begins a script that a node's kubelet must not see the middle of; it starts again however the script ends."""

_CRICTL = "crictl --timeout 30s"
"""By itself it gives the runtime 2 s, which is little on a busy machine."""


def covered(pod: dict[str, Any], program: str) -> dict[str, Any]:
    """Give a Pod, or a template of one, whose only container has a program from the node in place of its image's."""
    changed = uncovered(pod)
    spec = changed["spec"]
    spec.setdefault("volumes", []).append(
        {"name": _VOLUME, "hostPath": {"path": f"{FOLDER}/{program}", "type": "File"}}
    )
    mount = {"name": _VOLUME, "mountPath": f"/usr/local/bin/{program}", "readOnly": True}
    spec["containers"][0].setdefault("volumeMounts", []).append(mount)
    return changed


def uncovered(pod: dict[str, Any]) -> dict[str, Any]:
    """Give a Pod, or a template of one, with its image's own program."""
    changed = copy.deepcopy(pod)
    spec = changed["spec"]
    for holder, key in ((spec, "volumes"), *((container, "volumeMounts") for container in spec["containers"])):
        if key in holder:
            holder[key] = [one for one in holder[key] if one["name"] != _VOLUME]
    return changed


def _nodes_with(cluster: LabCluster, program: str) -> list[str]:
    """Name the nodes that run a program."""
    names = nodes.names(cluster.name)
    return [f"{cluster.name}-control-plane"] if program in STATIC else names


def _manifest(node: str, program: str) -> dict[str, Any]:
    manifest: dict[str, Any] = yaml.safe_load(_execute(node, f"cat {MANIFESTS}/{program}.yaml"))
    return manifest


def _write_manifest(node: str, program: str, manifest: dict[str, Any]) -> None:
    """Have the kubelet run a static Pod from this manifest, in 2 s.

    With the old Pod there the kubelet would try the new one again only after 10 s, and an API server waits 30 s for
    those that watch. So that goes while the kubelet does not run, and there is nothing to wait for.
    """
    text = shlex.quote(json.dumps(manifest, indent=1))
    path = f"{MANIFESTS}/{program}.yaml"
    old = f"{_CRICTL} pods --quiet --label component={program}"
    remove = f"{old} | xargs --no-run-if-empty {_CRICTL} rmp --force"
    # Whole or not at all: the way back is made from this very file.
    half = f"/etc/kubernetes/{program}.half"
    write = f"printf %s {text} > {half} && chmod 600 {half} && mv {half} {path}"
    _execute(node, f"{_WITHOUT_KUBELET} {remove} && {write}")


def _watch_anew(cluster: LabCluster, program: str) -> None:
    """Start anew what watches the API server, if that is the program that was exchanged.

    Who has lost it asks again after a second, then after two, four and so on, up to a minute: labs would meet
    controllers, a kube-proxy or a DNS that do not know yet of what the labs have made. A kubelet that starts has also
    forgotten how often it has restarted a container.

    Raises: ProgramDoesNotRun when the API server does not answer within RUNS_S seconds.
    """
    if program != "kube-apiserver":
        return
    answer = tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(Inconclusive),
        wait=tenacity.wait_fixed(0.3),
        stop=tenacity.stop_after_delay(RUNS_S),
        reraise=True,
    )
    try:
        answer(lambda: _kubectl(cluster, "get", "--raw", "/readyz"))
    except Inconclusive as error:
        raise ProgramDoesNotRun(f"the API server that was put in place does not get ready: {error}") from error
    those = f"{_CRICTL} ps --quiet --name '^({'|'.join(_WATCHING)})$'"
    stop = f"{those} | xargs --no-run-if-empty {_CRICTL} stop --timeout 1"
    at_once(lambda node: _execute(node, f"{_WITHOUT_KUBELET} {stop}"), nodes.names(cluster.name))


def _change_proxy(cluster: LabCluster, change: Any) -> None:
    """Change the template of kube-proxy's DaemonSet, and delete its Pods, so that all are made anew at once."""
    within = ("--namespace", "kube-system")
    daemon_set = json.loads(_kubectl(cluster, "get", "daemonset", "kube-proxy", "-o", "json", *within))
    daemon_set["spec"]["template"] = change(daemon_set["spec"]["template"])
    _kubectl(cluster, "replace", "-f", "-", *within, stdin=json.dumps(daemon_set))
    _kubectl(cluster, "delete", "pods", "-l", "k8s-app=kube-proxy", "--grace-period=1", *within)


def _kubectl(cluster: LabCluster, *words: str, stdin: str | None = None) -> str:
    result = cluster.kubectl(*words, stdin=stdin, timeout_s=RUNS_S)
    if result.rc:
        raise Inconclusive(f"kubectl {' '.join(words[:3])}: {last_lines(result.stderr)}")
    return result.stdout


def _wait_for(where: Sequence[str], program: str, wanted: Literal["own", "other"]) -> None:
    """Wait until each node runs one process of a program, and that the node's own one or the other one."""
    look = _WHICH.format(program=program, other=f"{FOLDER}/{program}")

    def one(node: str) -> bool:
        return _execute(node, look).split() == [wanted]

    def seen() -> list[str]:
        return [node for node, right in zip(where, at_once(one, where), strict=True) if not right]

    tenacity.Retrying(
        retry=tenacity.retry_if_result(bool),
        wait=tenacity.wait_fixed(0.3),
        stop=tenacity.stop_after_delay(RUNS_S),
        retry_error_callback=_does_not_run(program),
    )(seen)


def _does_not_run(program: str) -> Any:
    def give_up(state: tenacity.RetryCallState) -> None:
        assert state.outcome
        raise ProgramDoesNotRun(
            f"the {program} that was put in place does not run on {', '.join(state.outcome.result())}"
            f" after {RUNS_S:.0f} s"
        )

    return give_up


_WHICH = """\
for exe in $(find /proc/[0-9]*/exe -maxdepth 0 -lname '*/{program}' 2>/dev/null); do
  if test $exe -ef {other}; then echo other; else echo own; fi
done"""
"""Tells which file each process of a program really runs: what the API tells of static Pods may be old."""


def _execute(node: str, script: str) -> str:
    code, output = nodes.execute(node, script)
    if code:
        raise Inconclusive(f"node {node} did not do what was asked of it: {last_lines(output)}")
    return output


def _tar(name: str, binary: Path) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        info = tarfile.TarInfo(name)
        info.mode, info.size = 0o755, binary.stat().st_size
        with binary.open("rb") as file:
            archive.addfile(info, file)
    return buffer.getvalue()
