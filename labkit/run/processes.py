"""Processes that a run starts, and that do not outlive it."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from labkit import interruption


@contextlib.contextmanager
def started(
    command: Sequence[str], end: Callable[[subprocess.Popen[bytes]], None], **options: Any
) -> Iterator[subprocess.Popen[bytes]]:
    """Start a process, as `subprocess.Popen` does, and give it; it has ended after the block.

    Where that is interrupted `end` ends it. An interruption that meets the start waits until there is something to end:
    the process would go on, and nobody would know of it.
    """
    process = None
    try:
        with interruption.held_off():
            process = subprocess.Popen(command, **options)
        yield process
    except BaseException:
        if process:
            with interruption.held_off():
                end(process)
        raise
    finally:
        if process:
            process.wait()
