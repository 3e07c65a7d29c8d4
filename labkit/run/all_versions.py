"""`nox -s labs -- --kubernetes all`: every version of versions.yaml, one run after another.

While one version's labs run, the next one's node image is made.
"""

from __future__ import annotations

import argparse
import contextlib
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from labkit import interruption
from labkit.run import processes
from labkit.supply import versions

SUPPLY = ("nice", "-n", "19", sys.executable, "-m", "labkit.supply")
"""What makes a node image, behind everything else that wants the cores."""

_GRAVEST_FIRST = (3, 1, 2)
"""Of the exit codes of several runs the gravest is given: could not run, broken or vacuous, inconclusive."""


def main(argv: Sequence[str]) -> int:
    """Run a command once for each version, in place of `--kubernetes all`; give the gravest exit code."""
    interruption.end_in_order()
    asked, _ = _options(argv)
    minors = [version.minor for version in versions.read().kubernetes]
    codes: list[int] = []
    try:
        for minor, following in zip(minors, [*minors[1:], None], strict=True):
            print(f"Kubernetes {minor}, {len(codes) + 1} of {len(minors)}", file=sys.stderr, flush=True)
            with meanwhile(following, asked.nodes):
                codes.append(_run(instead_of_all(argv, minor)))
    except KeyboardInterrupt:
        print(f"interrupted: {', '.join(minors[len(codes) :])} not run", file=sys.stderr)
        codes.append(_GRAVEST_FIRST[0])
    return gravest(codes)


def instead_of_all(argv: Sequence[str], minor: str) -> list[str]:
    """Give the command for one version; where JUnit was asked for, with a file of its own: junit-1.36.xml."""
    asked, others = _options(argv)
    command = [*others, f"--kubernetes={minor}"]
    if asked.nodes:
        command.append(f"--nodes={asked.nodes}")
    if asked.junitxml:
        file = Path(asked.junitxml)
        command.append(f"--junitxml={file.with_stem(f'{file.stem}-{minor}')}")
    return command


def gravest(codes: Sequence[int]) -> int:
    """Give the exit code that says most about several runs; one that no run of labs gives counts as "could not run"."""
    if any(code not in (0, *_GRAVEST_FIRST) for code in codes):
        return _GRAVEST_FIRST[0]
    return next((code for code in _GRAVEST_FIRST if code in codes), 0)


def _run(command: Sequence[str]) -> int:
    # Ctrl-C in a terminal has reached it already; it takes a second one for the same.
    with processes.started(command, lambda labs: labs.send_signal(signal.SIGINT)) as labs:
        return labs.wait()


@contextlib.contextmanager
def meanwhile(minor: str | None, nodes: str | None) -> Iterator[None]:
    """Make a version's node image beside a block. What comes of it is said by the run that wants it."""
    if minor is None:
        yield
        return
    where = [f"--nodes={nodes}"] if nodes else []
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    command = [*SUPPLY, "--kubernetes", minor, *where]
    with processes.started(command, subprocess.Popen.terminate, start_new_session=True, **quiet):
        yield


def _options(argv: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
    """Take out of a command what differs from version to version; give that, and the rest of it."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--kubernetes")
    parser.add_argument("--nodes")
    parser.add_argument("--junitxml", "--junit-xml")
    return parser.parse_known_args(argv)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
