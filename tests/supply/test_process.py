"""Other programs: their output, their last words, and that an interruption takes them along."""

from __future__ import annotations

import time
from concurrent.futures import Future
from pathlib import Path

import pytest

from labkit.supply.process import Failed, aside, ask, run


def test_output_is_kept_and_seen_live() -> None:
    seen: list[str] = []
    assert run(["sh", "-c", "echo out; echo err >&2"], on_line=seen.append) == "out\nerr\n"
    assert seen == ["out", "err"]


def test_an_answer_is_stdout_alone() -> None:
    assert ask(["sh", "-c", "echo warning >&2; echo answer"]) == "answer\n"


def test_a_failure_carries_the_last_words() -> None:
    with pytest.raises(Failed) as failed:
        run(["sh", "-c", "echo one; echo; echo two >&2; exit 3"])
    assert failed.value.code == 3
    assert failed.value.last_words == "one / two"


def test_a_failed_question_carries_what_was_said_beside() -> None:
    with pytest.raises(Failed, match="no such thing"):
        ask(["sh", "-c", "echo partial; echo no such thing >&2; exit 1"])


def test_a_program_that_is_not_there_fails() -> None:
    with pytest.raises((Failed, FileNotFoundError)):
        run(["no-such-program"])


def test_unchecked_failures_pass() -> None:
    assert run(["sh", "-c", "echo out; exit 1"], check=False) == "out\n"


def test_an_interruption_ends_the_program() -> None:
    def interrupt(_line: str) -> None:
        raise KeyboardInterrupt

    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        run(["sh", "-c", "echo go; exec tail -f /dev/null"], on_line=interrupt)
    assert time.monotonic() - began < 5


def test_what_a_program_started_ends_with_it() -> None:
    def interrupt(_line: str) -> None:
        raise KeyboardInterrupt

    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        run(["sh", "-c", "tail -f /dev/null & echo go; wait"], on_line=interrupt)
    assert time.monotonic() - began < 5


def test_what_ends_the_main_work_ends_the_work_beside(tmp_path: Path) -> None:
    began = time.monotonic()
    started = tmp_path / "started"
    futures: list[Future[str]] = []

    def work() -> None:
        with aside() as beside:
            futures.append(beside.submit(run, ["sh", "-c", f"touch {started}; exec tail -f /dev/null"]))
            futures.append(beside.submit(run, ["true"]))
            while not started.exists():
                run(["true"])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work()
    assert time.monotonic() - began < 5
    running, waiting = futures
    assert isinstance(running.exception(), Failed)
    assert waiting.cancelled()
    assert run(["echo", "again"]) == "again\n"
