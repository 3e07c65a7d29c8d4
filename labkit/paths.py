"""Where the project keeps what it makes: one cache folder outside the checkout, and the checkout itself."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent

ROOT = _PACKAGE.parent if (_PACKAGE.parent / "versions.yaml").exists() else _PACKAGE / "project"
"""The checkout; in an installed wheel what that brings along of it."""


def cache_dir() -> Path:
    """Give the one folder for everything that is kept between runs; LABS_CACHE moves it."""
    if moved := os.environ.get("LABS_CACHE"):
        return Path(moved).expanduser().resolve()
    return Path(os.environ.get("XDG_CACHE_HOME") or _home() / ".cache") / "kubernetes-labs"


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError:  # a user without a name and without HOME, as containers have them
        return Path(tempfile.gettempdir()) / f"home-of-{os.getuid()}"


def state_dir() -> Path:
    """Give the folder for leases and kubeconfigs of clusters that exist now; made on the way, mode 0700."""
    path = cache_dir() / "runs"
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    return path
