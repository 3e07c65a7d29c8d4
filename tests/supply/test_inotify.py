"""Limits of inotify: raised where that can be, and told by name where not."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from docker.errors import DockerException

from labkit.progress import Progress
from labkit.supply import inotify


@pytest.fixture
def limits(tmp_path: Path) -> Path:
    (tmp_path / "max_user_instances").write_text("128\n")
    (tmp_path / "max_user_watches").write_text("192536\n")
    return tmp_path


def engine(run: Any) -> Any:
    return SimpleNamespace(containers=SimpleNamespace(run=run))


def test_what_is_too_low_is_found_and_nothing_where_there_are_no_limits(limits: Path, tmp_path: Path) -> None:
    assert inotify.short(limits) == {"max_user_instances": 128}
    assert inotify.short(tmp_path / "nowhere") == {}


def test_root_raises_it(limits: Path, progress: Progress, lines: list[str]) -> None:
    inotify.raise_limits(progress, limits)
    assert inotify.short(limits) == {}
    assert "raised fs.inotify.max_user_instances from 128 to 1024" in lines[0]


def test_who_may_not_raises_it_from_inside_a_container_that_may(
    limits: Path, progress: Progress, lines: list[str]
) -> None:
    def run(image: str, words: list[str], **options: object) -> None:
        assert (image, options["privileged"], options["remove"]) == ("node:1", True, True)
        assert words == ["-c", f"echo 1024 > {limits / 'max_user_instances'}"]
        (limits / "max_user_instances").write_text("1024")

    inotify.raise_from_inside(engine(run), "node:1", progress, limits)
    assert "raised fs.inotify.max_user_instances from 128 to 1024" in lines[0]


def test_where_nobody_may_it_is_named_with_the_command(limits: Path, progress: Progress, lines: list[str]) -> None:
    def run(*_: object, **__: object) -> None:
        raise DockerException("privileged containers are forbidden")

    inotify.raise_from_inside(engine(run), "node:1", progress, limits)
    assert "sudo sysctl fs.inotify.max_user_instances=1024" in lines[0]


def test_enough_is_left_as_it_is(limits: Path, progress: Progress, lines: list[str]) -> None:
    (limits / "max_user_instances").write_text("8192")
    inotify.raise_from_inside(engine(None), "node:1", progress, limits)
    assert lines == []
