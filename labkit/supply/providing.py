"""Everything that a cluster of one version is made of, provided in one call: taken from here, pulled or built."""

from __future__ import annotations

import functools
import os
import sys
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from labkit.paths import cache_dir
from labkit.progress import Progress
from labkit.supply import (
    compiler,
    debian,
    disk,
    images,
    kind,
    loopback,
    meter,
    minikube,
    node,
    python_base,
    toolchain,
    versions,
)
from labkit.supply import engine as engines
from labkit.supply.cache import Workshop, alone
from labkit.supply.engine import Engine
from labkit.supply.meter import Meter
from labkit.supply.minikube import Minikube
from labkit.supply.process import aside
from labkit.supply.toolchain import Go
from labkit.supply.versions import Version
from labkit.trouble import CannotRun

Nodes = Literal["auto", "pull", "build"]
"""Where a node image that is not here yet may come from: wherever it can be had, a registry only, source only."""

Origin = Literal["here", "pulled", "built"]

BUILD_CACHE_GB = 9.0
"""Free space a build from source asks for in the cache folder: 2 of modules, 5 of compiled packages, 1.2 of parts."""

BUILD_ENGINE_GB = 2.0
"""Free space it asks for in the engine's folder: two images of some 0.7 GB and one that is superseded."""

PULL_ENGINE_GB = 2.0
"""Free space that a published node image asks for, packed and unpacked."""


@dataclass(frozen=True)
class Supplies:
    """What a cluster is made from."""

    kubernetes: str
    """The version in the node image: v1.37.0."""
    kind: Path
    node_image: str
    origin: Origin
    """Where the node image came from in this run."""
    python_base: str
    """The image that the sample images are built on."""


def provide(kubernetes: str, *, nodes: Nodes = "auto", progress: Progress) -> Supplies:
    """Provide everything that a cluster of one Kubernetes version is made of, and use what is here already.

    `kubernetes` is a minor, a tag or "latest" (see versions.yaml). Two runs that have something to make wait for each
    other. An interruption leaves whole parts only, and the next run goes on from them.

    Raises: CannotRun with one sentence that says what is missing and what to do.
    """
    wanted = versions.read().resolve(kubernetes)
    with disk.told_when_full(), engines.told_when_failing(), toolchain.told_when_refused():
        loopback.refuse_elsewhere()
        engine = engines.ensure(progress)
        if python := python_base.find(engine, versions.read()):
            loopback.need(engine, python)
        run = _Run(engine, wanted, nodes, progress)
        supplies = run.look()
        if supplies is None:
            with alone("supply", progress, "another run is making what clusters are made of"):
                supplies = run.look() or run.make()
    progress.say(
        f"Kubernetes {supplies.kubernetes}: node image {supplies.node_image} ({supplies.origin}),"
        f" kind {supplies.kind}, Python base {supplies.python_base}"
    )
    return supplies


def provide_python(progress: Progress) -> str:
    """Provide the image that the sample images are built on, and nothing else. Raises CannotRun."""
    with disk.told_when_full(), engines.told_when_failing(), toolchain.told_when_refused():
        engine, pinned = engines.ensure(progress), versions.read()
        if found := python_base.find(engine, pinned):
            return found
        with alone("supply", progress, "another run is making what clusters are made of"):
            workshop = Workshop(cache_dir(), progress, Meter(progress, "the Python base"))
            workshop.sweep()
            return python_base.find(engine, pinned) or python_base.provide(engine, workshop, pinned)


def provide_minikube(kubernetes: str, *, progress: Progress) -> Minikube:
    """Provide a minikube from source with all that it starts this version of Kubernetes from.

    Raises: CannotRun with one sentence that says what is missing and what to do.
    """
    wanted = versions.read().resolve(kubernetes)
    with disk.told_when_full(), engines.told_when_failing(), toolchain.told_when_refused():
        engine = engines.ensure(progress)
        run = _Run(engine, wanted, "build", progress, "minikube with Kubernetes")
        found = run.minikube_here()
        if found is None:
            with alone("supply", progress, "another run is making what clusters are made of"):
                found = run.minikube_here() or run.make_minikube()
    progress.say(f"minikube {found.binary} with Kubernetes {found.kubernetes} in {found.base_image}")
    return found


