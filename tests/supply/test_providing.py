"""The whole: what is taken first, what falls through to what, and the exit codes of the command."""

from __future__ import annotations

import signal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from labkit.progress import Progress
from labkit.supply import __main__ as command
from labkit.supply import compiler, debian, disk, engine, images, kind, loopback, node, providing, python_base
from labkit.supply.versions import read, resolve
from labkit.trouble import CannotRun

PUBLISHED = resolve("1.34")


class Machine:
    """Stands in for the engine and what is around it: what it has, what it can pull, and what was tried."""

    def __init__(self) -> None:
        self.has: set[str] = set()
        self.registry: set[str] = set()
        self.tried: list[str] = []

    def pull(self, name: str, _progress: Progress) -> None:
        self.tried.append(name)
        if name not in self.registry:
            raise images.NotPulled("manifest unknown")

    def build(self, *_: Any, **__: Any) -> Any:
        self.tried.append("build")
        return SimpleNamespace(finish=lambda: "labs/node:built")


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine()
    there = SimpleNamespace(architecture="amd64", data_root=None, here=False)
    monkeypatch.delenv("LABS_NODE_REPOSITORY", raising=False)
    monkeypatch.setattr(engine, "ensure", lambda _progress: there)
    monkeypatch.setattr(loopback, "need", lambda *_: None)
    monkeypatch.setattr(images, "has_image", lambda _engine, name: name in made.has)
    monkeypatch.setattr(images, "pull", made.pull)
    monkeypatch.setattr(images, "remove_leftovers", lambda _engine: None)
    monkeypatch.setattr(providing._Run, "_node_build", made.build)
    monkeypatch.setattr(kind, "find", lambda *_: Path("/bin/kind"))
    monkeypatch.setattr(python_base, "find", lambda *_: "labs/python:1")
    monkeypatch.setattr(python_base, "provide", lambda *_: "labs/python:1")
    return made


def published(repository: str = "kindest/node") -> str:
    return f"{repository}:{PUBLISHED.tag}@{PUBLISHED.digest}"


def ours() -> str:
    return node.image_name(PUBLISHED.source, read(), "amd64")


def test_what_is_here_is_taken_without_a_try(machine: Machine, progress: Progress) -> None:
    machine.has = {published(), ours()}
    given = providing.provide("1.34", progress=progress)
    assert (given.kubernetes, given.node_image, given.origin) == (PUBLISHED.tag, published(), "here")
    assert given.kind == Path("/bin/kind")
    assert machine.tried == []


def test_an_image_built_before_is_as_good(machine: Machine, progress: Progress) -> None:
    machine.has = {ours()}
    given = providing.provide("1.34", progress=progress)
    assert (given.kubernetes, given.node_image, given.origin) == (PUBLISHED.source, ours(), "here")


def test_the_published_image_is_pulled_by_digest(machine: Machine, progress: Progress) -> None:
    machine.registry = {published()}
    given = providing.provide("1.34", progress=progress)
    assert (given.kubernetes, given.node_image, given.origin) == (PUBLISHED.tag, published(), "pulled")


def test_the_repository_can_be_moved(machine: Machine, progress: Progress, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABS_NODE_REPOSITORY", "127.0.0.1:5000/node")
    machine.registry = {published("127.0.0.1:5000/node")}
    assert providing.provide("1.34", progress=progress).node_image == published("127.0.0.1:5000/node")


def test_what_cannot_be_pulled_is_built_and_that_is_said(
    machine: Machine, progress: Progress, lines: list[str]
) -> None:
    given = providing.provide("1.34", progress=progress)
    assert (given.kubernetes, given.node_image, given.origin) == (PUBLISHED.source, "labs/node:built", "built")
    assert machine.tried == [published(), "build"]
    assert any(
        f"not pulled (manifest unknown): building Kubernetes {PUBLISHED.source} from source" in line for line in lines
    )


def test_a_tag_without_a_digest_is_pulled_by_tag(machine: Machine, progress: Progress) -> None:
    machine.registry = {"kindest/node:v1.37.2"}
    assert providing.provide("1.37.2", progress=progress).node_image == "kindest/node:v1.37.2"


def test_pull_alone_ends_in_a_sentence(machine: Machine, progress: Progress) -> None:
    machine.has = {ours()}
    with pytest.raises(CannotRun, match=r"could not be pulled \(manifest unknown\): .* LABS_NODE_REPOSITORY"):
        providing.provide("1.34", nodes="pull", progress=progress)


def test_build_alone_asks_no_registry(machine: Machine, progress: Progress) -> None:
    machine.has = {published()}
    assert providing.provide("1.34", nodes="build", progress=progress).origin == "built"
    assert machine.tried == ["build"]


def test_all_that_a_build_lacks_is_named_at_once(progress: Progress, monkeypatch: pytest.MonkeyPatch) -> None:
    def lacks(what: str) -> Any:
        def need(*_: object) -> None:
            raise CannotRun(f"it needs {what}")

        return need

    there: Any = SimpleNamespace(architecture="amd64", data_root=None, here=False)
    run = providing._Run(there, resolve("1.37"), "build", progress)
    monkeypatch.setitem(run.__dict__, "_go", SimpleNamespace(architecture="amd64"))
    monkeypatch.setattr(disk, "require", lambda _: None)
    monkeypatch.setattr(debian, "need_mmdebstrap", lacks("mmdebstrap"))
    monkeypatch.setattr(compiler, "need_compiler", lacks("gcc"))
    with pytest.raises(CannotRun, match=r"^it needs mmdebstrap; it needs gcc$"):
        run._prepare_build()


@pytest.mark.parametrize(
    ("end", "code", "said"),
    [
        (CannotRun("no engine: start one"), 3, "cannot run: no engine: start one\n"),
        (KeyboardInterrupt(), 3, "interrupted: what was finished is kept\n"),
        (None, 0, ""),
    ],
)
def test_the_command_tells_by_its_exit_code(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    end: BaseException | None,
    code: int,
    said: str,
) -> None:
    def provide(*_: Any, **__: Any) -> None:
        if end:
            raise end

    monkeypatch.setattr(command, "provide", provide)
    before = signal.getsignal(signal.SIGTERM)
    try:
        assert command.main(["--kubernetes", "1.37"]) == code
    finally:
        signal.signal(signal.SIGTERM, before)
    assert capsys.readouterr().err == said


def test_an_unknown_version_is_told_before_anything_is_started(capsys: pytest.CaptureFixture[str]) -> None:
    before = signal.getsignal(signal.SIGTERM)
    try:
        assert command.main(["--kubernetes", "1.12"]) == 3
    finally:
        signal.signal(signal.SIGTERM, before)
    assert "ask for 1.37, 1.36, 1.35, 1.34, latest" in capsys.readouterr().err
