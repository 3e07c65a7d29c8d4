"""The ledger: every row of the notes that the labs must reach, and those that no lab can."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import yaml

from labkit.paths import ROOT

PATH = ROOT / "labs" / "ledger.yaml"


def read() -> dict[str, dict[str, str]]:
    """Read labs/ledger.yaml. Shape: {topic: {row: "" or the reason why no lab can show it}}."""
    loaded: dict[str, Any] = yaml.safe_load(PATH.read_text(encoding="utf-8"))
    return {topic: {row: reason or "" for row, reason in rows.items()} for topic, rows in loaded.items()}


def coverage(rows: dict[str, dict[str, str]], reached: Iterable[str]) -> dict[str, tuple[int, int, int]]:
    """Give for each topic how many rows are reached by a claim, how many are untestable, and how many there are."""
    reached = set(reached)
    return {
        topic: (len(reached & told.keys()), sum(bool(reason) for reason in told.values()), len(told))
        for topic, told in rows.items()
    }
