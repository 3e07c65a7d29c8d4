"""A lab's words about minikube: its commands, and kubectl, docker and a shell beside them, typed as a reader would.

All labs about minikube share one profile, one after another. The first one that wants it started starts it.
"""

from __future__ import annotations

import contextlib
import json
import re
import shlex
from collections.abc import Iterator, Sequence
from typing import Any

from labkit.cluster import Result, commands
from labkit.cluster.minikube_profile import Profile
from labkit.lab.errors import Accepted, Failed, NotSetUp
from labkit.lab.lab import Lab
from labkit.lab.place import KUBECTL_S
from labkit.observe.views import view

START = "start --container-runtime=docker"
"""How the shared profile is started: `minikube docker-env` wants Docker, which newer releases take only when told."""

MINIKUBE_S = 600.0
"""Seconds after which a minikube that has not come back is given up: 45 for a first start on two idle cores."""

ANSWERS_S = 120.0
"""Seconds in which a minikube that serves something must say where."""

URL = re.compile(r"https?://\S+")

_HOST_OR_CLUSTER = 1 | 2
"""Bits of the exit code of `minikube status`: the node's machine does not run; the kubelet or the API server does not.

The third, 4, says that kubectl's settings do not lead to it. Source: minikube v1.38.1, cmd/minikube/cmd/status.go.
"""


class Minikube:
    """What a lab function gets as `minikube`: `minikube("status")` types `minikube status`.

    Every lab has a kubeconfig of its own, empty at first, so that it sees what minikube writes there.
    """

    def __init__(self, profile: Profile, lab: Lab) -> None:
        self.profile = profile.name
        self._lab = lab
        self._programs = profile.programs
        self._kubeconfig = profile.folder / f"{lab.namespace}.kubeconfig"
        self._env = profile.environment(self._kubeconfig)
        self._namespace = ""
        lab.undo(lambda: self._kubeconfig.unlink(missing_ok=True))

    def __call__(self, line: str) -> Result:
        """Type `minikube <line>`. Raises Failed where it does not exit 0."""
        return _worked(f"minikube {line}", self.tried(line))

    def tried(self, line: str) -> Result:
        """Type `minikube <line>`, whatever comes of it: `status` tells by its exit code."""
        line = self._lab.sabotaged(line)
        return self._type(self._programs / "minikube", *shlex.split(line)) if line else commands.LEFT_OUT

    def refused(self, line: str) -> Result:
        """Type `minikube <line>`, which must be refused. Raises Accepted where it exits 0."""
        result = self.tried(line)
        if result.rc == 0:
            raise Accepted(f"minikube {line}: was accepted\n  {result.stdout.strip()}")
        return result

    @contextlib.contextmanager
    def serving(self, line: str) -> Iterator[str]:
        """Keep `minikube <line>` going for the time of the block; give the URL that it prints.

        Raises Failed where it ends without one, or prints none in time.
        """
        at_s, line = self._lab.clock(), self._lab.sabotaged(line)
        with commands.going([self._programs / "minikube", *shlex.split(line)], env=self._env) as program:
            try:
                said = program.line(lambda words: URL.fullmatch(words.strip()), timeout_s=ANSWERS_S)
                if said is None:
                    raise Failed(f"minikube {line}: names no URL\n  {program.result().stdout.strip()}")
                yield said.strip()
            finally:
                self._lab.evidence.typed(at_s, program.result())

    def kubectl(self, line: str) -> Result:
        """Type `kubectl <line>`, which knows what minikube wrote into the kubeconfig and nothing else.

        Raises Failed where it does not exit 0.
        """
        return _worked(f"kubectl {line}", self.kubectl_tried(line))

    def kubectl_tried(self, line: str) -> Result:
        """Type `kubectl <line>`, whatever comes of it."""
        line = self._lab.sabotaged(line)
        return (
            self._type(self._programs / "kubectl", *shlex.split(line), timeout_s=KUBECTL_S)
            if line
            else commands.LEFT_OUT
        )

    def shell(self, line: str) -> Result:
        """Have a shell read a line, for what no single program does: `eval $(minikube docker-env) && docker ps`.

        Raises Failed where it does not exit 0.
        """
        at_s, line = self._lab.clock(), self._lab.sabotaged(line)
        result = commands.run(["sh", "-c", line], env=self._env, timeout_s=MINIKUBE_S)
        self._lab.evidence.typed(at_s, result, line)
        return _worked(line, result)

    def started(self) -> None:
        """See that minikube runs, its node Ready, and that kubectl finds it, as a given. Raises NotSetUp otherwise."""
        status = self._type(self._programs / "minikube", "status")
        self._given("minikube", START if status.rc & _HOST_OR_CLUSTER else "update-context")
        # After a first start minikube does not wait for the node, which is tainted until it is Ready.
        self._given("kubectl", f"wait --for=condition=Ready nodes --all --timeout={ANSWERS_S:.0f}s")

    def absent(self) -> None:
        """See that there is no minikube, as a given: what another lab started is deleted. Raises NotSetUp."""
        # Without a profile there is nothing to delete, which takes no time and is no failure.
        self._given("minikube", "delete")

    def apply(self, file: str, **words: str) -> None:
        """Apply manifests/<file> with kubectl, in a namespace that goes with the lab. Raises Failed where refused.

        `words` are what only the lab knows: IMAGE="notes:1" for ${IMAGE}.
        """
        if not self._namespace:
            self._make_namespace()
        path = self._lab.file(file, **words)
        _worked(f"kubectl apply -f {file}", self._type(self._programs / "kubectl", "apply", "-f", path))

    def get(self, kind: str, name: str) -> Any:
        """Read an object now, with `kubectl get`: give its view. Raises Failed where there is none."""
        result = self._type(self._programs / "kubectl", "get", kind, name, "-o", "json", timeout_s=KUBECTL_S)
        raw = json.loads(_worked(f"kubectl get {kind} {name}", result).stdout)
        return view(kind, raw, seen_s=self._lab.clock())

    def _make_namespace(self) -> None:
        name = self._lab.namespace
        for line in (
            f"create namespace {name}",
            f"config set-context --current --namespace={name}",
            # A Pod that comes before its namespace's default ServiceAccount is refused.
            f"wait --for=create serviceaccount/default --timeout={KUBECTL_S:.0f}s",
        ):
            self._given("kubectl", line)
        self._namespace = name
        self._lab.undo(lambda: self._type(self._programs / "kubectl", "delete", "namespace", name, "--wait=false"))

    def _given(self, program: str, line: str) -> None:
        result = self._type(self._programs / program, *line.split())
        if result.rc:
            raise NotSetUp(f"{program} {line}: exit {result.rc}\n  {_end(result)}")

    def _type(self, *argv: Any, timeout_s: float = MINIKUBE_S) -> Result:
        at_s, (program, *words) = self._lab.clock(), map(str, argv)
        result = commands.run([program, *commands.filenames(words)], env=self._env, timeout_s=timeout_s)
        self._lab.evidence.typed(at_s, result.typed_as(*words))
        return result


def _worked(line: str, result: Result) -> Result:
    if result.rc:
        raise Failed(f"{line}: exit {result.rc}\n  {_end(result)}")
    return result


def _end(result: Result) -> str:
    """Give the last words of a command: minikube says on stderr why it gives up, after boxes of advice on stdout."""
    lines: Sequence[str] = [line.strip() for line in (result.stderr or result.stdout).splitlines() if line.strip()]
    return "\n  ".join(lines[-6:])
