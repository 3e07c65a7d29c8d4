"""The user's yes or no, before something that is his and not ours is used."""

from __future__ import annotations

import sys

from labkit.trouble import CannotRun


def given(_: str) -> None:
    """Take the consent as given."""


def ask(text: str) -> None:
    """Say what is going to be done and ask for a yes at the terminal. Raises CannotRun where there is none."""
    if not sys.stdin.isatty():
        raise CannotRun(f"nobody is there to be asked ({' '.join(text.split())}): --yes agrees to it")
    print(f"{text}\nGo on? [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise CannotRun("it was not agreed to, and nothing was done")
