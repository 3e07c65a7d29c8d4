"""What is kept between runs: parts that are whole or absent, named by what made them, and locks between runs."""

from __future__ import annotations

import ast
import contextlib
import functools
import hashlib
import inspect
import json
import os
import subprocess
import tempfile
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FunctionType, ModuleType

import filelock

from labkit.paths import cache_dir
from labkit.progress import Progress
from labkit.supply.meter import Meter

KEY_LENGTH = 12
"""Hexadecimal digits of a part's key: 48 bits, far more than a machine's parts need to be told apart."""


UNUSED_S = 7 * 24 * 3600.0
"""How long a part that is superseded here is kept after its last use: another checkout may be made of it."""

_WORTH_TELLING_S = 1.0

Make = Callable[[Path, Callable[[float], None]], None]


def key_of(*made_of: object) -> str:
    """Give the key of something by what it is made of: JSON values, and modules and functions for their code.

    A changed version, flag or line of the code that does the work gives another key, so nothing old is ever served;
    a comment, a docstring or the layout of that code makes no difference.
    """
    plain = [_code(thing) if isinstance(thing, (ModuleType, FunctionType)) else thing for thing in made_of]
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()[:KEY_LENGTH]


@functools.cache  # the code that runs is the code as it was when this began, whatever is edited meanwhile
def _code(thing: ModuleType | FunctionType) -> str:
    return bare_code(inspect.getsource(thing))


def bare_code(source: str) -> str:
    """Give Python source without comments, docstrings (and other idle strings) and layout."""
    tree = ast.parse(textwrap.dedent(source))
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [line for line in body if not _is_idle_string(line)] or [ast.Pass()]  # type: ignore[attr-defined]
    return ast.unparse(tree)


def _is_idle_string(line: ast.AST) -> bool:
    return isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant) and isinstance(line.value.value, str)


class Workshop:
    """The parts under one folder, and the meter that tells how far the making of them has come.

    One process at a time works in it (`alone`); several threads of that process may.
    """

    def __init__(self, root: Path, progress: Progress, meter: Meter) -> None:
        self._parts = root / "parts"
        self._making = root / "making"
        self.progress = progress
        self.meter = meter

    def sweep(self) -> None:
        """Remove what a killed run left half made; to be called by whoever works here alone."""
        _remove(self._making)

    def find(self, name: str, made_of: list[object], *, variant: str = "") -> Path | None:
        """Give the folder of a part that was kept, and take it out of the reckoning of time."""
        folder = self._folder(name, made_of, variant)
        if not folder.exists():
            return None
        with contextlib.suppress(OSError):  # somebody else's, who sees to it himself
            os.utime(folder)
        self.meter.reuse(name)
        return folder

    def _folder(self, name: str, made_of: list[object], variant: str) -> Path:
        title = _title(name, variant)
        return self._parts / f"{title}-{key_of(title, *made_of)}"

    def part(self, name: str, made_of: list[object], make: Make, *, variant: str = "") -> Path:
        """Give the folder of a part: the one that was kept, or a new one that `make` fills.

        A part appears under its final name only when `make` has come back; other parts of that name and variant then
        go if they are unused. `make` gets the folder to fill and a function that takes the share done, 0 to 1.
        """
        title = _title(name, variant)
        if kept := self.find(name, made_of, variant=variant):
            return kept
        folder = self._folder(name, made_of, variant)
        started = time.monotonic()
        self.meter.move(name, 0.0)
        self._parts.mkdir(parents=True, exist_ok=True)
        with self.scratch(title) as half:
            made = half / "made"
            made.mkdir()
            make(made, lambda share: self.meter.move(name, share))
            made.rename(folder)
        for old in self._parts.glob(f"{title}-{'[0-9a-f]' * KEY_LENGTH}"):
            if old != folder and time.time() - old.stat().st_mtime > UNUSED_S:
                _remove(old)
        if (seconds := time.monotonic() - started) >= _WORTH_TELLING_S:
            self.progress.say(f"made {title} in {seconds:.0f} s")
        self.meter.finish(name)
        return folder

    @contextlib.contextmanager
    def scratch(self, name: str) -> Iterator[Path]:
        """Give a folder for something on its way; it goes when the block is left, or with the next sweep."""
        self._making.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._making, prefix=f"{name}-", ignore_cleanup_errors=True) as path:
            yield Path(path)


def _title(name: str, variant: str) -> str:
    return f"{name}-{variant}" if variant else name


def _remove(folder: Path) -> None:
    # Never into another file system: a killed build of a Debian root may have left something mounted.
    subprocess.run(["rm", "-rf", "--one-file-system", "--", str(folder)], check=False)


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
    half = Path(name)
    half.chmod(mode)
    half.replace(path)
