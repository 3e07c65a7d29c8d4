"""Other programs, run for one cluster: an environment of its own, a bound on time, output kept whole."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pty
import select
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from labkit.environment import of_lab
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

    def __str__(self) -> str:
        said = " ".join(f"{self.stdout} {self.stderr}".split())
        return f"exit {self.rc}: {said}" if said else f"exit {self.rc}"

    def typed_as(self, *words: str) -> Result:
        """Give the result as that of the same program with other words, for who reads of it."""
        return dataclasses.replace(self, argv=(self.argv[0], *words))

    @property
    def parsed(self) -> Any:
        """What stdout says, be it JSON, YAML or KYAML: all of them are YAML. Raises yaml.YAMLError where it is none."""
        return yaml.safe_load(self.stdout)


LEFT_OUT = Result(argv=(), rc=0, stdout="", stderr="", seconds=0.0)
"""What comes of a command that a sabotage leaves out."""


def environment(cluster: str, folder: Path, outer: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Give the environment for the children of a cluster whose files are in `folder`.

    Nothing of the user's own set-up gets through but what is listed in labkit.environment, and the way to the engine.
    Raises: CannotRun for a docker context that is not there.
    """
    # Here and not above: workers are handed what comes of it, and what finds the engine is a third of what they are.
    from labkit.supply import endpoint  # noqa: PLC0415

    theirs = of_lab(outer)
    no_proxy = ",".join(filter(None, (theirs.get("NO_PROXY") or theirs.get("no_proxy"), "127.0.0.1,localhost")))
    return {
        **theirs,
        **endpoint.chosen(outer).variables,
        "KUBECONFIG": str(folder / "kubeconfig"),
        "KUBECACHEDIR": str(folder / "kubectl-cache"),
        "KUBECTL_KUBERC": "false",
        # kubectl ends before collecting garbage pays: a quarter of its CPU time (37 of 47 ms for `get pods`).
        "GOGC": "400",
        # Clients do not leave 127.0.0.1 out of a proxy by themselves.
        "NO_PROXY": no_proxy,
        "no_proxy": no_proxy,
        # The nodes are looked after through the Docker API, whatever provider the user has chosen for kind.
        "KIND_EXPERIMENTAL_PROVIDER": "docker",
        LEASE_VARIABLE: cluster,
    }


def filenames(words: Sequence[str]) -> tuple[str, ...]:
    """Give kubectl's words with what follows a -f as one file, whatever its path is called.

    kubectl reads -f as a line of CSV, in which a comma and a double quote mean something.
    """
    return tuple(
        '"' + word.replace('"', '""') + '"' if before in ("-f", "--filename") and set(word) & {",", '"'} else word
        for before, word in zip(("", *words), words, strict=False)
    )


def run(
    argv: Sequence[str | Path],
    *,
    env: Mapping[str, str],
    timeout_s: float,
    stdin: str | None = None,
    folder: Path | None = None,
) -> Result:
    """Run a program to its end, in this folder where one is given.

    Raises: Inconclusive when it has not ended after `timeout_s` seconds, CannotRun when it cannot be started.
    """
    words = tuple(map(str, argv))
    started = time.monotonic()
    with _start(words, env, stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL, folder=folder) as child:
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


class Going:
    """A program that goes on until it is ended; what it writes (stderr too) is kept line by line."""

    def __init__(self, words: tuple[str, ...], child: subprocess.Popen[str]) -> None:
        self._words = words
        self._child = child
        self._started = time.monotonic()
        self._lines: list[str] = []
        self._over = False
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def line(self, wanted: Callable[[str], object], *, timeout_s: float) -> str | None:
        """Wait for the first line that is wanted; None where the program ends, or the time is over, without it."""
        deadline = time.monotonic() + timeout_s
        with self._changed:
            while True:
                if found := next(filter(wanted, self._lines), None):
                    return found
                if self._over or not self._changed.wait(max(0.0, deadline - time.monotonic())):
                    return None

    def result(self) -> Result:
        """Give what it has said so far; its rc is 0 while it goes on."""
        with self._changed:
            lines = "".join(self._lines)
        return Result(self._words, self._child.poll() or 0, lines, "", time.monotonic() - self._started)

    def _end(self) -> None:
        _end(self._child)
        self._reader.join()

    def _read(self) -> None:
        assert self._child.stdout is not None
        for line in self._child.stdout:
            with self._changed:
                self._lines.append(line)
                self._changed.notify_all()
        with self._changed:
            self._over = True
            self._changed.notify_all()


@contextlib.contextmanager
def going(argv: Sequence[str | Path], *, env: Mapping[str, str]) -> Iterator[Going]:
    """Keep a program going for the time of a block; it is killed however the block ends.

    Raises: CannotRun when it cannot be started.
    """
    words = tuple(map(str, argv))
    with _start(words, env, stdin=subprocess.DEVNULL, stderr=subprocess.STDOUT) as child:
        program = Going(words, child)
        try:
            yield program
        finally:
            program._end()


def at_terminal(argv: Sequence[str | Path], *, env: Mapping[str, str], timeout_s: float, typed: str) -> Result:
    """Run a program at a terminal of its own, type into it, and give all that the terminal shows as its stdout.

    Raises: Inconclusive when it has not ended after `timeout_s` seconds, CannotRun when it cannot be started.
    """
    words = tuple(map(str, argv))
    started = time.monotonic()
    person, program = pty.openpty()
    shown = b""
    try:
        try:
            child = _start(words, env, stdin=program, stdout=program, stderr=program)
        finally:
            os.close(program)
        with child:
            try:
                os.write(person, typed.encode())
                while part := _shown(person, started + timeout_s - time.monotonic()):
                    shown += part
                child.wait(max(0.0, started + timeout_s - time.monotonic()))
            except (TimeoutError, subprocess.TimeoutExpired) as expired:
                raise Inconclusive(f"{' '.join(words)}: not done after {timeout_s:.0f} s") from expired
            finally:
                if child.poll() is None:
                    _end(child)
    finally:
        os.close(person)
    text = shown.decode(errors="replace").replace("\r\n", "\n")
    return Result(words, child.returncode, text, "", time.monotonic() - started)


def _shown(terminal: int, timeout_s: float) -> bytes:
    """Read what a terminal shows next; nothing once its last program is gone. Raises TimeoutError."""
    if not select.select([terminal], [], [], max(0.0, timeout_s))[0]:
        raise TimeoutError
    try:
        return os.read(terminal, 4096)
    except OSError:  # EIO: how Linux tells the end
        return b""


def _start(
    words: Sequence[str],
    env: Mapping[str, str],
    *,
    stdin: int,
    stdout: int = subprocess.PIPE,
    stderr: int = subprocess.PIPE,
    folder: Path | None = None,
) -> subprocess.Popen[str]:
    try:
        # A session of its own: Ctrl-C reaches this process alone, which then decides what ends and when.
        return subprocess.Popen(
            words,
            env=env,
            cwd=folder,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
            umask=0o022,  # the user's own would get to Pods and images, with the files of a lab
        )
    except OSError as error:
        raise CannotRun(
            f"{words[0]} cannot be started ({error.strerror}): run nox -s supply, and nox -s up again"
        ) from error


def _end(child: subprocess.Popen[str]) -> None:
    """Kill a child and all that it started; they share its session."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
