"""What is kept between runs: parts that are whole or absent, named by what made them, and locks between runs."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import filelock

from labkit.paths import cache_dir
from labkit.progress import Progress


@contextlib.contextmanager
def alone(what: str, progress: Progress, elsewhere: str) -> Iterator[None]:
    """Let one process at a time do `what`; the others say `elsewhere` and wait. A killed holder lets go."""
    folder = cache_dir() / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(folder / f"{what}.lock")
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        progress.say(f"{elsewhere}: waiting for it")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def write_whole(path: Path, text: str, *, mode: int = 0o644) -> None:
    """Write a file so that nobody ever sees half of it; folders are made on the way."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(handle, "w") as file:
        file.write(text)
    os.chmod(name, mode)
    os.replace(name, path)
