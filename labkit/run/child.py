"""Labs observed on a cluster that this process answers for, by a pytest of their own: what they saw comes back."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from labkit import environment
from labkit.claims.verdicts import Observation
from labkit.paths import ROOT
from labkit.run import processes
from labkit.run.cores import cores

FEW = 6
"""Labs for each core that are observed again at once: with four it took 210 s for forty of a proof, mostly waiting."""

ENDS_S = 20.0
"""Seconds for labs to end in order when they are interrupted."""


def observe(
    handle: Mapping[str, Any],
    nodeids: Sequence[str],
    *,
    workers: int = 0,
    options: Sequence[str] = (),
    out: IO[str] | None = None,
    err: IO[str] | None = None,
) -> list[Observation]:
    """Run these labs on the cluster of a handle, as `Attached` reads it; give their observations as they came.

    Without workers each lab is alone with the cluster, one after another. What pytest prints goes to `out` and `err`,
    or where this process prints. A test that was not observed, because pytest ended before, is not in what is given.
    """
    with tempfile.TemporaryDirectory(prefix="labs-child-") as folder:
        description, told = Path(folder) / "handle.json", Path(folder) / "observations"
        content = dict(handle) | {"observations": str(told), "alone": not workers}
        description.write_text(json.dumps(content), encoding="utf-8")
        told.touch()
        command = [sys.executable, "-m", "pytest", *nodeids, f"--attach={description}"]
        command += ["-p", "no:cacheprovider", "-q", "--no-summary", *options]
        if workers:
            command += ["-n", str(workers), "--dist", "worksteal"]
        quiet = {"cwd": ROOT, "env": environment.of_run(), "stdin": subprocess.DEVNULL}
        with processes.started(command, _end, stdout=out, stderr=err, **quiet) as running:
            running.wait()
        return [Observation(**json.loads(line)) for line in told.read_text(encoding="utf-8").splitlines()]


def _end(running: subprocess.Popen[bytes]) -> None:
    """End a process that was interrupted, so that nothing of it goes on with a cluster that is being removed."""
    running.terminate()
    try:
        running.wait(ENDS_S)
    except subprocess.TimeoutExpired:
        running.kill()
        running.wait()


def observe_again(
    handle: Mapping[str, Any],
    seen: Sequence[Observation],
    *,
    options: Sequence[str] = (),
    out: IO[str] | None = None,
    err: IO[str] | None = None,
) -> Iterator[Observation]:
    """Run the labs once more whose last observation is inconclusive, and give what they see now.

    Where they are many, a few for each core first, as most of the time they wait (a sabotaged one for a minute, for
    what never comes); then each that is inconclusive still, alone with the cluster.
    """
    left = _inconclusive(seen)
    at_hand = cores()
    if len(left) > at_hand > 1:
        few = observe(handle, left, workers=min(FEW * at_hand, len(left)), options=options, out=out, err=err)
        yield from few
        told = {one.nodeid for one in few}
        left = [*_inconclusive(few), *(nodeid for nodeid in left if nodeid not in told)]
    if left:
        yield from observe(handle, left, options=options, out=out, err=err)


def _inconclusive(seen: Sequence[Observation]) -> list[str]:
    last = {one.nodeid: one for one in seen}
    return [one.nodeid for one in last.values() if one.outcome == "inconclusive"]
