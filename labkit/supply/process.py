"""Other programs, run so that an interruption ends them and their last words reach the error."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from labkit.environment import of_build

_PATIENCE_S = 20.0
"""Seconds that an ended program is given to clear up; half a Debian system takes 2."""


class Failed(Exception):
    """A program ended with an error; `last_words` is the end of what it wrote, on one line."""

    def __init__(self, argv: Sequence[str], code: int, output: str) -> None:
        self.argv, self.code, self.output = list(argv), code, output
        lines = [line.strip() for line in output.splitlines() if line.strip()]
        self.last_words = " / ".join(lines[-3:])[-600:] or f"exit code {code}"
        super().__init__(f"{' '.join(argv)}: exit code {code}\n{output}")


def run(
    argv: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    check: bool = True,
    on_line: Callable[[str], None] | None = None,
) -> str:
    """Run a program to its end and give what it wrote, stdout and stderr as one text; `on_line` sees it live.

    Raises: Failed when it ends with an error and `check` is left on, and when `aside` ended it.
    """
    with _running(argv, env, cwd, stderr=subprocess.STDOUT) as child:
        assert child.stdout is not None
        output: list[str] = []
        for line in child.stdout:
            output.append(line)
            if on_line is not None:
                on_line(line.rstrip("\n"))
        child.wait()
    if check and child.returncode:
        raise Failed(_words(argv), child.returncode, "".join(output))
    return "".join(output)


def ask(argv: Sequence[str | Path], *, env: Mapping[str, str] | None = None, cwd: Path | None = None) -> str:
    """Run a program and give its stdout alone: the answer, without the warnings beside it.

    Raises: Failed, with what it wrote on stderr.
    """
    with _running(argv, env, cwd, stderr=subprocess.PIPE) as child:
        answer, complaints = child.communicate()
    if child.returncode:
        raise Failed(_words(argv), child.returncode, complaints or answer)
    return answer


@contextlib.contextmanager
def aside() -> Iterator[ThreadPoolExecutor]:
    """Give a thread for work beside the main work; what ends the block early ends what runs in the thread too."""
    pool = ThreadPoolExecutor(max_workers=1)
    try:
        yield pool
    except BaseException:
        with _children.stopped():
            pool.shutdown(cancel_futures=True)
        raise
    pool.shutdown()


@contextlib.contextmanager
def _running(
    argv: Sequence[str | Path], env: Mapping[str, str] | None, cwd: Path | None, *, stderr: int
) -> Iterator[subprocess.Popen[str]]:
    # A process that is killed outright cannot end its children; the kernel does it where util-linux can ask it to.
    prefix = ["setpriv", "--pdeathsig", "TERM", "--"] if shutil.which("setpriv") else []
    with _children.lock:
        if _children.closed:
            raise Failed(_words(argv), -1, "not started: this run is being stopped")
        child = subprocess.Popen(
            [*prefix, *_words(argv)],
            env={**of_build(), **(env or {})},
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            encoding="utf-8",
            errors="replace",
            process_group=0,
            umask=0o022,  # what is put together here gets into images, where others read it
        )
        _children.running.add(child)
    try:
        yield child
    except BaseException:
        _end(child)
        raise
    finally:
        child.communicate()
        with _children.lock:
            _children.running.discard(child)


def _end(child: subprocess.Popen[str]) -> None:
    """End a program and what it started: a compiler that goes on would keep its output open, and us waiting."""
    for signal_, patience_s in ((signal.SIGTERM, _PATIENCE_S), (signal.SIGKILL, None)):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal_)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(patience_s)
            return


def _words(argv: Sequence[str | Path]) -> list[str]:
    return [str(word) for word in argv]


class _Children:
    """The programs that run now, in any thread."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.running: set[subprocess.Popen[str]] = set()
        self.closed = False

    @contextlib.contextmanager
    def stopped(self) -> Iterator[None]:
        """End every program that runs now, and let none start until the block is left."""
        with self.lock:
            self.closed = True
            for child in self.running:
                _end(child)
        try:
            yield
        finally:
            self.closed = False


_children = _Children()
