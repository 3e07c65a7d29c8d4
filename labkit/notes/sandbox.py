"""Where notes are typed: a container without the engine, without folders of the machine, and without a network.

It reaches one address, the API server of the throw-away cluster, through the socket of another container, the gate.
What is typed may do there what it likes: it is nobody, it may do nothing to the kernel, and memory, processes, disk
and time have an end.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import IO, Any

import yaml

from labkit import sample_images
from labkit.cluster import LabCluster, marks
from labkit.cluster.nodes import answering, engine
from labkit.manifests import naming
from labkit.progress import Progress
from labkit.sample_images import Image
from labkit.trouble import CannotRun, Inconclusive

MEMORY, PROCESSES, DISK = "320m", 200, "64m"
"""Of one sandbox. kubectl takes some 60 MB for a moment."""

STEP_S = 30.0
"""Seconds for one command; kubectl's own commands end in one or two."""

ANSWER_S = 20.0
"""Seconds beyond a command's own for the sandbox to say that it has ended."""

API_PORT = 6443
"""Where kind's control plane listens. Source: kind v0.33.0, pkg/cluster/internal/providers/common/constants.go."""


@dataclass(frozen=True)
class Said:
    """What came of one command."""

    rc: int
    stdout: str
    stderr: str
    seconds: float
    ended: str = ""
    """timeout; shell where it left the shell that it was typed into; sandbox where that has no room; else nothing."""

    @property
    def text(self) -> str:
        return "\n".join(part for part in (self.stdout.rstrip("\n"), self.stderr.rstrip("\n")) if part)


class Ended(Inconclusive):
    """A sandbox is gone: it was out of memory, or the engine ended it."""


class Sandbox:
    """One container with one shell."""

    def __init__(self, child: subprocess.Popen[str]) -> None:
        self._child = child

    def write(self, path: str, text: str) -> Said:
        """Put a file where the shell began, or at a path in it; rc 1 where that cannot be."""
        return self._ask({"write": path, "text": text}, STEP_S)

    def type(self, script: str, *, stdin: str | None = None, endless: bool = False, timeout_s: float = STEP_S) -> Said:
        """Type something; one that is endless is left going as soon as it has said something. Raises Ended."""
        return self._ask({"run": script, "stdin": stdin, "timeout_s": timeout_s, "endless": endless}, timeout_s)

    def _ask(self, asked: Mapping[str, Any], timeout_s: float) -> Said:
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        bound = threading.Timer(timeout_s + ANSWER_S, self._child.kill)
        bound.daemon = True
        bound.start()
        try:
            self._child.stdin.write(json.dumps(asked) + "\n")
            self._child.stdin.flush()
            answer = self._child.stdout.readline()
        except OSError:
            answer = ""
        finally:
            bound.cancel()
        if not answer:
            raise Ended("the sandbox has ended: it had no more memory, processes or disk than one scenario may take")
        return Said(**json.loads(answer))


class Sandboxes:
    """All sandboxes of one check on one cluster, with their gate."""

    def __init__(self, cluster: LabCluster, image: str, volume: str, network: str) -> None:
        self._cluster = cluster
        self._image = image
        self._volume = volume
        self._network = network
        self._open: set[subprocess.Popen[str]] = set()
        self._ended = False
        self._lock = threading.Lock()

    def end(self) -> None:
        """End all sandboxes that are open, whatever is being typed there, and open no more: who types gets Ended."""
        with self._lock:
            self._ended = True
            for child in self._open:
                child.kill()

    def _opened(self, child: subprocess.Popen[str]) -> None:
        with self._lock:
            self._open.add(child)
            if self._ended:
                child.kill()

    @contextlib.contextmanager
    def one(self, namespace: str) -> Iterator[Sandbox]:
        """Have a sandbox whose kubectl is in this namespace of the cluster; it goes however the block ends.

        Raises: Ended after `end`; CannotRun where the engine's command line is not there.
        """
        if self._ended:
            raise Ended("all sandboxes have been ended")
        name = f"{self._cluster.name}-notes-{secrets.token_hex(4)}"
        argv = [
            *_docker("run", self._cluster.name, namespace),
            *("--interactive", "--rm", "--name", name, "--network", "none", "--hostname", "notes"),
            *(
                "--read-only",
                "--cap-drop",
                "ALL",
                "--security-opt",
                "no-new-privileges",
                "--pids-limit",
                str(PROCESSES),
            ),
            *("--memory", MEMORY, "--memory-swap", MEMORY, "--cpus", "1", "--ulimit", "core=0", "--log-driver", "none"),
            *(
                "--tmpfs",
                f"/home/reader:rw,exec,nosuid,size={DISK},uid=1000,mode=755",
                "--tmpfs",
                f"/tmp:rw,size={DISK}",
            ),
            *("--tmpfs", "/steps:rw,nosuid,size=16m,uid=1000,mode=755"),
            *("--volume", f"{self._volume}:/gate:ro", self._image, "shell"),
        ]
        try:
            child = _start(argv, self._cluster.environment)
            self._opened(child)
            sandbox = Sandbox(child)
            sandbox.write(".kube/config", kubeconfig(self._cluster.kubeconfig_path.read_text(), namespace))
            yield sandbox
        finally:
            with answering(), contextlib.suppress(Exception):
                engine().containers.get(name).remove(force=True)
            with self._lock:
                self._open.discard(child)
            child.kill()
            _close(child)


