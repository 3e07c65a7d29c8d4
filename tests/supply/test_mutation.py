"""A program with one file changed, on modules that are a stand-in: what the compiler finds, and what stays."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from labkit.supply import mutation, programs
from labkit.supply.mutation import Mutation
from labkit.supply.toolchain import Go, Module, Program
from labkit.trouble import CannotRun

WORKER = "k8s.io/kubernetes/pkg/kubelet/worker.go"
LABEL = "k8s.io/kubectl/pkg/label.go"


class Compiler:
    """Stands for Go: gives the modules of a cache, and looks at what it is given to compile."""

    def __init__(self, modules: Path) -> None:
        self.modules = modules
        self.seen: dict[str, str] = {}
        self.programs: list[Program] = []
        self.environments: list[dict[str, str]] = []

    def file(self, name: str, text: str) -> Path:
        path = self.modules / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def build(self, go: Go, program: Program, source: Path, out: Path) -> None:
        environment = go.environment()
        modules = Path(environment["GOMODCACHE"])
        names = ["k8s.io/kubernetes@v1.37.2/pkg/kubelet/worker.go", "k8s.io/kubernetes@v1.37.2/pkg/other.go"]
        names += ["k8s.io/kubectl@v0.37.2/pkg/label.go", "github.com/one@v1/one.go"]
        self.seen = {name: (modules / name).read_text() for name in names}
        self.seen["go.mod"] = (source / "go.mod").read_text()
        self.programs.append(program)
        self.environments.append(environment)
        (out / program.name).write_text("built")


@pytest.fixture
def compiler(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Compiler:
    compiler = Compiler(cache / "go" / "mod")
    compiler.file("k8s.io/kubernetes@v1.37.2/pkg/kubelet/worker.go", "true worker")
    compiler.file("k8s.io/kubernetes@v1.37.2/pkg/other.go", "other")
    compiler.file("k8s.io/kubectl@v0.37.2/pkg/label.go", "true label")
    compiler.file("github.com/one@v1/one.go", "one")
    module = compiler.file("k8s.io/kubernetes@v1.37.2/go.mod", f"module {programs.KUBERNETES}\n").parent
    compiler.file("k8s.io/kubernetes@v1.37.2/go.sum", "sums")

    def build_here(go: Go, program: Program, source: Path, out: Path, _moved: object) -> None:
        compiler.build(go, program, source, out)

    monkeypatch.setattr(Go, "download", lambda *_: Module(module, "2026-11-01T00:00:00Z"))
    monkeypatch.setattr(Go, "build_here", build_here)
    monkeypatch.setattr(mutation, "ask", lambda *_, **__: "")
    return compiler


@pytest.fixture
def made(compiler: Compiler, cache: Path) -> Mutation:
    assert compiler
    return Mutation(Go(Path("/go/bin/go"), "go1.26.6", "amd64"), "v1.37.2", cache / "runs" / "mutants")


def test_the_compiler_finds_one_file_changed(compiler: Compiler, made: Mutation) -> None:
    built = made.build("kubelet", WORKER, "other worker", "one")
    assert built.binary.read_text() == "built"
    assert list(compiler.seen.values())[:4] == ["other worker", "other", "true label", "one"]
    assert "require k8s.io/kubernetes v1.37.2" in compiler.seen["go.mod"]
    (program,) = compiler.programs
    assert program.packages == ("k8s.io/kubernetes/cmd/kubelet",)
    assert "gitVersion=v1.37.2" in program.ldflags


def test_a_module_that_is_published_along_may_hold_the_file(compiler: Compiler, made: Mutation) -> None:
    assert made.source(LABEL) == "true label"
    made.build("kubectl", LABEL, "other label", "one")
    assert list(compiler.seen.values())[:4] == ["true worker", "other", "other label", "one"]


def test_the_products_own_modules_stay_as_they_were(compiler: Compiler, made: Mutation, cache: Path) -> None:
    before = {path: path.read_bytes() for path in compiler.modules.rglob("*") if path.is_file()}
    made.build("kubelet", WORKER, "other worker", "one")
    assert {path: path.read_bytes() for path in compiler.modules.rglob("*") if path.is_file()} == before
    assert made.source(WORKER) == "true worker"
    assert [path.name for path in (cache / "runs" / "mutants").iterdir()] == ["one"], "scratch was left"
    assert compiler.environments[0]["GOPROXY"] == "off"


def test_where_there_are_no_hard_links_files_are_copied(
    compiler: Compiler, made: Mutation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError

    monkeypatch.setattr(os, "link", refuse)
    made.build("kubelet", WORKER, "other worker", "one")
    assert list(compiler.seen.values())[:2] == ["other worker", "other"]


def test_a_file_that_there_is_not_is_told(made: Mutation) -> None:
    with pytest.raises(CannotRun, match=r"^Kubernetes v1.37.2 has no k8s.io/kubernetes/pkg/none.go"):
        made.source("k8s.io/kubernetes/pkg/none.go")


def test_what_an_earlier_build_left_is_gone(compiler: Compiler, made: Mutation, cache: Path) -> None:
    old = cache / "runs" / "mutants" / "one"
    old.mkdir(parents=True)
    (old / "kubectl").write_text("old")
    made.build("kubelet", WORKER, "other worker", "one")
    assert [path.name for path in old.iterdir()] == ["kubelet"]
    assert compiler.programs
    shutil.rmtree(old)
