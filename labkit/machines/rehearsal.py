"""Runs of a few labs, one for each case, on one cluster; and a look afterwards at whether anything is left."""

from __future__ import annotations

import codecs
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from labkit.cluster import lease, marks, nodes, removal
from labkit.cluster.provision import running
from labkit.machines.case import Case, Ended, Seen, read, wrong
from labkit.paths import ROOT
from labkit.progress import Progress

BOUND_S = 420.0
"""Seconds after which a run is given up; the longest, which makes a cluster of its own, took 100."""

_LEFT_OUT = shutil.ignore_patterns(
    ".git", ".nox", ".venv", "results", "report", "__pycache__", ".*_cache", "cluster-logs", "*.part"
)
"""What is no part of a checkout that somebody has just cloned."""


class Rehearsal:
    """One rehearsal on one kept cluster, whose name the runs are given."""

    def __init__(self, cluster: str, progress: Progress) -> None:
        self._cluster = cluster
        self._progress = progress
        self._plain: dict[tuple[str, ...], Seen] = {}

    def row(self, case: Case) -> tuple[Seen, list[str]]:
        """Run one case; give what was seen, and what of it is not as wanted."""
        plain = Seen(0, "")
        if not case.code and case.as_plain:
            # On the same machine, a moment before: what a lab types may differ from machine to machine.
            plain = self._plain.get(case.labs) or self._run(Case("plain", case.labs))
            self._plain[case.labs] = plain
        before = _there()
        seen = self._run(case)
        found = wrong(case, seen, plain)
        after = _there()
        found += [f"left: {one}" for one in sorted(after - before)]
        found += [f"gone: {one}" for one in sorted(before - after)]
        return seen, found

    def _run(self, case: Case) -> Seen:
        with tempfile.TemporaryDirectory(prefix="labs-machine-", ignore_cleanup_errors=True) as name:
            folder = Path(name)
            checkout = folder / case.checkout
            shutil.copytree(ROOT, checkout, ignore=_LEFT_OUT)
            if case.prepare:
                case.prepare(folder)

            def here(text: str) -> str:
                return text.replace("{folder}", str(folder))

            command = [*map(here, case.before), sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
            command += [f"--cluster-name={self._cluster}"] if case.named else []
            started = time.monotonic()
            with _Child([*command, *case.labs], checkout, {k: here(v) for k, v in case.variables.items()}) as child:
                if case.meanwhile:
                    with contextlib.suppress(Ended):
                        case.meanwhile(child)
                code, output = child.end()
            seconds = time.monotonic() - started
            files = sorted((checkout / "results").rglob("*.json"))
            verdicts, typed = read(json.loads(files[-1].read_text(encoding="utf-8"))) if files else ({}, {})
            return Seen(code, output, verdicts, typed, seconds)


class _Child:
    """A run in a session of its own, whose output is read as it comes."""

    def __init__(self, command: Sequence[str], folder: Path, variables: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._output = ""
        self._over = False
        self._changed = threading.Condition()
        self._bound = threading.Timer(BOUND_S, self.signal, [signal.SIGKILL])
        self._reader = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> _Child:
        self._bound.start()
        self._reader.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bound.cancel()
        if self._process.poll() is None:
            # In order, so that it clears up; what it started in sessions of its own it ends itself.
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(removal.REMOVE_S)
            self.signal(signal.SIGKILL)
        self._reader.join()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def wait_for(self, pattern: str) -> None:
        with self._changed:
            while not re.search(pattern, self._output):
                if self._over:
                    raise Ended(pattern)
                self._changed.wait()

    def signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)

    def end(self) -> tuple[int, str]:
        """Wait for the run's end; give its exit code and all that it has printed."""
        self._reader.join()
        return self._process.wait(), self._output

    def _read(self) -> None:
        assert self._process.stdout is not None
        decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        # As it comes and not line by line: pytest ends no line until it is full of dots.
        while part := os.read(self._process.stdout.fileno(), 1 << 16):
            with self._changed:
                self._output += decoder.decode(part)
                self._changed.notify_all()
        with self._changed:
            self._over = True
            self._changed.notify_all()


@contextlib.contextmanager
def cluster(kubernetes: str | None, progress: Progress) -> Iterator[str]:
    """Have a kept cluster for the length of a block: one that is there, which stays, or one that goes again."""
    before = {record.cluster for record in lease.records()}
    with running(kubernetes, keep=True, progress=progress) as made:
        name = made.name
    try:
        yield name
    finally:
        if name not in before and (held := lease.take(name)):
            held.update(state=lease.RUNNING)
            removal.part(held, progress)


def _there() -> set[str]:
    """Name what runs may leave on this machine, or take: containers and networks of ours, idle volumes, and leases."""
    with nodes.answering():
        engine = nodes.engine().api
        containers = [
            one["Names"][0].removeprefix("/")
            for one in engine.containers(all=True)
            if marks.CLUSTER_LABEL in one["Labels"] or "labs-" in one["Labels"].get(nodes.CLUSTER_LABEL, "")
        ]
        networks = [one["Name"] for one in engine.networks() if one["Name"].startswith("labs-")]
        volumes = [one["Name"] for one in engine.volumes(filters={"dangling": True})["Volumes"] or ()]
    found = {"container": containers, "network": networks, "volume": volumes}
    named = {f"{kind} {name}" for kind, names in found.items() for name in names}
    return named | {f"lease of {record.cluster}" for record in lease.records()}
