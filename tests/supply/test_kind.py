"""kind: the one on PATH, called by the name that it has there."""

from __future__ import annotations

from pathlib import Path

import pytest

from labkit.progress import Progress
from labkit.supply import kind
from labkit.supply.cache import Workshop
from labkit.supply.meter import Meter


def test_a_kind_that_is_one_of_several_programs_is_called_by_its_name(
    cache: Path, tmp_path: Path, progress: Progress, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Managers of tools put links to themselves on PATH, and are the tool by whose name they are called."""
    manager = tmp_path / "manager"
    manager.write_text('#!/bin/sh\ncase "$0" in */kind) echo kind v0.33.0 go1.26.8 linux/amd64;; *) exit 1;; esac\n')
    manager.chmod(0o755)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "kind").symlink_to(manager)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=":")
    found = kind.find(Workshop(cache, progress, Meter(progress, "all")), "v0.33.0")
    assert found == tmp_path / "bin" / "kind"
    assert kind.says(found).startswith("kind v0.33.0 ")