@contextlib.contextmanager
def sandboxes(cluster: LabCluster, progress: Progress) -> Iterator[Sandboxes]:
    """Have sandboxes for a cluster for the length of a block.

    Raises: CannotRun where the image cannot be built.
    """
    image = build(cluster, progress)
    volume = f"{cluster.name}-gate-{secrets.token_hex(4)}"
    with answering():
        inspected = engine().containers.get(cluster.control_plane.name).attrs
        network = next(iter(inspected["NetworkSettings"]["Networks"]))
        engine().volumes.create(volume, labels={marks.CLUSTER_LABEL: cluster.name})
    argv = [
        *_docker("run", cluster.name, volume),
        *("--rm", "--name", volume, "--network", network, "--read-only", "--cap-drop", "ALL"),
        *("--security-opt", "no-new-privileges", "--pids-limit", "2000", "--memory", "256m", "--log-driver", "none"),
        *("--volume", f"{volume}:/gate", image, "gate", f"{cluster.control_plane.name}:{API_PORT}"),
    ]
    child = _start(argv, cluster.environment)
    try:
        assert child.stdout is not None
        if child.stdout.readline().strip() != "open":
            assert child.stderr is not None
            raise CannotRun(f"the gate to the cluster does not open: {_last(child.stderr)}")
        yield Sandboxes(cluster, image, volume, network)
    finally:
        with answering(), contextlib.suppress(Exception):
            engine().containers.get(volume).remove(force=True)
        child.kill()
        _close(child)
        with answering(), contextlib.suppress(Exception):
            engine().volumes.get(volume).remove(force=True)


def build(cluster: LabCluster, progress: Progress) -> str:
    """Build the sandbox's image with the cluster's own kubectl, but for an unchanged one; give its tag."""
    image = f"{naming.OURS}/notes:{cluster.kubernetes.removeprefix('v')}"
    with tempfile.TemporaryDirectory(dir=cluster.path) as folder:
        context = Path(folder)
        shutil.copyfile(cluster.kubectl_path, context / "kubectl")
        for name, source in (("Dockerfile", "sandbox.Dockerfile"), ("inside.py", "inside.py")):
            (context / name).write_text(resources.files("labkit.notes").joinpath(source).read_text(encoding="utf-8"))
        return sample_images.build(cluster.python_base, progress, [Image(image, context, on_nodes=False)])[image]


def kubeconfig(text: str, namespace: str) -> str:
    """Give a cluster's kubeconfig as it is within a sandbox: by the gate, and in a namespace."""
    content = yaml.safe_load(text)
    for cluster in content["clusters"]:
        cluster["cluster"]["server"] = "https://127.0.0.1:6443"
    for context in content["contexts"]:
        context["context"]["namespace"] = namespace
    return yaml.safe_dump(content)


def _docker(verb: str, cluster: str, namespace: str) -> list[str]:
    return ["docker", verb, *marks.marks(cluster, namespace)]


def _start(argv: list[str], env: Mapping[str, str]) -> subprocess.Popen[str]:
    try:
        return subprocess.Popen(
            argv,
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
        )
    except OSError as error:
        raise CannotRun(f"docker cannot be started ({error.strerror}): install its command line") from error


def _last(stream: IO[str]) -> str:
    return " ".join(stream.read().split())[-300:]


def _close(child: subprocess.Popen[str]) -> None:
    for stream in (child.stdin, child.stdout, child.stderr):
        if stream:
            with contextlib.suppress(OSError):
                stream.close()
    child.wait()
