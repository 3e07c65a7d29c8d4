"""Leases: which clusters on this machine are ours, who holds them, and what a killed run left behind.

A lease is a folder <state_dir>/<cluster> with lease.json, the cluster's files, and a lock that the kernel gives back
when its holder ends, however it ends. So a lease whose lock is free and that nobody kept is stale, whatever process
has its pid by now.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import json
import os
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from labkit.paths import state_dir
from labkit.trouble import CannotRun, unwritable

CREATING, RUNNING, KEPT = "creating", "running", "kept"
"""States of a lease: nodes may still be coming; whole, and goes with its run; whole, and left to the user."""

KIND, MINIKUBE, CONTEXT = "kind", "minikube", "context"
"""What makes a cluster: kind, whose clusters all labs run on, or minikube, which a few are about.

Or nobody here does: of the cluster of a context what the run makes on it is leased, and the name is the run's.
"""

_NAME = re.compile(r"labs-[0-9a-f]{8}")
_RECORD = "lease.json"


def is_our_name(cluster: str) -> bool:
    """Tell whether a cluster's name carries our mark; only with a lease beside it is the cluster ours."""
    return _NAME.fullmatch(cluster) is not None


@dataclass(frozen=True)
class Record:
    """What lease.json says of one cluster."""

    cluster: str
    kubernetes: str = "of an unknown version"
    node_image: str = ""
    origin: str = ""
    """Where the node image came from: here, pulled or built."""
    kind: str = ""
    """The kind program that made the cluster, or the minikube."""
    maker: str = KIND
    pid: int = 0
    pid_started: float = 0.0
    """The process that made the cluster and, because pids come round again, when that started (seconds since 1970)."""
    state: str = CREATING
    engine: str = ""
    """The id of the engine that has the nodes; "" where nobody knew."""
    images: Mapping[str, str] = field(default_factory=dict)
    """The sample images on the nodes: their names, which their contents give, to the engine's image ids."""

    @property
    def kept(self) -> bool:
        return self.state == KEPT

    def is_on(self, engine: str) -> bool:
        """Tell whether this engine is the one with the nodes: of another one's nothing can be said here."""
        return self.engine in ("", engine)

    @property
    def holder(self) -> str:
        """Name who uses the cluster, as well as can be told."""
        with contextlib.suppress(psutil.Error):
            if abs(psutil.Process(self.pid).create_time() - self.pid_started) < 1:
                return f"the run with pid {self.pid}"
        return "another run"


class Lease:
    """One cluster's lease, held by this process until `release`, the end of a with block, or the process's end."""

    def __init__(self, record: Record, lock: _Lock) -> None:
        self.record = record
        self._lock = lock

    def __enter__(self) -> Lease:
        return self

    def __exit__(self, *error: object) -> None:
        self.release()

    @property
    def folder(self) -> Path:
        return folder_of(self.record.cluster)

    def update(self, **changes: Any) -> None:
        """Change fields of the record, in memory and on the disk."""
        self.record = dataclasses.replace(self.record, **changes)
        _write(self.record)

    def release(self) -> None:
        """Let go of the cluster and leave it as it is."""
        self._lock.release()

    def forget(self) -> None:
        """Remove the record and the cluster's files; the cluster itself must be gone."""
        # The record first: from then on nobody takes the lease, and the rest is swept up by `records` if need be.
        (self.folder / _RECORD).unlink(missing_ok=True)
        shutil.rmtree(self.folder, ignore_errors=True)


def folder_of(cluster: str) -> Path:
    """Give the folder of a cluster's lease, kubeconfig and kubectl."""
    return state_dir() / cluster


def grant(*, kubernetes: str, node_image: str, origin: str, kind: str, maker: str = KIND, engine: str = "") -> Lease:
    """Make the lease of a cluster that does not exist yet, under a new name, and hold it.

    Raises: CannotRun where it cannot be written.
    """
    cluster = f"labs-{secrets.token_hex(4)}"
    if os.pathsep in str(folder_of(cluster)):
        raise CannotRun(
            f"there is a {os.pathsep} in {state_dir()}, which kubectl takes for the end of a path:"
            " set LABS_CACHE to another folder"
        )
    me = psutil.Process()
    record = Record(cluster, kubernetes, node_image, origin, kind, maker, me.pid, me.create_time(), engine=engine)
    try:
        with _registry():
            folder_of(cluster).mkdir(mode=0o700)
            lock = _Lock(folder_of(cluster) / "lock")
            lock.take()
            _write(record)
    except OSError as error:
        raise unwritable(folder_of(cluster), error, move="set LABS_CACHE to another folder") from error
    return Lease(record, lock)


def records() -> list[Record]:
    """Give the record of every cluster of ours on this machine, in use or not, by name."""
    found = []
    with _registry():
        for folder in sorted(path for path in state_dir().iterdir() if is_our_name(path.name)):
            if (folder / _RECORD).exists():
                found.append(_read(folder.name))
            else:  # cut off while being made or forgotten, neither of which is under way while the registry is ours
                shutil.rmtree(folder, ignore_errors=True)
    return found


def take(cluster: str, *, shared: bool = False) -> Lease | None:
    """Hold the lease of a cluster that exists: alone, or beside others who share it. None: in use, or no such lease."""
    with _registry():
        if not is_our_name(cluster) or not (folder_of(cluster) / _RECORD).exists():
            return None
        lock = _Lock(folder_of(cluster) / "lock")
        if lock.take(shared=shared):
            return Lease(_read(cluster), lock)
        lock.release()
        return None


class _Lock:
    """A lock on a file, by flock(2): the kernel gives it back when the process ends; children do not inherit it.

    Not the filelock package, whose locks cannot be shared among processes.
    """

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def take(self, *, shared: bool = False, wait: bool = False) -> bool:
        """Take the lock; False where somebody else has it and `wait` is off."""
        try:
            fcntl.flock(self._fd, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            return False
        return True

    def release(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


@contextlib.contextmanager
def _registry() -> Iterator[None]:
    """Let one process at a time look through the leases or add one, so that a half-made lease is never seen."""
    lock = _Lock(state_dir() / "lock")
    try:
        lock.take(wait=True)
        yield
    finally:
        lock.release()


def _write(record: Record) -> None:
    path = folder_of(record.cluster) / _RECORD
    half = path.with_suffix(".new")
    half.write_text(json.dumps(dataclasses.asdict(record), indent=2) + "\n")
    half.replace(path)


def _read(cluster: str) -> Record:
    """Read a record; of one that is damaged (a full disk) only the name is known, and that is enough to remove it."""
    known = {one.name for one in dataclasses.fields(Record)}
    try:
        fields = json.loads((folder_of(cluster) / _RECORD).read_text())
        return Record(**{**{name: fields[name] for name in known & fields.keys()}, "cluster": cluster})
    except (ValueError, AttributeError, TypeError, OSError):
        return Record(cluster)
