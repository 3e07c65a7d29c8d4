"""How the instrument ends: when it is told, with the code it is told, or not at all."""

from __future__ import annotations

import signal
from pathlib import Path
from time import monotonic

import pytest

from .conftest import Start


def test_sigterm_ends_it_at_once_although_requests_hang(start: Start) -> None:
    web = start(FAULTS='{"deadlock": {"hang": true}}', EXIT_ON_TERM=7)
    begun = monotonic()
    assert web.stop() == 7
    assert monotonic() - begun < 5
    assert web.line()["event"] == "sigterm"


def test_sigterm_ends_it_with_0_by_default(start: Start) -> None:
    assert start().stop() == 0


def test_sigterm_ends_it_before_it_listens(launch: Start) -> None:
    web = launch(START_DELAY_S=60)
    web.lines_until("started")
    assert web.stop() == 0


@pytest.mark.parametrize("delay_s", [0, 60])
def test_sigterm_can_be_ignored(launch: Start, delay_s: int) -> None:
    web = launch(IGNORE_SIGTERM=1, START_DELAY_S=delay_s)
    web.lines_until("started" if delay_s else "listening")
    web.process.send_signal(signal.SIGTERM)
    web.lines_until("sigterm")
    assert web.process.poll() is None
    if not delay_s:
        assert web.get("/healthy")[0] == 200
    assert web.stop(signal.SIGKILL) == -signal.SIGKILL


def test_ctrl_c_ends_it(start: Start) -> None:
    assert start(IGNORE_SIGTERM=1).stop(signal.SIGINT) == 130


@pytest.mark.parametrize("code", [0, 3, 255])
def test_it_exits_with_the_code_it_is_told(start: Start, code: int) -> None:
    web = start()
    assert web.ask("POST", "/exit", {"code": code}) == (200, {"code": code})
    assert web.ended() == code


def test_a_taken_port_ends_it_with_a_sentence(start: Start, launch: Start) -> None:
    second = launch(PORT=start().port)
    assert second.ended() == 1
    assert second.errors().startswith("cannot listen: Address already in use")


def test_a_file_is_made_and_removed(start: Start, tmp_path: Path) -> None:
    web, file = start(), tmp_path / "healthy"
    for present in (True, True, False, False):
        assert web.ask("POST", "/file", {"path": str(file), "present": present})[0] == 200
        assert file.exists() is present
