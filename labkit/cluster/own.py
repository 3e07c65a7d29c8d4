"""OwnCluster: a kind cluster that this process makes, looks after and removes; for workers it is a LabCluster."""

from __future__ import annotations

import contextlib
import io
import re
import tarfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import tenacity
import yaml
from pytest_kind import KindCluster  # type: ignore[import-untyped]

from labkit.cluster import commands, config, network, node_status, nodes
from labkit.cluster.commands import Result
from labkit.cluster.labcluster import LabCluster, last_lines
from labkit.cluster.threads import at_once
from labkit.manifests.naming import Names
from labkit.observe.api import Api
from labkit.observe.connection import connection_of
from labkit.progress import Progress
from labkit.trouble import CannotRun, Inconclusive

CREATE_S = 900
"""Seconds kind is given for a cluster; it took 30 on two idle cores."""

READY_S = 180
"""Seconds from the last join until all nodes are Ready; it took 1 to 5."""

LOGS_S = 120
"""Seconds for kind to collect what all nodes logged; it took 5."""

BOOT_S = 90
"""Seconds for a node to boot to its containerd; 2 to 5."""

NETWORK_VARIABLE = "KIND_EXPERIMENTAL_DOCKER_NETWORK"
"""Names the engine's network for the nodes. Source: kind v0.33.0, providers/docker/provider.go."""

_STAGES = {
    "Preparing nodes": "nodes",
    "Writing configuration": "configuration",
    "Starting control-plane": "kubeadm init",
    "Installing CNI": "cni",
    "Installing StorageClass": "storage",
    "Joining worker nodes": "kubeadm join",
}
"""kind's words for what it is doing (v0.33.0, pkg/cluster/internal/create), and ours for the cost report."""


