"""What the tests of the supply share: a cache folder of their own."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep what each test makes apart from what this machine keeps; give the folder."""
    monkeypatch.setenv("LABS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"
