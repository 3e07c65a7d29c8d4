"""Other programs, run for one cluster: an environment of its own, a bound on time, output kept whole."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from labkit.trouble import CannotRun, Inconclusive

LEASE_VARIABLE = "LABS_LEASE"
"""Marks every child with its cluster's name, so that orphans of a killed run are found by their environment."""


@dataclass(frozen=True)
class Result:
    """What a command said. A lab judges `rc` itself: a refusal is often what it wants to see."""

    argv: tuple[str, ...]
    rc: int
    stdout: str
    stderr: str
    seconds: float


class Running:
    """A program that goes on; `said` is what it has written so far, in whole lines, stderr too."""

    def __init__(self, child: subprocess.Popen[str]) -> None:
        self._child = child
        self._lines: list[str] = []
        self._reader = threading.Thread(target=self._read, name=f"output of {child.args!r}", daemon=True)
        self._reader.start()

    @property
    def said(self) -> str:
        return "".join(self._lines)

    @property
    def rc(self) -> int | None:
        """The exit code; None while it goes on, negative where it was killed."""
        return self._child.poll()

    def _read(self) -> None:
        assert self._child.stdout is not None
        for line in self._child.stdout:
            self._lines.append(line)

    def end(self) -> None:
        """Kill it and all that it started where it still goes on, and read the last of what it said."""
        if self._child.poll() is None:
            _end(self._child)
            self._child.wait()
        self._reader.join()


def environment(cluster: str, folder: Path, inherited: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Give the environment for the children of a cluster whose files are in `folder`.

    Nothing of the user's own Kubernetes set-up gets through: not the kubeconfig, not kubectl's cache and preferences.
    """
    no_proxy = ",".join(filter(None, (inherited.get("NO_PROXY") or inherited.get("no_proxy"), "127.0.0.1,localhost")))
    return {
        **inherited,
        "KUBECONFIG": str(folder / "kubeconfig"),
        "KUBECACHEDIR": str(folder / "kubectl-cache"),
        "KUBECTL_KUBERC": "false",
        # kubectl translates its messages, and a lab shows them to readers of English.
        "LC_ALL": "C.UTF-8",
        # Clients do not leave 127.0.0.1 out of a proxy by themselves.
        "NO_PROXY": no_proxy,
        "no_proxy": no_proxy,
        # The nodes are looked after through the Docker API, whatever provider the user has chosen for kind.
        "KIND_EXPERIMENTAL_PROVIDER": "docker",
        LEASE_VARIABLE: cluster,
    }


def run(argv: Sequence[str | Path], *, env: Mapping[str, str], timeout_s: float, stdin: str | None = None) -> Result:
    """Run a program to its end.

    Raises: Inconclusive when it has not ended after `timeout_s` seconds, CannotRun when it cannot be started.
    """
    words = tuple(map(str, argv))
    started = time.monotonic()
    with _start(words, env, stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL) as child:
        try:
            stdout, stderr = child.communicate(stdin, timeout=timeout_s)
        except subprocess.TimeoutExpired as expired:
            _end(child)
            raise Inconclusive(f"{' '.join(words)}: not done after {timeout_s:.0f} s") from expired
        except BaseException:
            _end(child)
            raise
    return Result(words, child.returncode, stdout, stderr, time.monotonic() - started)


def follow(
    argv: Sequence[str | Path], *, env: Mapping[str, str], timeout_s: float, each: Callable[[str], None]
) -> Result:
    """Run a program and hand over each line that it writes (stderr too, kept as stdout) as soon as it comes.

    A program that is not done after `timeout_s` seconds is killed; its rc is then negative.
    Raises: CannotRun when it cannot be started.
    """
    words = tuple(map(str, argv))
    started = time.monotonic()
    lines: list[str] = []
    with _start(words, env, stdin=subprocess.DEVNULL, stderr=subprocess.STDOUT) as child:
        assert child.stdout is not None
        bound = threading.Timer(timeout_s, _end, [child])
        bound.daemon = True
        bound.start()
        try:
            for line in child.stdout:
                lines.append(line)
                each(line.rstrip("\n"))
        finally:
            bound.cancel()
    return Result(words, child.returncode, "".join(lines), "", time.monotonic() - started)


@contextmanager
def going_on(argv: Sequence[str | Path], *, env: Mapping[str, str]) -> Iterator[Running]:
    """Keep a program running for the length of a block, however the block ends.

    Raises: CannotRun when it cannot be started.
    """
    with _start(tuple(map(str, argv)), env, stdin=subprocess.DEVNULL, stderr=subprocess.STDOUT) as child:
        running = Running(child)
        try:
            yield running
        finally:
            running.end()


def _start(
    words: Sequence[str], env: Mapping[str, str], *, stdin: int, stderr: int = subprocess.PIPE
) -> subprocess.Popen[str]:
    try:
        # A session of its own: Ctrl-C reaches this process alone, which then decides what ends and when.
        return subprocess.Popen(
            words,
            env=env,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            errors="replace",
            start_new_session=True,
        )
    except OSError as error:
        raise CannotRun(
            f"{words[0]} cannot be started ({error.strerror}): run nox -s supply, and nox -s up again"
        ) from error


def _end(child: subprocess.Popen[str]) -> None:
    """Kill a child and all that it started; they share its session."""
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
