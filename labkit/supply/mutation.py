"""Kubernetes' programs with one source file changed: built from the modules and compiled packages of a source build.

Go refuses to overlay files of its module cache, and a module that is replaced by a folder is compiled anew as a whole.
So the program is built with a module cache of its own: links to the product's, but for the one module with the changed
file, which is a copy of hard links. As paths are trimmed, all that does not depend on the file is found compiled: a
kubelet took 10 CPU seconds so, 5 of them for linking (v1.37.2).
"""

from __future__ import annotations

import dataclasses
import os
import shutil
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from labkit.supply import programs
from labkit.supply.process import Failed, ask
from labkit.supply.toolchain import Go
from labkit.trouble import CannotRun

BEHIND = 19
"""Niceness of the compiler: labs go before it."""


@dataclass(frozen=True)
class Built:
    """A program that was built, and what it took."""

    binary: Path
    seconds: float


@dataclass(frozen=True)
class _GoElsewhere(Go):
    """Go with a module cache in which everything is already."""

    modules: Path = Path()

    def environment(self, *, cgo: bool = False) -> dict[str, str]:
        return super().environment(cgo=cgo) | {"GOMODCACHE": str(self.modules), "GOPROXY": "off"}


class Mutation:
    """The sources of one Kubernetes version, and the building of its programs with one of them changed."""

    def __init__(self, go: Go, tag: str, folder: Path) -> None:
        """`folder`, which is made, is for what is built, on the file system of the cache folder.

        Raises: CannotRun when the version's modules cannot be had.
        """
        self._go = go
        self._tag = tag
        self._folder = folder
        self._module = go.download(programs.KUBERNETES, tag)
        self._prepared = False

    def source(self, file: str) -> str:
        """Give the source of a file, named by its module and path. Raises CannotRun where there is none."""
        path = self._path(file)
        try:
            return path.read_text(encoding="utf-8")
        except OSError as error:
            raise CannotRun(f"Kubernetes {self._tag} has no {file} ({error.strerror})") from error

    def build(self, program: str, file: str, content: str, name: str) -> Built:
        """Build a program with this content in place of a file's, into a folder of that name.

        Raises: CannotRun with the compiler's words.
        """
        started = time.monotonic()
        self._prepare()
        out = self._folder / name
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir(parents=True)
        with tempfile.TemporaryDirectory(dir=self._folder, prefix=f"{name}-") as scratch:
            modules = Path(scratch) / "modules"
            self._modules(modules, file, content)
            source = self._project(Path(scratch) / "source")
            go = _GoElsewhere(**dataclasses.asdict(self._go), modules=modules)
            recipe = programs.kubernetes(self._tag, self._module.time)
            recipe = dataclasses.replace(recipe, name=program, packages=(f"{programs.KUBERNETES}/cmd/{program}",))
            _go_behind()
            go.build_here(recipe, source, out, lambda _share: None)
        return Built(out / program, time.monotonic() - started)

    def _prepare(self) -> None:
        """See that all modules are here that the programs are made of; those of a source build are."""
        if self._prepared:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        commands = [f"{programs.KUBERNETES}/cmd/{name}" for name in programs.KUBERNETES_PROGRAMS]
        with tempfile.TemporaryDirectory(dir=self._folder, prefix="modules-") as scratch:
            source = self._project(Path(scratch) / "source")
            try:
                ask([self._go.binary, "list", "-deps", *commands], env=self._go.environment(), cwd=source)
            except Failed as failed:
                raise CannotRun(
                    f"the modules of Kubernetes {self._tag} cannot be had ({failed.last_words}):"
                    " see that the Go module proxy is in reach"
                ) from failed
        self._prepared = True

    def _project(self, folder: Path) -> Path:
        """Make a module that needs Kubernetes, as the programs of a node are built from one."""
        folder.mkdir()
        upstream = (self._module.folder / "go.mod").read_text()
        (folder / "go.mod").write_text(programs.kubernetes_go_mod(upstream, self._tag))
        shutil.copyfile(self._module.folder / "go.sum", folder / "go.sum")
        return folder

    def _modules(self, folder: Path, file: str, content: str) -> None:
        """Make a module cache that differs from the product's in one file."""
        real = Path(self._go.environment()["GOMODCACHE"])
        changed = self._path(file)
        module = real.joinpath(*changed.relative_to(real).parts[:2])
        (folder / module.parent.name).mkdir(parents=True)
        for one in [*real.iterdir(), *module.parent.iterdir()]:
            if one not in (module, module.parent):
                (folder / one.relative_to(real)).symlink_to(one)
        shutil.copytree(module, folder / module.relative_to(real), copy_function=_link)
        path = folder / changed.relative_to(real)
        path.unlink()
        path.write_text(content, encoding="utf-8")

    def _path(self, file: str) -> Path:
        """Give where a file of Kubernetes, or of one of the modules that are published with it, is in the cache."""
        host, name, rest = file.split("/", 2)
        module = f"{host}/{name}"
        number = self._tag if module == programs.KUBERNETES else "v0." + self._tag.partition(".")[2]
        return Path(self._go.environment()["GOMODCACHE"]) / host / f"{name}@{number}" / rest


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without hard links
        shutil.copyfile(source, target)


def _go_behind() -> None:
    """Put what this thread starts behind everything else that wants the cores; unless it is the main one, and stays."""
    if threading.current_thread() is not threading.main_thread():
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), BEHIND)
