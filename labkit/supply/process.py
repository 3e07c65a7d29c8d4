"""Other programs, run so that an interruption stops them and their last words reach the error."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path


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
    timeout_s: float | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end and keep what it wrote (stderr and stdout as one text in `stdout`).

    Raises: Failed when it ends with an error and `check` is left on; FileNotFoundError when there is no such program.
    """
    words = [str(word) for word in argv]
    done = subprocess.run(
        words,
        env={**os.environ, **(env or {})},
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=timeout_s,
    )
    if check and done.returncode:
        raise Failed(words, done.returncode, done.stdout)
    return done
