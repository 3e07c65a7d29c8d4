"""`nox -s mutants`: build Kubernetes with one behaviour changed, put it into a cluster, and see which claims turn.

One mutant after another on one cluster; the next one is built while the labs of this one run.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from labkit import command
from labkit.claims import prose
from labkit.claims.claim import Claim, load_claims
from labkit.claims.verdicts import Observation
from labkit.cluster import programs, recovery
from labkit.cluster.provision import running
from labkit.mutants import mutant_verdicts
from labkit.mutants.mutant import FOLDER, Faulty, Mutant, NotThere, chosen, read
from labkit.mutants.mutant_verdicts import Record
from labkit.paths import ROOT, cache_dir
from labkit.progress import Progress
from labkit.run import child, priority
from labkit.supply import toolchain
from labkit.supply.cache import Workshop
from labkit.supply.meter import Meter
from labkit.supply.mutation import Built, Mutation
from labkit.supply.process import aside
from labkit.trouble import CannotRun, Inconclusive

LABS = ROOT / "labs"

KEPT = mutant_verdicts.PATH
"""The file with what became of each mutant."""

WORKERS = 8
"""Labs side by side; fewer than in a run of all, because a mutant is also built meanwhile."""

LONG_S = 30.0
"""Labs that wait longer run only for mutants that name their claim: with all the others they would cost an hour."""

NOT_TRIED = ("docker", "minikube")
"""Topics that are not about Kubernetes; no mutant of it has to turn their claims."""

ONE_S = 90.0
"""Seconds that a mutant takes on two cores, before this run knows better."""


def main(argv: Sequence[str] | None = None) -> int:
    """Try the mutants; give the exit code: 0 all are killed, 1 one is not, 2 one is inconclusive, 3 could not run."""
    parser = argparse.ArgumentParser(prog="nox -s mutants --", description=__doc__)
    parser.add_argument("-k", default="", metavar="NAME", help="mutants with this in their name, or of this program")
    parser.add_argument("--kubernetes", default="latest", metavar="VERSION", help="1.37, v1.36.4 (default: the latest)")
    parser.add_argument(
        "--nodes", choices=("auto", "pull", "build"), default="auto", help="where the node image comes from"
    )
    parser.add_argument("--named", action="store_true", help="run only the claims that must turn, and record nothing")
    asked = parser.parse_args(argv)
    stopped = "what was seen is kept, and every program is the cluster's own again"
    return command.run(lambda: _Run(asked, Progress()).run(), interrupted=stopped)


class _Run:
    """One run of mutants."""

    def __init__(self, asked: argparse.Namespace, progress: Progress) -> None:
        self._asked = asked
        self._progress = progress
        self._claims = load_claims(LABS)
        self._nodeids = prose.nodeids(LABS)
        self._known, self._faults = read(FOLDER, claims=self._claims)
        self._mutants = chosen(self._known, asked.k)
        self._records: list[Record] = []
        self._began = datetime.now(UTC)
        self._took: list[float] = []
        self._fails: dict[str, str] = {}

    def run(self) -> int:
        """Try all that were chosen; give the exit code. Raises CannotRun where no cluster can be had."""
        for fault in self._faults:
            print(fault, file=sys.stderr)
        if not self._mutants:
            raise CannotRun(f"no mutant is called so: labs/mutants has {_names(self._known)}")
        trouble = None
        with running(self._asked.kubernetes, nodes=self._asked.nodes, progress=self._progress) as cluster:
            self._cluster = cluster
            folder = cluster.path / "mutants"
            shutil.rmtree(folder, ignore_errors=True)  # of a run that was killed
            try:
                mutation = Mutation(self._go(), cluster.kubernetes, folder)
                with aside() as beside, priority.session_ahead():
                    self._all(mutation, beside)
            except CannotRun as error:
                trouble = str(error)
            finally:
                shutil.rmtree(folder, ignore_errors=True)
                self._tell(trouble)
        return mutant_verdicts.exit_code(self._records, faults=self._faults, trouble=trouble)

    def _go(self) -> toolchain.Go:
        return toolchain.find_go(Workshop(cache_dir(), self._progress, Meter(self._progress, "Go")))

    def _all(self, mutation: Mutation, beside: Executor) -> None:
        """Try one mutant after another, each while the next one is built."""
        ready = [one for one in self._mutants if self._can_be(one, mutation)]
        sources = {one.name: mutation.source(one.file) for one in ready}
        pending = self._submit(ready[0], sources, mutation, beside) if ready else None
        self._control(ready)
        for number, mutant in enumerate(ready):
            started = time.monotonic()
            assert pending
            try:
                built = pending.result()
            except CannotRun as error:
                built = None
                required = self._required(mutant)
                self._keep(mutant_verdicts.record(mutant, "faulty", f"{mutant.path}: {error}", required=required))
            following = ready[number + 1 : number + 2]
            pending = self._submit(following[0], sources, mutation, beside) if following else None
            if built:
                self._keep(self._unsound(mutant) or self._try(mutant, built))
                shutil.rmtree(built.binary.parent, ignore_errors=True)
            self._took.append(time.monotonic() - started)
            left = len(ready) - number - 1
            each_s = (sum(self._took) + ONE_S) / (len(self._took) + 1)
            self._progress.step("mutants", share=(number + 1) / len(ready), left_s=left * each_s)

    def _can_be(self, mutant: Mutant, mutation: Mutation) -> bool:
        """Tell whether a mutant can be built of the version; keep a record of one that cannot."""
        required = self._required(mutant)
        try:
            if why := mutant.not_of(self._cluster.kubernetes):
                raise NotThere(why)
            if not required:
                raise NotThere("none of its claims is about that version, or a known bug of it breaks them")
            mutant.changed(mutation.source(mutant.file))
        except NotThere as reason:
            self._keep(mutant_verdicts.record(mutant, "not-applicable", str(reason), required=required))
        except (Faulty, CannotRun) as fault:
            self._keep(mutant_verdicts.record(mutant, "faulty", str(fault), required=required))
        else:
            return True
        return False

    def _submit(
        self, mutant: Mutant, sources: Mapping[str, str], mutation: Mutation, beside: Executor
    ) -> Future[Built]:
        content = mutant.changed(sources[mutant.name])
        return beside.submit(mutation.build, mutant.program, mutant.file, content, mutant.name)

    def _control(self, mutants: Sequence[Mutant]) -> None:
        """See which of the claims that must turn hold without a mutant: that the others are broken proves nothing."""
        ids = list(dict.fromkeys(id for one in mutants for id in self._required(one)))
        if ids:
            self._progress.say(f"the control: {len(ids)} claims on the cluster as it is")
            last = {o.claim: o.outcome for o in self._observe(ids, self._handle())}
            self._fails = {id: last.get(id, "not observed") for id in ids if last.get(id) != "passed"}

    def _unsound(self, mutant: Mutant) -> Record | None:
        """Give the record of a mutant one of whose claims does not hold without it; None where all do."""
        required = self._required(mutant)
        if fails := [f"{id} ({self._fails[id]})" for id in required if id in self._fails]:
            reason = f"{', '.join(fails)} did not hold on the cluster as it is"
            return mutant_verdicts.record(mutant, "inconclusive", reason, required=required)
        return None

    def _required(self, mutant: Mutant) -> list[str]:
        """Name the claims that must turn: those about the version that no bug of that patch breaks anyway."""
        release = self._cluster.kubernetes
        about = [self._claims[id] for id in mutant.claims]
        return [claim.id for claim in about if not claim.not_of(release) and not claim.bug_of(release)]

    def _try(self, mutant: Mutant, built: Built) -> Record:
        """Run labs on a cluster with a mutant in it."""
        required = self._required(mutant)
        started = datetime.now(UTC).isoformat(timespec="seconds")
        self._progress.say(f"{mutant.name} ({mutant.program}, built in {built.seconds:.0f} s): {mutant.sentence}")
        clock = time.monotonic()
        labs_s = 0.0
        try:
            with self._in_place(mutant, built) as handle:
                labs_began = time.monotonic()
                seen = self._observe(self._tried_with(mutant), handle)
                labs_s = time.monotonic() - labs_began
        except (programs.ProgramDoesNotRun, recovery.NotWell) as unwell:
            reason = f"the cluster does not work with it: {unwell}"
            made = mutant_verdicts.record(mutant, "unwell", reason, required=required)
        except Inconclusive as unclear:
            made = mutant_verdicts.record(mutant, "inconclusive", str(unclear), required=required)
        else:
            anyway = [claim.id for claim in self._claims.values() if claim.bug_of(self._cluster.kubernetes)]
            made = mutant_verdicts.judge(mutant, seen, required=required, broken_anyway=anyway)
        times = {"build_s": built.seconds, "labs_s": labs_s, "swap_s": time.monotonic() - clock - labs_s}
        self._progress.say(f"{mutant.name}: {made['verdict']} {made['reason']}".rstrip())
        return made | {"started": started} | {key: round(value, 1) for key, value in times.items()}

    @contextlib.contextmanager
    def _in_place(self, mutant: Mutant, built: Built) -> Iterator[dict[str, Any]]:
        """Have a cluster that is well with a mutant in it; give its handle. The cluster is well again afterwards."""
        if mutant.program == "kubectl":
            yield self._handle(kubectl=str(built.binary))
            return
        try:
            with programs.exchanged(self._cluster, mutant.program, built.binary):
                recovery.wait_well(self._cluster)
                yield self._handle()
        finally:
            self._again_well(mutant)

    def _again_well(self, mutant: Mutant) -> None:
        """See that the cluster works with its own programs. Raises CannotRun."""
        try:
            recovery.wait_well(self._cluster)
        except recovery.NotWell as unwell:
            raise CannotRun(
                f"the cluster is not well after {mutant.name}, although all programs are its own again ({unwell}):"
                " nox -s down removes it"
            ) from unwell

    def _tried_with(self, mutant: Mutant) -> list[str]:
        """Name the claims that are tried with a mutant, those that must turn first."""
        ids = [*mutant.claims, *mutant.may_turn]
        if not self._asked.named:
            topics = {self._claims[id].topic for id in ids}
            ids += [id for id, claim in self._claims.items() if claim.topic in topics and claim.takes_s <= LONG_S]
        return [id for id in dict.fromkeys(ids) if not self._claims[id].not_of(self._cluster.kubernetes)]

    def _observe(self, ids: Sequence[str], handle: Mapping[str, Any]) -> list[Observation]:
        """Run the labs of claims, and those that were inconclusive once more, in quiet."""
        nodeids = [self._nodeids[id] for id in ids]
        with Path(os.devnull).open("w") as nowhere:
            seen = child.observe(handle, nodeids, workers=min(WORKERS, len(nodeids)), out=nowhere, err=nowhere)
            seen += child.observe_again(handle, seen, out=nowhere, err=nowhere)
        return seen

    def _handle(self, **changes: str) -> dict[str, Any]:
        return {"labs": self._cluster.describe() | changes, "minikube": None}

    def _keep(self, record: Record) -> None:
        """Keep a record at once, so that a killed run loses nothing that it has seen."""
        self._records.append(record)
        if self._asked.named:
            return
        run = {
            "kubernetes": self._cluster.kubernetes,
            "started": self._began.isoformat(timespec="seconds"),
            "seconds": round((datetime.now(UTC) - self._began).total_seconds(), 1),
            "mutants": self._records,
        }
        mutant_verdicts.write(mutant_verdicts.merged(mutant_verdicts.read(KEPT), run, self._known), KEPT)

    def _tell(self, trouble: str | None) -> None:
        for line in mutant_verdicts.table(self._records):
            print(line)
        if trouble:
            print(f"\ncannot run: {trouble}", file=sys.stderr)
        if self._asked.named:
            return
        for line in unturned(self._claims, mutant_verdicts.read(KEPT), self._cluster.kubernetes):
            print(line)
        print(f"\nresults: results/{KEPT.name}")


def unturned(claims: Mapping[str, Claim], runs: Sequence[Record], kubernetes: str) -> list[str]:
    """Say which claims about a version no mutant has turned on it: the next ones to doubt."""
    turned = {
        turn["claim"]
        for run in runs
        if run["kubernetes"] == kubernetes
        for one in run["mutants"]
        for turn in one["turned"]
    }
    about = [
        claim
        for claim in claims.values()
        if claim.topic not in NOT_TRIED and not claim.not_of(kubernetes) and not claim.bug_of(kubernetes)
    ]
    left: dict[str, list[str]] = {}
    for claim in about:
        if claim.id not in turned:
            left.setdefault(claim.topic, []).append(claim.id)
    count = sum(map(len, left.values()))
    lines = [
        "",
        f"turned by no mutant: {count} of {len(about)} claims about Kubernetes {kubernetes}, the next to doubt",
    ]
    return [*lines, *(f"  {', '.join(ids)}" for ids in left.values())] if left else []


def _names(mutants: Sequence[Mutant]) -> str:
    return ", ".join(one.name for one in mutants) or "none"


if __name__ == "__main__":
    sys.exit(main())
