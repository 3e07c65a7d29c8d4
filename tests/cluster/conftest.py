"""What the tests of the cluster package share: a state folder of their own."""

from __future__ import annotations

from pathlib import Path

import pytest

from labkit.cluster import nodes


@pytest.fixture(autouse=True)
def leases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep the leases of each test apart from those of the machine; give their folder."""
    monkeypatch.setenv("LABS_CACHE", str(tmp_path))
    monkeypatch.setattr(nodes, "engine_id", lambda: "this engine's id")
    return tmp_path / "runs"
