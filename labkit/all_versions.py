"""`nox -s labs -- --kubernetes all`: every version of versions.yaml, one run after another.

While one version's labs run, the next one's node image is made.
"""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence

from labkit.cluster import interruption
from labkit.supply import versions

ALL = "all"
"""What stands for every version after --kubernetes."""

SUPPLY = ("nice", "-n", "19", sys.executable, "-m", "labkit.supply")
"""What makes a node image, behind everything else that wants the cores."""

_GRAVEST_FIRST = (3, 1, 2)
"""Of the exit codes of several runs the gravest is given: could not run, broken or vacuous, inconclusive."""


def main(argv: Sequence[str]) -> int:
    """Run a command once for each version, in place of `--kubernetes all`; give the gravest exit code."""
    interruption.end_in_order_on_sigterm()
    minors = [version.minor for version in versions.read().kubernetes]
    codes: list[int] = []
    try:
        for minor, following in zip(minors, [*minors[1:], None], strict=True):
            print(f"Kubernetes {minor}, {len(codes) + 1} of {len(minors)}", file=sys.stderr, flush=True)
            with _meanwhile(following, argv):
                codes.append(_run(instead_of_all(argv, minor)))
    except KeyboardInterrupt:
        print(f"interrupted: {', '.join(minors[len(codes) :])} not run", file=sys.stderr)
        codes.append(_GRAVEST_FIRST[0])
    return gravest(codes)


def instead_of_all(argv: Sequence[str], minor: str) -> list[str]:
    """Give the command for one version."""
    return [minor if word == ALL and before == "--kubernetes" else word for before, word in _pairs(argv)]


def gravest(codes: Sequence[int]) -> int:
    """Give the exit code that says most about several runs; one that no run of labs gives counts as "could not run"."""
    if any(code not in (0, *_GRAVEST_FIRST) for code in codes):
        return _GRAVEST_FIRST[0]
    return next((code for code in _GRAVEST_FIRST if code in codes), 0)


def _run(command: Sequence[str]) -> int:
    with subprocess.Popen(command) as child:
        try:
            return child.wait()
        except KeyboardInterrupt:
            # Ctrl-C in a terminal has reached it already; it takes a second one for the same.
            child.send_signal(signal.SIGINT)
            child.wait()
            raise


@contextlib.contextmanager
def _meanwhile(minor: str | None, argv: Sequence[str]) -> Iterator[None]:
    """Make a version's node image beside a block. What comes of it is said by the run that wants it."""
    if minor is None:
        yield
        return
    where = [word for pair in _pairs(argv) if pair[0] == "--nodes" for word in pair]
    with subprocess.Popen(
        [*SUPPLY, "--kubernetes", minor, *where],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as supply:
        try:
            yield
        except BaseException:
            supply.terminate()
            raise
        finally:
            supply.wait()


def _pairs(argv: Sequence[str]) -> list[tuple[str, str]]:
    """Give each word with the one before it."""
    return list(zip(["", *argv[:-1]], argv, strict=True))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
