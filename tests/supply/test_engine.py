"""The engine: what its daemon is told, whose pid files are stale, and one sentence where nothing can be done."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from docker.errors import APIError
from requests.exceptions import ConnectionError as RequestsConnectionError

from labkit.progress import Progress
from labkit.supply import apt, disk, engine, process
from labkit.supply.engine import Engine, daemon_settings, is_stale
from labkit.trouble import CannotRun, reason


def test_the_users_settings_win() -> None:
    theirs = {"data-root": "/big", "default-runtime": "runsc", "runtimes": {"runsc": {"path": "/bin/runsc"}}}
    needs = {
        "default-cgroupns-mode": "private",
        "default-runtime": "bounded",
        "runtimes": {"bounded": {"path": "/x"}},
    }
    assert daemon_settings(theirs, needs) == {
        "data-root": "/big",
        "default-cgroupns-mode": "private",
        "default-runtime": "runsc",
        "runtimes": {"bounded": {"path": "/x"}, "runsc": {"path": "/bin/runsc"}},
    }


def test_where_nothing_is_needed_nothing_is_added() -> None:
    assert daemon_settings({"debug": True}, {}) == {"debug": True}


def test_a_pid_file_is_stale_unless_its_program_runs(tmp_path: Path) -> None:
    pid_file = tmp_path / "docker.pid"
    assert not is_stale(pid_file, "dockerd")
    pid_file.write_text(str(os.getpid()))
    assert is_stale(pid_file, "dockerd"), "another program has that number now"
    assert not is_stale(pid_file, Path("/proc/self/comm").read_text().strip())
    pid_file.write_text("")
    assert is_stale(pid_file, "dockerd")
    pid_file.write_text("4194305")  # beyond the largest pid
    assert is_stale(pid_file, "dockerd")


@pytest.mark.parametrize(
    ("words", "picked"),
    [
        (
            "Error while fetching server API version: ('Connection aborted.', FileNotFoundError(2, 'No such file'))",
            "No such file",
        ),
        (
            "HTTPConnectionPool(host='x', port=9): (Caused by New(\"x: [Errno 111] Connection refused\"))",
            "Connection refused",
        ),
        ("Invalid bind address protocol: x", "Invalid bind address protocol: x"),
    ],
)
def test_the_systems_own_words_are_picked(words: str, picked: str) -> None:
    assert reason(OSError(words)) == picked


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (APIError("500", explanation="no space left on device"), "refused something (no space left on device)"),
        (RequestsConnectionError("('Connection aborted.', ConnectionResetError(104, 'reset'))"), "any more (reset)"),
    ],
)
def test_an_engine_that_fails_is_told_in_a_sentence(error: Exception, told: str) -> None:
    with pytest.raises(CannotRun, match=re.escape(told)), engine.told_when_failing():
        raise error


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No engine answers, whatever this machine has, and none is started."""

    def start(_progress: Progress) -> None:
        raise AssertionError("a test would have started an engine")

    monkeypatch.setattr(engine, "_start", start)
    monkeypatch.delenv("DOCKER_CONTEXT", raising=False)
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.setattr(engine, "_ask", lambda: "connection refused")


@pytest.mark.usefixtures("silent")
def test_an_engine_that_was_named_is_not_replaced(progress: Progress, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    with pytest.raises(CannotRun, match=r"engine of DOCKER_HOST=tcp://127.0.0.1:1 does not answer .*: start it, or"):
        engine.ensure(progress)


@pytest.mark.usefixtures("silent")
def test_settings_of_docker_that_cannot_be_read_are_told_and_passed_over(
    progress: Progress, lines: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client: Any = SimpleNamespace()
    (tmp_path / "config.json").write_text("{")
    monkeypatch.setattr(engine, "_ask", lambda: Engine(client, "29.0", 2, False, "amd64", None))
    monkeypatch.setattr(engine, "_need_client", lambda _: None)
    assert engine.ensure(progress).version == "29.0"
    assert re.search(r"config.json cannot be read \(no JSON: .*\): going on without it", lines[0])


@pytest.mark.usefixtures("silent")
def test_without_the_right_to_install_one_it_says_what_to_do(
    progress: Progress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apt, "usable", lambda: False)
    with pytest.raises(CannotRun, match="install and start Docker"):
        engine.ensure(progress)


@pytest.mark.usefixtures("silent")
def test_a_user_outside_the_docker_group_is_told(progress: Progress, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "_ask", lambda: "Permission denied")
    with pytest.raises(CannotRun, match="join the docker group"):
        engine.ensure(progress)


@pytest.fixture
def kept_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Be a user who may not enter a folder, whoever runs this; give the folder."""
    closed, stat = tmp_path / "closed", Path.stat

    def looking(path: Path, **options: bool) -> os.stat_result:
        if closed in path.parents:
            raise PermissionError(13, "Permission denied", str(path))
        return stat(path, **options)

    monkeypatch.setattr(Path, "stat", looking)
    return closed


def test_an_engines_folder_that_may_not_be_entered_is_on_this_machine(kept_out: Path, tmp_path: Path) -> None:
    assert engine._is_here(kept_out / "docker")
    assert engine._is_here(tmp_path)
    assert not engine._is_here(tmp_path / "nowhere")
    disk.require({kept_out / "docker": 0.0})


def with_runtime(path: Path) -> Any:
    info = {"Runtimes": {"labs-bounded": {"path": str(path)}}}
    return SimpleNamespace(client=SimpleNamespace(info=lambda: info))


def test_a_runtime_in_the_cache_of_another_user_is_left_to_him(kept_out: Path) -> None:
    engine._keep_bounded_runtime(with_runtime(kept_out / "bounded-runtime"))
    assert not kept_out.exists()


def test_a_runtime_that_is_gone_is_put_back_and_runs_by_a_python_of_any_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    interpreter = tmp_path / "my no'tes $x" / "python"
    interpreter.parent.mkdir()
    interpreter.write_text('#!/bin/sh\necho "$@"\n')
    interpreter.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(interpreter))
    runtime = tmp_path / "cache" / "bounded-runtime"
    engine._keep_bounded_runtime(with_runtime(runtime))
    assert process.run([runtime, "create", "--bundle", "a b"]) == f"-IS {runtime}.py create --bundle a b\n"


def test_a_runtime_that_is_gone_and_not_for_this_user_to_put_back_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(engine, "write_whole", write)
    with pytest.raises(CannotRun, match=r"root.s.*nox -s supply puts it back"):
        engine._keep_bounded_runtime(with_runtime(tmp_path / "cache" / "bounded-runtime"))
