"""How idle the machine is, by the kernel's counters."""

from __future__ import annotations

from pathlib import Path

import pytest

from labkit.observe import load
from labkit.observe.load import Load


def test_idle_is_the_share_of_the_time_between_two_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = iter([(100.0, 10.0), (102.0, 10.5)])
    monkeypatch.setattr(load, "_idle", lambda: next(looks))
    monkeypatch.setattr(Load, "_sample", lambda _: None)
    assert Load().idle() == 0.25


@pytest.mark.parametrize("stat", ["cpu  900 0 90 6000 2000 0 9 0 0 0\ncpu0 900\nprocs_running 3\n", None])
def test_who_waits_for_a_disk_is_idle_and_a_system_without_counters_is_asked(
    stat: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = tmp_path / "stat"
    if stat:
        there.write_text(stat)
    monkeypatch.setattr(load, "_STAT", there)
    _, idle_s = load._idle()
    assert idle_s == 8000 / load._TICKS_PER_S / load._CORES if stat else idle_s > 0
