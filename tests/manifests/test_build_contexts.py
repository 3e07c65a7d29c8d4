"""Build contexts: what is read, and what is placed."""

from __future__ import annotations

from pathlib import Path

import pytest

from labkit.manifests import build_contexts
from labkit.trouble import CannotRun


def test_a_context_is_read_placed_and_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build_contexts, "DIRECTORY", tmp_path)
    files = {"Dockerfile": "FROM scratch\nLABEL of=${NAMESPACE} by=${USER}\n", ".dockerignore": "x\n", "app/a.py": ""}
    build_contexts.write(files, tmp_path / "docker" / "app")
    (tmp_path / "docker" / "app" / "__pycache__").mkdir()
    (tmp_path / "docker" / "app" / "__pycache__" / "a.pyc").write_bytes(b"\xff")
    assert build_contexts.read("docker/app") == files
    placed = build_contexts.place(files, NAMESPACE="one", VERSION="2")
    assert placed == files | {"Dockerfile": "FROM scratch\nLABEL of=one by=${USER}\n"}


def test_a_context_that_is_not_there_is_one_sentence() -> None:
    with pytest.raises(CannotRun, match="images/docker/nope does not exist"):
        build_contexts.read("docker/nope")
