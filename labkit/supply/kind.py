"""The kind program: the one on PATH when it is the pinned version, else built from its Go module."""

from __future__ import annotations

import shutil
from pathlib import Path

from labkit.supply import programs, toolchain
from labkit.supply.cache import Workshop
from labkit.supply.process import Failed, ask
from labkit.supply.toolchain import Go


def find(workshop: Workshop, version: str) -> Path | None:
    """Give the pinned kind that is on PATH or was built before."""
    on_path = shutil.which("kind")
    if on_path and says(Path(on_path)).startswith(f"kind {version} "):
        return Path(on_path).absolute()  # by this name: what it links to may be several programs, told apart by it
    built = workshop.find("kind", _made_of(version), variant=version)
    return built / "kind" if built else None


def build(workshop: Workshop, go: Go, version: str) -> Path:
    """Build the pinned kind."""
    part = workshop.part(
        "kind",
        _made_of(version),
        lambda made, moved: go.build(programs.kind(version), made, moved),
        variant=version,
    )
    return part / "kind"


def says(binary: Path) -> str:
    """Give what a kind says of itself: kind v0.33.0 go1.26.8 linux/amd64."""
    try:
        return ask([binary, "version"])
    except Failed:
        return ""


def _made_of(version: str) -> list[object]:
    return [programs.kind(version).recipe(), *toolchain.DECISIVE]