class OwnCluster(LabCluster, KindCluster):  # type: ignore[misc]  # pytest-kind carries no types
    """A kind cluster of ours, as the process has it that answers for it.

    What is inherited of pytest-kind is the shape: `name`, `image`, `path`, `kind_path`, `kubectl_path`,
    `kubeconfig_path`. That parent downloads old binaries unchecked, writes below the current directory, loses stderr
    and does not wait: none of its methods is called.
    """

    def __init__(self, name: str, *, folder: Path, kind_path: Path, image: str, kubernetes: str, origin: str) -> None:
        # Not super().__init__: all that pytest-kind's does beyond this is to make a folder below the current directory.
        LabCluster.__init__(
            self, name, folder=folder, kind_path=kind_path, image=image, kubernetes=kubernetes, origin=origin
        )
        self.nodes_up = threading.Event()
        """Set once the containers of all nodes run as kind configured them, booted or booting."""

    @property
    def networks(self) -> config.Networks:
        """The address ranges of Pods and Services, as the cluster was made with them."""
        made = self.path / config.MADE_WITH
        return config.networks(yaml.safe_load(made.read_text()) if made.exists() else config.read())

    def create(self, config_file: str | Path | None = None, *, progress: Progress | None = None) -> None:
        """Make the cluster with kind; `nodes_up` tells when its nodes run, `look` what came of it.

        Raises: CannotRun with kind's last lines. Whatever was made by then is still there, and `nodes_up` says nothing.
        """
        argv: list[str | Path] = [self.kind_path, "create", "cluster", "--name", self.name, "--image", self.image]
        argv += ["--kubeconfig", self.kubeconfig_path, *(["--config", config_file] if config_file else [])]
        stages = _Stages(self, progress)
        with timed(self.phases, "create"):
            # Without --wait: kind would ask for the control plane only, and `wait_ready` waits for every node.
            env = {**self.environment, NETWORK_VARIABLE: self.name}
            result = commands.follow(argv, env=env, timeout_s=CREATE_S, each=stages.line)
            stages.close()
        if result.rc:
            raise CannotRun(why_kind_failed(result))
        self.nodes_up.set()

    def fetch_kubectl(self) -> None:
        """Copy kubectl out of the control plane's node: the only one that is sure to fit the cluster."""
        half = self.kubectl_path.with_suffix(".new")
        with nodes.answering(), half.open("wb") as file:
            stream, _ = nodes.engine().containers.get(f"{self.name}-control-plane").get_archive("/usr/bin/kubectl")
            with tarfile.open(fileobj=_Reader(stream), mode="r|") as archive:
                member = archive.next()
                source = archive.extractfile(member) if member else None
                if source is None:
                    raise CannotRun(f"the node image {self.image} has no /usr/bin/kubectl: it is no kind node image")
                while chunk := source.read(1 << 20):
                    file.write(chunk)
        half.chmod(0o755)
        half.replace(self.kubectl_path)

    def load_archive(self, archive: Path, names: Names) -> None:
        """Load an archive of images onto all nodes at once, under both of their names: manifests applied by hand work.

        Raises: CannotRun with kind's last lines.
        """
        argv: list[str | Path] = [self.kind_path, "load", "image-archive", "--name", self.name, archive]
        result = commands.run(argv, env=self.environment, timeout_s=CREATE_S)
        if result.rc:
            raise CannotRun(f"the sample images cannot be loaded onto the nodes: {last_lines(result.stderr)}")
        tag = "ctr --namespace=k8s.io images tag --force"
        script = "\n".join(["set -e", *(f"{tag} {meant} {said}" for said, meant in names.items())])
        for code, output in at_once(lambda node: nodes.execute(node, script), nodes.names(self.name)):
            if code:
                raise CannotRun(f"the sample images cannot be named on the nodes: {last_lines(output)}")

    def export_logs(self, folder: Path, progress: Progress) -> None:
        """Put what the nodes and all that runs on them logged into a folder; where that fails, say so."""
        argv: list[str | Path] = [self.kind_path, "export", "logs", "--name", self.name, folder]
        try:
            result = commands.run(argv, env=self.environment, timeout_s=LOGS_S)
        except (CannotRun, Inconclusive) as trouble:
            progress.say(f"the logs of cluster {self.name} are lost: {trouble}")
            return
        lost = f" (not all of them: {last_lines(result.stderr)})" if result.rc else ""
        progress.say(f"the logs of cluster {self.name} are in {folder}{lost}")

    def wait_booted(self) -> None:
        """Wait until the nodes have booted to their containerd, and end dead addresses on them at once.

        Raises: Inconclusive when one has not after BOOT_S seconds.
        """
        # On cgroup v1 kind takes a node for booted as soon as its entrypoint starts, seconds before its containerd.
        names = nodes.names(self.name)
        at_once(_wait_for_containerd, names)
        # The first Pods come before kube-proxy's rules do. Refused, they ask again soon; sent out of the node, they
        # may wait for an answer for half a minute.
        network.close(names, self.networks)

    def wait_ready(self) -> None:
        """Wait until every node is Ready. Raises CannotRun when one is not after READY_S seconds."""
        # An API server that has just started, as after a restart of the engine, refuses what it soon allows.
        asking = tenacity.Retrying(
            retry=tenacity.retry_if_result(lambda waited: waited.rc != 0),
            stop=tenacity.stop_after_delay(READY_S),
            wait=tenacity.wait_fixed(1),
            retry_error_callback=lambda state: state.outcome.result() if state.outcome else None,
        )
        words = ("wait", "--for=condition=Ready", "node", "--all", f"--timeout={READY_S}s")
        waited: Result = asking(self.kubectl, *words, timeout_s=READY_S + 30)
        if waited.rc:
            raise CannotRun(f"a node of cluster {self.name} does not get ready: {last_lines(waited.stderr)}")

    def look(self) -> None:
        """Read the nodes from the API server and hold all versions against the one that was asked for.

        Raises: CannotRun when a node is not Ready or somebody runs another version; Inconclusive without an answer.
        """
        with Api(connection_of(self.kubeconfig_path)) as api:
            server = api.get("/version")["gitVersion"]
            items = api.get("/api/v1/nodes")["items"]
        if wrong := node_status.wrong_version(self.kubernetes, server, items):
            raise CannotRun(wrong)
        if late := node_status.not_ready(items):
            raise CannotRun(f"cluster {self.name} is not whole: {', '.join(late)} is not Ready")
        self.nodes = node_status.nodes_of(items)

    def establish_network(self) -> None:
        """Set up the network of all nodes, or set it up again, and wait until it is fit. Raises CannotRun."""
        with nodes.answering():
            labels = nodes.engine().containers.get(self.control_plane.name).labels
        routed = labels.get(network.ROUTES_LABEL) == network.ROUTES
        network.establish(self.nodes, self.networks, routed=routed)

    def delete(self) -> None:
        """Remove the nodes with their volumes; the folder stays with its lease."""
        nodes.remove(self.name)

    def ensure_kind(self) -> None:
        """The supply has seen to it; the parent would download."""

    def ensure_kubectl(self) -> None:
        """`fetch_kubectl` has seen to it; the parent would download."""

    def load_docker_image(self, docker_image: str) -> NoReturn:
        raise NotImplementedError(f"load {docker_image} with load_archive: one archive, all images, all nodes")

    def port_forward(self, *args: object, **options: object) -> NoReturn:
        raise NotImplementedError("run kubectl port-forward and read the port that it prints")


