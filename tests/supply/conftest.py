"""What the tests of the supply share: a cache folder of their own, and progress that is kept instead of printed."""

from __future__ import annotations

from pathlib import Path

import pytest

from labkit.progress import Progress


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep what each test makes apart from what this machine keeps; give the folder."""
    monkeypatch.setenv("LABS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def lines() -> list[str]:
    """What progress said."""
    return []


@pytest.fixture
def progress(lines: list[str]) -> Progress:
    """Progress that writes into `lines`."""
    return Progress(lines.append)
