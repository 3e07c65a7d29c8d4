"""What all commands of the project have in common: how they end when they cannot go on, or are told to stop."""

from __future__ import annotations

import sys
from collections.abc import Callable

from labkit import interruption
from labkit.trouble import EXIT_COULD_NOT_RUN, CannotRun, Inconclusive


def run(act: Callable[[], int], *, interrupted: str) -> int:
    """Do what a command is for and give its exit code: that of `act`, or 3 with one sentence on stderr.

    interrupted: what is to be said of Ctrl-C and SIGTERM, which end the command in order.
    """
    interruption.end_in_order()
    try:
        return act()
    except (CannotRun, Inconclusive) as trouble:
        print(f"cannot run: {trouble}", file=sys.stderr)
    except KeyboardInterrupt:
        print(f"interrupted: {interrupted}", file=sys.stderr)
    return EXIT_COULD_NOT_RUN
