"""Commands: one sentence and exit code 3 for whatever keeps one from coming off."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator

import pytest

from labkit import command
from labkit.trouble import CannotRun, Inconclusive


@pytest.fixture(autouse=True)
def signals() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def _raising(error: BaseException) -> Callable[[], int]:
    def act() -> int:
        raise error

    return act


@pytest.mark.parametrize("code", [0, 1, 2])
def test_the_exit_code_is_that_of_what_was_done(code: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.run(lambda: code, interrupted="x") == code
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("trouble", [CannotRun("no Docker"), Inconclusive("no Docker")])
def test_trouble_is_one_sentence(trouble: Exception, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.run(_raising(trouble), interrupted="x") == 3
    assert capsys.readouterr() == ("", "cannot run: no Docker\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_is_told_what_an_interruption_leaves(number: int, capsys: pytest.CaptureFixture[str]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # as for what a script starts in the background

    def act() -> int:
        signal.raise_signal(number)
        return 0

    assert command.run(act, interrupted="nothing is changed") == 3
    assert capsys.readouterr() == ("", "interrupted: nothing is changed\n")


def test_what_is_nobodys_trouble_is_a_fault_of_the_code_and_keeps_its_trace() -> None:
    with pytest.raises(ZeroDivisionError):
        command.run(_raising(ZeroDivisionError()), interrupted="x")
