"""A lab's words about Docker: its commands, the build contexts they read, and how an image comes to the cluster.

What is built and run is marked as the lab's and goes with it.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from labkit.cluster import Result, commands, marks
from labkit.cluster.labcluster import last_lines
from labkit.lab.errors import Accepted, Failed, NotSetUp
from labkit.lab.lab import Lab
from labkit.manifests import build_contexts

DOCKER_S = 120.0
"""Seconds after which a docker or kind that has not come back is given up; the verdict is then inconclusive."""

SETTINGS: Mapping[str, str] = {
    "BUILDX_BUILDER": "default",
    "BUILDKIT_PROGRESS": "plain",
}
"""The engine's own builder, and steps that can be read."""

LAYER = re.compile(r"^ ---> ([0-9a-f]{12})$", re.MULTILINE)
"""How the classic builder names the image of each step; what a later step fails on stays behind without a mark."""


class Docker:
    """What a lab function gets as `docker`: `docker("build .")` types `docker build .`.

    Names begin with the lab's namespace, so that no two labs meet. A build takes nothing from the cache unless it is
    `cache=True`: what another lab has built proves nothing here.
    """

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._env = {**lab.cluster.environment, **SETTINGS}
        # The user's own one, wherever it is; of other programs labs get the system's own first (labkit.environment).
        self._docker = shutil.which("docker") or "docker"
        self._layers: set[str] = set()
        self._on_engine = False

    @property
    def python(self) -> str:
        """The image with Python and pip on which the run's own images are built."""
        return self._lab.cluster.python_base

    def __call__(self, line: str, *, cache: bool = False) -> Result:
        """Type `docker <line>`. Raises Failed where it does not exit 0."""
        result = self.tried(line, cache=cache)
        if result.rc != 0:
            raise Failed(self._named(f"exit {result.rc}", line, result))
        return result

    def refused(self, line: str) -> Result:
        """Type `docker <line>`, which must be refused. Raises Accepted where it exits 0."""
        result = self.tried(line)
        if result.rc == 0:
            raise Accepted(self._named("was accepted", line, result))
        return result

    def tried(self, line: str, *, cache: bool = False) -> Result:
        """Type `docker <line>`, whatever comes of it: for `poll`, until it is refused or accepted."""
        line = self._lab.sabotaged(line)
        if not line:
            return commands.LEFT_OUT
        verb, *words = shlex.split(line)
        if verb in ("build", "run", "create"):
            if not self._on_engine:
                self._on_engine = True
                self._lab.undo(lambda: _engine_objects().remove_of_lab(self._lab.namespace, self._layers))
            words = [*marks.marks(self._lab.cluster.name, self._lab.namespace), *words]
        if verb in ("run", "create"):
            words = ["--pull=never", *words]
        if verb == "build":
            words = ["--force-rm", *([] if cache else ["--no-cache"]), *words]
        at_s = self._lab.clock()
        result = commands.run([self._docker, verb, *words], env=self._env, timeout_s=DOCKER_S)
        self._layers.update(LAYER.findall(result.stdout))
        self._lab.evidence.typed(at_s, result)
        return result

    def inspect(self, name: str) -> dict[str, Any]:
        """Read what the engine says of an image or a container. Raises Failed where there is none of that name."""
        said: list[dict[str, Any]] = json.loads(self(f"inspect {name}").stdout)
        return said[0]

    def context(self, name: str, **words: str) -> str:
        """Give the path of the build context images/<name> as a word of a line: `docker(f"build --tag app {path}")`.

        It is quoted, whatever the folders above are called; `{path}/Dockerfile` is one word as well.

        ${NAMESPACE} in a file stands for the lab's namespace, and `words` for what else differs from build to build:
        VERSION="2" for ${VERSION}. Where a word or a sabotage changes a file, the path is that of a copy.
        """
        lab, as_written = self._lab, build_contexts.read(name)
        for file, text in as_written.items():
            lab.evidence.applied(f"images/{name}/{file}", text)
        files = lab.sabotaged_files(name, build_contexts.place(as_written, NAMESPACE=lab.namespace, **words))
        if files == as_written:
            return shlex.quote(str(build_contexts.path_of(name)))
        folder = Path(tempfile.mkdtemp(prefix=f"{lab.namespace}.", dir=lab.cluster.kubeconfig_path.parent))
        lab.undo(lambda: shutil.rmtree(folder, ignore_errors=True))
        build_contexts.write(files, folder)
        lab.evidence.called(str(folder), f"images/{name}")
        return shlex.quote(str(folder))

    def load(self, *images: str) -> None:
        """Load images from the engine onto the node where the lab's Pods run. Raises NotSetUp where kind does not."""
        lab, node = self._lab, self._lab.cluster.workers[0].name
        line = lab.sabotaged(f"load docker-image {' '.join(images)} --name {lab.cluster.name} --nodes {node}")
        if not line:
            return
        lab.undo(lambda: _engine_objects().forget(node, lab.namespace))
        at_s = lab.clock()
        result = commands.run([lab.cluster.kind_path, *shlex.split(line)], env=self._env, timeout_s=DOCKER_S)
        lab.evidence.typed(at_s, result)
        if result.rc != 0:
            raise NotSetUp(f"kind {line}: exit {result.rc}\n  {result.stderr.strip()}")

    def _named(self, how: str, line: str, result: Result) -> str:
        typed = self._lab.evidence.typing("docker", shlex.split(line))
        return f"{typed}: {how}\n  {self._lab.evidence.named(last_lines(result.stdout + result.stderr))}"


def _engine_objects() -> ModuleType:
    # Here and not above: few labs are about Docker, and the engine's client is a third of what a worker would import.
    from labkit.cluster import engine_objects  # noqa: PLC0415

    return engine_objects