@tenacity.retry(
    retry=tenacity.retry_if_exception_type(Inconclusive),
    wait=tenacity.wait_fixed(0.2),
    stop=tenacity.stop_after_delay(BOOT_S),
    reraise=True,
)
def _wait_for_containerd(node: str) -> None:
    code, output = nodes.execute(node, "ctr version")
    if code:
        raise Inconclusive(f"containerd does not start on node {node}: {last_lines(output)}")


class _Stages:
    """Reads kind's output: how long each of its stages takes, and when the nodes are up."""

    def __init__(self, cluster: OwnCluster, progress: Progress | None) -> None:
        self._cluster = cluster
        self._progress = progress
        self._stage: tuple[str, float] | None = None

    def line(self, line: str) -> None:
        said = next((stage for words, stage in _STAGES.items() if re.match(rf"\s*•\s*{words}", line)), None)
        if said is None:
            return
        self.close()
        self._stage = (said, time.monotonic())
        if self._progress:
            self._progress.say(f"cluster {self._cluster.name}: {said}")
        if said == "kubeadm init":
            # Not before: kind restarts containerd when it writes a configuration with patches for it.
            self._cluster.nodes_up.set()

    def close(self) -> None:
        if self._stage:
            name, started = self._stage
            self._cluster.phases[name] = time.monotonic() - started
            self._stage = None


class _Reader(io.RawIOBase):
    """A stream of chunks as a file that can be read once."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._rest = b""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        while size < 0 or len(self._rest) < size:
            chunk = next(self._chunks, None)
            if chunk is None:
                break
            self._rest += chunk
        size = len(self._rest) if size < 0 else size
        given, self._rest = self._rest[:size], self._rest[size:]
        return given


@contextlib.contextmanager
def timed(phases: dict[str, float], name: str) -> Iterator[None]:
    """Write down the seconds that a block takes, also when it fails."""
    started = time.monotonic()
    try:
        yield
    finally:
        phases[name] = time.monotonic() - started


def why_kind_failed(result: Result) -> str:
    """Make one sentence of the end of kind's output, led by the cause where the output names a known one."""
    if result.rc < 0:
        return f"kind did not make the cluster within {CREATE_S} s or was killed: {last_lines(result.stdout)}"
    if "no space left on device" in result.stdout:
        return f"the disk is full, so kind cannot make a cluster: free some space ({last_lines(result.stdout, 1)})"
    return f"kind cannot make the cluster: {last_lines(result.stdout)}"
