"""The session's priority: raised for the length of a run, and put back as it was."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from labkit.paths import ROOT
from labkit.run import priority


def test_the_session_is_ahead_and_then_as_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    autogroup = tmp_path / "autogroup"
    autogroup.write_text("/autogroup-123 nice 5\n")
    monkeypatch.setattr(priority, "_AUTOGROUP", autogroup)
    with priority.session_ahead():
        assert int(autogroup.read_text()) == priority.AHEAD
    assert int(autogroup.read_text()) == 5


def test_where_there_are_no_sessions_to_choose_from_nothing_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(priority, "_AUTOGROUP", tmp_path / "proc" / "autogroup")
    with priority.session_ahead():
        assert not (tmp_path / "proc").exists()


def test_a_process_of_the_root_group_has_no_session_to_choose(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    autogroup = tmp_path / "autogroup"
    autogroup.write_text("")
    monkeypatch.setattr(priority, "_AUTOGROUP", autogroup)
    with priority.session_ahead():
        assert autogroup.read_text() == ""
    assert autogroup.read_text() == ""


@pytest.mark.skipif(sys.platform != "linux", reason="sessions are shared out on Linux only")
@pytest.mark.parametrize(("beside", "expected"), [("sleep 60", "False"), ("while :; do :; done", "True")])
def test_work_that_goes_on_in_the_session_is_not_put_ahead(beside: str, expected: str) -> None:
    """A shell has both started, as in one terminal; what only waits, such as a `tee`, is no work."""
    told = f"{shlex.quote(sys.executable)} -c 'from labkit.run import priority; print(priority._others_run())'"
    shell = ["sh", "-c", f"{beside} & {told}; kill $!"]
    done = subprocess.run(shell, check=True, cwd=ROOT, capture_output=True, text=True, start_new_session=True)
    assert done.stdout.strip() == expected
