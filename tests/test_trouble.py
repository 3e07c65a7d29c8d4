"""What is said of a file that cannot be written: what mends it."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from labkit.trouble import unwritable


def failing(number: int, path: Path) -> OSError:
    return OSError(number, os.strerror(number), str(path))


@pytest.fixture
def user(monkeypatch: pytest.MonkeyPatch) -> int:
    """Be a user who owns nothing of what is there, whoever runs this."""
    monkeypatch.setattr(os, "access", lambda _path, mode: mode == os.X_OK)
    return os.getuid()


def test_a_full_disk_wants_room(tmp_path: Path) -> None:
    full = tmp_path / "x"
    said = str(unwritable(tmp_path, failing(errno.ENOSPC, full), move="set LABS_CACHE"))
    mend = "free some space there, or set LABS_CACHE, and run again"
    assert said == f"{full} cannot be written (No space left on device): {mend}"


def test_a_read_only_place_wants_another(tmp_path: Path) -> None:
    assert "read-only file system, so copy" in str(unwritable(tmp_path, failing(errno.EROFS, tmp_path)))


@pytest.mark.usefixtures("user")
def test_what_is_ones_own_wants_its_rights_back(tmp_path: Path) -> None:
    (tmp_path / "my results").mkdir()
    said = str(unwritable(tmp_path, failing(errno.EACCES, tmp_path / "my results" / "x.part")))
    assert "chmod -R u+rwX '" in said or f"chmod -R u+rwX {tmp_path}" in said


@pytest.mark.parametrize(
    ("above", "said"), [(1000, "belongs to user 54321, so sudo chown -R 1000 "), (7, "so use a folder of yours")]
)
def test_what_root_left_in_ones_own_folder_is_asked_back_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, above: int, said: str
) -> None:
    (tmp_path / "results").mkdir()
    owners = {tmp_path / "results": 54321, tmp_path: above}
    stat = Path.stat

    def owned(path: Path, **options: bool) -> os.stat_result:
        real = list(stat(path, **options))
        real[4] = owners.get(path, 0)
        return os.stat_result(real)

    monkeypatch.setattr(Path, "stat", owned)
    monkeypatch.setattr(os, "getuid", lambda: 1000)
    monkeypatch.setattr(os, "access", lambda path, mode: mode == os.X_OK or Path(path) != tmp_path / "results")
    assert said in str(unwritable(tmp_path, failing(errno.EACCES, tmp_path / "results" / "x.part")))