class _Run:
    """One call of `provide`."""

    def __init__(
        self, engine: Engine, wanted: Version, nodes: Nodes, progress: Progress, what: str = "Kubernetes"
    ) -> None:
        self._engine = engine
        self._wanted = wanted
        self._nodes = nodes
        self._progress = progress
        self._versions = versions.read()
        self._meter = Meter(progress, f"{what} {wanted.source}")
        self._workshop = Workshop(cache_dir(), progress, self._meter)

    def look(self) -> Supplies | None:
        """Give the supplies if all of them are here."""
        found_kind = kind.find(self._workshop, self._versions.kind)
        found_node = self._node_here()
        found_python = python_base.find(self._engine, self._versions)
        if found_kind and found_node and found_python:
            return Supplies(found_node.kubernetes, found_kind, found_node.image, "here", found_python)
        return None

    def make(self) -> Supplies:
        """Fetch or make what is missing; to be called by one process at a time."""
        self._workshop.sweep()
        images.remove_leftovers(self._engine)
        ready = self._node_here() or self._node_pulled()
        with aside() as beside:
            build = None if ready else self._node_build(beside)
            python = beside.submit(python_base.provide, self._engine, self._workshop, self._versions)
            found_kind = kind.find(self._workshop, self._versions.kind) or self._kind_built()
            if build:
                ready = _Node(self._wanted.source, build.finish(), "built")
            assert ready is not None
            return Supplies(ready.kubernetes, found_kind, ready.image, ready.origin, python.result())

    def minikube_here(self) -> Minikube | None:
        """Give minikube if all of it is here."""
        return minikube.find(self._engine, self._workshop, self._versions, self._wanted.source)

    def make_minikube(self) -> Minikube:
        """Make minikube, and what is missing of the node it shares parts with; by one process at a time."""
        self._workshop.sweep()
        images.remove_leftovers(self._engine)
        if not self._engine.here:
            raise CannotRun("minikube's node is put together on the machine of the engine: run this where it runs")
        self._prepare_build()
        self._meter.expect({part: seconds for part, seconds in meter.NODE.items() if part not in meter.NODE_ITSELF})
        self._meter.expect(meter.MINIKUBE)
        tag = self._wanted.source
        with aside() as beside:
            return minikube.MinikubeBuild(
                self._engine, self._go, self._workshop, self._versions, tag, beside=beside
            ).make()

    def _kind_built(self) -> Path:
        self._meter.expect(meter.KIND)
        return kind.build(self._workshop, self._go, self._versions.kind)

    def _node_here(self) -> _Node | None:
        published, ours = self._published(), self._ours()
        if self._nodes != "build" and images.has_image(self._engine, published):
            return _Node(self._wanted.tag, published, "here")
        if self._nodes != "pull" and images.has_image(self._engine, ours):
            return _Node(self._wanted.source, ours, "here")
        return None

    def _node_pulled(self) -> _Node | None:
        """Try to pull the published image; None when it is to be built instead."""
        if self._nodes == "build":
            return None
        published = self._published()
        self._progress.say(f"pulling the node image {published}")
        try:
            disk.require(self._on_engine(PULL_ENGINE_GB))
            images.pull(published, self._progress)
        except images.NotPulled as reason:
            if self._nodes == "pull":
                raise CannotRun(
                    f"the node image {published} could not be pulled ({reason}):"
                    " see to the registry, name another with LABS_NODE_REPOSITORY, or let it be built (--nodes auto)"
                ) from reason
            self._progress.say(f"not pulled ({reason}): building Kubernetes {self._wanted.source} from source")
            return None
        return _Node(self._wanted.tag, published, "pulled")

    def _prepare_build(self) -> None:
        """See that this machine can build, and install what it lacks."""
        if sys.platform != "linux":
            raise CannotRun("a node image can be built on Linux only: let it be pulled, or run this on Linux")
        if self._engine.architecture != self._go.architecture:
            raise CannotRun(
                f"the engine is a {self._engine.architecture} and this machine a {self._go.architecture}:"
                " build the node image on a machine like the engine's"
            )
        disk.require({cache_dir(): BUILD_CACHE_GB, **self._on_engine(BUILD_ENGINE_GB)})
        missing = []
        with self._workshop.scratch("compiler") as scratch:
            for need in (debian.need_mmdebstrap, functools.partial(compiler.need_compiler, scratch)):
                try:
                    need(self._progress)
                except CannotRun as trouble:
                    missing.append(str(trouble))
        if missing:  # all of it at once: who installs the one need not come back for the other
            raise CannotRun("; ".join(missing))

    def _node_build(self, beside: Executor) -> node.NodeBuild:
        """Begin to build, once it is clear that this can go through."""
        self._prepare_build()
        self._meter.expect(meter.NODE)
        tag = self._wanted.source
        build = node.NodeBuild(self._engine, self._go, self._workshop, self._versions, tag, beside=beside)
        build.begin()
        return build

    @functools.cached_property
    def _go(self) -> Go:
        return toolchain.find_go(self._workshop)

    def _published(self) -> str:
        """Name the published image: by tag and digest, or by tag alone where versions.yaml pins none."""
        repository = os.environ.get("LABS_NODE_REPOSITORY") or self._versions.node_repository
        tagged = f"{repository}:{self._wanted.tag}"
        return f"{tagged}@{self._wanted.digest}" if self._wanted.digest else tagged

    def _ours(self) -> str:
        return node.image_name(self._wanted.source, self._versions, self._engine.architecture)

    def _on_engine(self, gigabytes: float) -> dict[Path, float]:
        """What to ask of the engine's disk, where that is on this machine."""
        return {self._engine.data_root: gigabytes} if self._engine.data_root else {}


@dataclass(frozen=True)
class _Node:
    kubernetes: str
    image: str
    origin: Origin
