"""The session's priority: raised for the length of a run, and put back as it was."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from labkit.paths import ROOT
from labkit.run import priority


@pytest.mark.parametrize("others_run", [False, True])
def test_the_session_is_ahead_and_then_as_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, others_run: bool
) -> None:
    """But where other work goes on in it, such as other tests beside this one."""
    autogroup = tmp_path / "autogroup"
    autogroup.write_text("/autogroup-123 nice 5\n")
    monkeypatch.setattr(priority, "_AUTOGROUP", autogroup)
    monkeypatch.setattr(priority, "_others_run", lambda: others_run)
    with priority.session_ahead():
        assert autogroup.read_text().split()[-1] == ("5" if others_run else str(priority.AHEAD))
    assert autogroup.read_text().split()[-1] == "5"


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


WHAT_RUNS = """
import sys
import psutil
from labkit.run import priority
other, how = psutil.Process(int(sys.argv[1])), sys.argv[2]
while other.status() != how:
    pass
print(priority._others_run())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="sessions are shared out on Linux only")
@pytest.mark.parametrize(
    ("beside", "how", "expected"), [("sleep 60", "sleeping", "False"), ("while :; do :; done", "running", "True")]
)
def test_work_that_goes_on_in_the_session_is_not_put_ahead(beside: str, how: str, expected: str) -> None:
    """A shell has started both, as in one terminal; what only waits, such as a `tee`, is no work."""
    told = shlex.join([sys.executable, "-c", WHAT_RUNS])
    shell = ["sh", "-c", f"{beside} & {told} $! {how}; kill $!"]
    done = subprocess.run(shell, check=True, cwd=ROOT, capture_output=True, text=True, start_new_session=True)
    assert done.stdout.strip() == expected
