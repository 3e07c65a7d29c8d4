"""Results on disk: the journal that a run appends to, and results/<version>.json, rendered and checked at its end."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, TextIO

import jsonschema

from labkit.claims import verdicts
from labkit.claims.claim import Claim
from labkit.claims.verdicts import Observation
from labkit.paths import ROOT
from labkit.trouble import CannotRun, unwritable

SCHEMA = 1

FOLDER = ROOT / "results"

ROOM_BYTES = 16_000_000
"""What the results of a whole run need, with its journal and the half that is replaced: 3 MB each of 235 claims."""


def path_of(kubernetes: str, folder: str = "") -> Path:
    """Give the path of the results of a Kubernetes version, such as "v1.37.0", in a folder of results/."""
    return FOLDER / folder / f"{kubernetes.removeprefix('v')}.json"


def schema() -> dict[str, Any]:
    """Give the JSON schema of a results file."""
    loaded: dict[str, Any] = json.loads(
        resources.files("labkit.claims").joinpath("results.schema.json").read_text("utf-8")
    )
    return loaded


def read(path: Path) -> dict[str, Any]:
    """Read a results file. Raises CannotRun where it is cut, foreign, or of another schema."""
    try:
        results: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        jsonschema.validate(results, schema())
    except (OSError, ValueError, RecursionError) as error:
        raise CannotRun(f"{path} is no results file ({error}); run `nox -s labs` again to make it") from error
    except jsonschema.ValidationError as error:
        raise CannotRun(f"{path} is of another schema ({error.message[:200]}); run `nox -s labs` again") from error
    return results


def write(
    path: Path,
    kubernetes: Mapping[str, Any],
    records: Sequence[Mapping[str, Any]],
    topics: Sequence[Mapping[str, str]] = (),
    cost: Mapping[str, Any] | None = None,
) -> None:
    """Write a results file whole or not at all, its claims (as `verdicts.judge` gives them) in the order of their ids.

    `topics` are those of the claims, as `prose.read` gives them; `cost` is what the run cost, as `run.costs` gives it.

    Raises CannotRun where it cannot be written, jsonschema.ValidationError where anything is not as designed.
    """
    results: dict[str, Any] = {"schema": SCHEMA, "kubernetes": dict(kubernetes)}
    if cost:
        results["cost"] = dict(cost)
    if topics:
        results["topics"] = list(topics)
    results["claims"] = sorted(records, key=lambda r: str(r["id"]))
    jsonschema.Draft202012Validator(schema()).validate(results)
    put(path, results)


def put(path: Path, document: Mapping[str, Any]) -> None:
    """Write a document of results/ as JSON, whole or not at all. Raises CannotRun where it cannot be written."""
    part = path.with_suffix(".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        part.replace(path)
    except OSError as error:
        raise unwritable(path, error) from error


def require(folder: Path) -> None:
    """See that results can be written into a folder, before there are any. Raises CannotRun."""
    trial = folder / f".{os.getpid()}.part"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        trial.write_bytes(bytes(ROOM_BYTES))
        for one in (folder / "partial", *folder.glob("*.part")):
            if one.exists() and not os.access(one, os.W_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(one))
    except OSError as error:
        raise unwritable(folder, error) from error
    finally:
        with contextlib.suppress(OSError):
            trial.unlink()


class ResultsFile:
    """The file of one run's results: a version's own, or one in partial/ beside it while that would lose claims."""

    def __init__(self, whole: Path, known: Collection[str]) -> None:
        """`known` are the ids of all claims that there are: what the file has of others is not missed."""
        self.whole = whole
        try:
            self._earlier = {record["id"] for record in read(whole)["claims"]}.intersection(known)
        except CannotRun:
            self._earlier = set()

    def path(self, judged: Collection[str]) -> Path:
        """Give the path for a run that has judged these claims."""
        return self.whole if self._earlier.issubset(judged) else self.whole.parent / "partial" / self.whole.name

    def write(
        self,
        kubernetes: Mapping[str, Any],
        records: Sequence[Mapping[str, Any]],
        topics: Sequence[Mapping[str, str]] = (),
        cost: Mapping[str, Any] | None = None,
    ) -> Path:
        """Write the results; see `write`. Give the path that they went to."""
        path = self.path({record["id"] for record in records})
        write(path, kubernetes, records, topics, cost)
        if path == self.whole:
            (path.parent / "partial" / path.name).unlink(missing_ok=True)
        return path


class Journal:
    """What one run observes, a line each, kept as it comes: whoever kills the run, it is there for the next reader.

    The lock on the file tells whether the run still goes on; the kernel gives it back however a process ends.
    """

    def __init__(self, file: TextIO) -> None:
        self._file = file

    @classmethod
    def begin(cls, whole: Path, kubernetes: Mapping[str, Any], run: str) -> Journal:
        """Begin the journal of a run beside its results file; `run` tells it from others'. Raises CannotRun."""
        path = whole.with_suffix(f".{run}.journal")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            file = path.open("w", encoding="utf-8")
        except OSError as error:
            raise unwritable(path.parent, error) from error
        fcntl.flock(file, fcntl.LOCK_EX)
        journal = cls(file)
        journal._append({"whole": whole.name, "kubernetes": dict(kubernetes)})
        return journal

    def add(self, observation: Observation) -> None:
        """Keep an observation; the time that this takes does not grow with their number. Raises CannotRun."""
        self._append(vars(observation))

    def end(self) -> None:
        """Forget the journal: its results are written."""
        Path(self._file.name).unlink(missing_ok=True)
        self._file.close()

    def _append(self, line: Mapping[str, Any]) -> None:
        try:
            self._file.write(json.dumps(line, ensure_ascii=False) + "\n")
            self._file.flush()
        except OSError as error:
            raise CannotRun(
                f"{self._file.name} cannot be written ({error.strerror}); make room and run again"
            ) from error


@dataclass(frozen=True)
class Recovered:
    """What became of the journal of a run that was killed: the results file, and how many claims it judges."""

    path: Path
    claims: int


def recover(folder: Path, claims: Mapping[str, Claim]) -> Iterator[Recovered]:
    """Make results of the journals that killed runs left below a folder; journals of runs that go on are left alone.

    `claims` are all that there are, by id: observations of others say nothing any more. Raises CannotRun.
    """
    for path in sorted(folder.rglob("*.journal")):
        with contextlib.suppress(FileNotFoundError), path.open(encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            header, observations = _read_journal(file)
            seen = {one.claim for one in observations if one.claim in claims}
            if header and seen:
                records = [verdicts.judge(claims[id], [o for o in observations if o.claim == id]) for id in seen]
                results = ResultsFile(path.with_name(header["whole"]), claims)
                yield Recovered(results.write(header["kubernetes"], records), len(records))
            path.unlink()


def _read_journal(file: TextIO) -> tuple[dict[str, Any], list[Observation]]:
    """Read header and observations; the last line of a run that was killed while it wrote is cut, and left out."""
    lines = []
    for line in file:
        with contextlib.suppress(ValueError):
            lines.append(json.loads(line))
    header, *observed = lines or [{}]
    return header, [Observation(**one) for one in observed]
