"""What the tests of the cluster's room share: a state folder of their own."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def leases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep the leases of each test apart from those of the machine; give their folder."""
    monkeypatch.setenv("LABS_CACHE", str(tmp_path))
    return tmp_path / "runs"
