"""Disks: how much is missing, said before the work; and a full one told in one sentence."""

from __future__ import annotations

import errno
import shutil
from collections import namedtuple
from pathlib import Path

import pytest

from labkit.supply import disk
from labkit.trouble import CannotRun

Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def free_5_gb(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: Usage(100e9, 95e9, 5e9))


@pytest.mark.usefixtures("free_5_gb")
def test_enough_is_enough(tmp_path: Path) -> None:
    disk.require({tmp_path: 3.0, tmp_path / "not" / "yet": 2.0})


@pytest.mark.usefixtures("free_5_gb")
def test_folders_on_one_disk_add_up(tmp_path: Path) -> None:
    with pytest.raises(CannotRun, match=r"^1.5 GB more must be free on the disk with .*LABS_CACHE$"):
        disk.require({tmp_path: 4.5, tmp_path / "not" / "yet": 2.0})


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        CannotRun("kubernetes could not be built from source (write /x: no space left on device)"),
    ],
)
def test_a_full_disk_is_told_wherever_it_was_noticed(error: Exception) -> None:
    with pytest.raises(CannotRun, match="the disk ran full: make room and run again"), disk.told_when_full():
        raise error


@pytest.mark.parametrize("error", [OSError(errno.ENOENT, "No such file or directory"), CannotRun("no engine")])
def test_other_trouble_stays_what_it_is(error: Exception) -> None:
    with pytest.raises(type(error)) as raised, disk.told_when_full():
        raise error
    assert raised.value is error
