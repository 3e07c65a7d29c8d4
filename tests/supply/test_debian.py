"""Debian roots: what is said when one cannot be made."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from labkit.supply import debian
from labkit.trouble import CannotRun


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("E: unable to pick chroot mode automatically (use --mode for manual selection)", "package uidmap"),
        ("E: apt-get update failed", "reaches a Debian mirror"),
    ],
)
def test_a_root_that_cannot_be_made_says_what_to_do(
    said: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "mmdebstrap"
    program.write_text(f"#!/bin/sh\necho '{said}' >&2; exit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(CannotRun, match=told):
        debian.unpack("trixie", [], tmp_path / "root.tar")
