"""One run, in the process that answers for it: its cluster, its observations, its results, and what it says at the end.

What xdist's workers have of it is in `attached`.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import sys
import tempfile
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from labkit import interruption
from labkit.claims import ledger, prose, results_file, verdicts
from labkit.claims.claim import Claim, load_claims
from labkit.claims.results_file import Journal, ResultsFile
from labkit.claims.verdicts import Observation
from labkit.cluster import LabCluster, minikube_lease, minikube_profile, nodes
from labkit.cluster.existing import ExistingCluster
from labkit.cluster.minikube_profile import Profile
from labkit.cluster.own import OwnCluster
from labkit.paths import ROOT
from labkit.progress import Progress
from labkit.run import child, cost, making, priority, selection, summary
from labkit.run.cost import Moment
from labkit.run.usage import Used
from labkit.trouble import CannotRun


class Run:
    """The state of one run; see the module."""

    alone = False

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._cluster: OwnCluster | ExistingCluster | None = None
        self._minikube: Profile | None = None
        self._stack = contextlib.ExitStack()
        self._nodeids: set[str] = set()
        self.observations: list[Observation] = []
        self._judged: dict[str, tuple[int, dict[str, Any]]] = {}
        self._journal: Journal | None = None
        self._unjournaled = False
        self._written: Path | None = None
        self._began = datetime.now(UTC)
        self._labs_began: Moment | None = None
        self._cost: dict[str, Any] | None = None
        self.workers: list[Used] = []
        """What each worker that has ended used while labs ran."""
        self.trouble: str | None = None
        self.interrupted = False
        self._progress = Progress()

    @functools.cached_property
    def folder(self) -> Path:
        """A folder that the processes of this run share: for their locks, and what describes the cluster to them."""
        return Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="labs-run-")))

    @property
    def shows_faults(self) -> bool:
        """Whether a fault of the project's own is to be shown with all of its traceback."""
        return bool(self._config.option.fulltrace)

    @property
    def distributes(self) -> bool:
        """Whether this process will start xdist workers that run labs."""
        option = self._config.option
        return getattr(option, "dist", "no") != "no" and not option.collectonly and selection.has_labs(self._config)

    @property
    def answers(self) -> bool:
        """Whether there is anything to answer for: labs were to run, or could not."""
        return bool(self._nodeids or self.trouble)

    @property
    def kubernetes(self) -> str | None:
        """The version that is judged: v1.37.0; None where there is no cluster."""
        return self._cluster.kubernetes if self._cluster else None

    @property
    def results(self) -> Path | None:
        """The file that this run's results are in; None where none were written."""
        return self._written

    def cluster(self) -> LabCluster:
        """Give the run's cluster, made now where there is none yet. Raises CannotRun."""
        if self._cluster is None:
            self._cluster = self._make()
            self.handle.write_text(json.dumps(self._described()), encoding="utf-8")
            self._recover()
            self._labs_began = self._moment(self._cluster)
        return self._cluster

    def minikube(self) -> Profile | None:
        """Give the run's minikube, started or not, where it has one. Raises CannotRun."""
        self.cluster()
        return self._minikube

    def minikube_missing(self) -> str | None:
        """Say why the run has no minikube, if it has none; nothing is made for that."""
        if self._config.getoption("context"):
            return minikube_profile.ELSEWHERE
        return None if self._config.getoption("minikube") or minikube_lease.is_on_path() else minikube_profile.MISSING

    @property
    def handle(self) -> Path:
        """The file that describes the cluster for `Attached`, there as soon as the cluster is."""
        return self.folder / "handle.json"

    def _described(self) -> dict[str, Any]:
        assert self._cluster
        return {"labs": self._cluster.describe(), "minikube": self._minikube.describe() if self._minikube else None}

    def collected(self, nodeids: Iterable[str]) -> None:
        """Keep what is going to be run, to know in the end what did not."""
        if not self._config.option.collectonly:
            self._nodeids.update(nodeids)

    def observed(self, observation: Observation) -> None:
        """Keep an observation, at once and for whoever reads after a kill."""
        self.observations.append(observation)
        if observation.cause:
            self.trouble = observation.cause
        if self._cluster and not self._unjournaled:
            try:
                if self._journal is None:
                    self._journal = Journal.begin(self._file.whole, self._kubernetes(), self._cluster.name)
                self._journal.add(observation)
            except CannotRun as trouble:
                # The run goes on, and has all of it in memory; its end says what is to be mended.
                self.trouble = self.trouble or str(trouble)
                self._unjournaled = True

    def finish(self) -> int | None:
        """Observe the inconclusive once more, write the results, end the cluster; give the exit code.

        None where the run had no labs.
        """
        if not self.answers:
            return None
        if self._cluster and not self.trouble:
            self._measure()
            self._observe_again()
        self._write()
        code = verdicts.exit_code(self.records, missing=self.missing(), trouble=self.trouble)
        if code and self._cluster and self._logs and not self.interrupted:
            self._cluster.export_logs(self._logs, self._progress)
        self._stack.close()
        return code

    def summary(self) -> list[str]:
        """Give the lines that close the run."""
        if not self.records and not self.trouble:
            return []
        lines = summary.verdicts(self.records, ledger.read(), missing=self.missing(), trouble=self.trouble)
        if not self.results:
            return lines
        if not self.results.is_relative_to(ROOT):
            return [*lines, "", f"results: {self.results}"]
        whole = self._file.whole
        kept = "" if self.results == whole else f" ({whole.relative_to(ROOT)} has more claims, and stays)"
        return [*lines, *self.costs(), "", f"results: {self.results.relative_to(ROOT)}{kept}"]

    def costs(self) -> list[str]:
        """Give the lines on what the run cost; none of a run that was cut."""
        return summary.costs(self._cost, self.records) if self._cost and not self.trouble else []

    def places(self) -> dict[str, tuple[str, int]]:
        """Give for each claim that was observed the file and the line where its lab ended, clean where it can be."""
        by_claim = sorted(self.observations, key=lambda o: (o.sabotage is None, o.outcome != "passed"))
        return {o.claim: (o.nodeid.partition("::")[0], o.line) for o in by_claim}

    def close(self) -> None:
        """End the cluster where `finish` did not come to it."""
        self._stack.close()

    def _make(self) -> OwnCluster | ExistingCluster:
        context = self._config.getoption("context")
        terminal = self._config.pluginmanager.getplugin("terminalreporter")
        capture = self._config.pluginmanager.getplugin("capturemanager")
        interruption.end_in_order()

        if terminal:
            self._progress = Progress(lambda line: terminal.write_line(line, flush=True))
        results_file.require(results_file.FOLDER)
        with capture.global_and_fixture_disabled() if capture else contextlib.nullcontext():
            if context:
                cluster: OwnCluster | ExistingCluster = making.of_context(
                    context, self._config, self._stack, self._progress
                )
            else:
                cluster, self._minikube = making.own(self._config, self._logs, self._stack, self._progress)
        self._stack.enter_context(priority.session_ahead())
        return cluster

    def _observe_again(self) -> None:
        """Observe each inconclusive test once more, in quiet."""
        options = [f"--{on}" for on in ("prove", "keep-namespaces") if self._config.getoption(on.replace("-", "_"))]
        # Where stdout is for the results alone, this goes where everything else goes.
        out = sys.stderr if self._config.getoption("format") == "json" else None
        for observation in child.observe_again(self._described(), self.observations, options=options, out=out):
            self.observed(observation)

    def _moment(self, cluster: LabCluster) -> Moment:
        own = cluster.nodes if isinstance(cluster, OwnCluster) else ()
        return cost.moment(nodes.cpu_s([node.name for node in own]))

    def _measure(self) -> None:
        if self._cluster and self._labs_began:
            self._cost = cost.cost(
                self._labs_began,
                self._moment(self._cluster),
                nodes=self._cluster.nodes,
                workers=self.workers,
                cluster_s=self._cluster.phases.get("cluster", 0.0),
                records=self.records,
                latencies_s=[x for o in self.observations for x in o.latencies_s],
            )

    def _recover(self) -> None:
        """Make results of what a killed run of this checkout observed, and say so."""
        for found in results_file.recover(results_file.FOLDER, self._claims):
            self._progress.say(f"a run was killed; the {found.claims} claims that it judged are in {found.path}")

    def _write(self) -> None:
        """Write the results, once; where that fails, elsewhere, and the journal stays for the next run."""
        if not (self._cluster and self.records):
            return
        judged = {record["topic"] for record in self.records}
        topics = [topic for topic in self._prose[0] if topic["topic"] in judged]
        kubernetes = self._kubernetes()
        try:
            self._written = self._file.write(kubernetes, self.records, topics, self._cost)
        except CannotRun as trouble:
            # A disk that filled up, rights that were changed: no verdict is lost for that.
            self.trouble = self.trouble or str(trouble)
            elsewhere = Path(tempfile.gettempdir()) / f"labs-results-{os.getpid()}" / self._file.whole.name
            with contextlib.suppress(CannotRun):
                results_file.write(elsewhere, kubernetes, self.records, topics, self._cost)
                self._written = elsewhere
            return
        if self._journal:
            self._journal.end()

    def _kubernetes(self) -> dict[str, Any]:
        assert self._cluster
        told = {
            "server": self._cluster.kubernetes,
            "kubelet": self._cluster.kubernetes,
            "kubectl": self._cluster.kubectl_version,
            "node_image": self._cluster.image,
            "origin": self._cluster.origin,
            "started": self._began.isoformat(timespec="seconds"),
            "seconds": round((datetime.now(UTC) - self._began).total_seconds(), 1),
        }
        return told if self._cluster.build == self._cluster.kubernetes else told | {"build": self._cluster.build}

    @functools.cached_property
    def _file(self) -> ResultsFile:
        assert self._cluster
        path = results_file.path_of(self._cluster.kubernetes, self._cluster.results)
        return ResultsFile(path, self._claims)

    @functools.cached_property
    def _claims(self) -> dict[str, Claim]:
        return load_claims(selection.LABS)

    @functools.cached_property
    def _prose(self) -> tuple[prose.Topics, prose.Labs]:
        return prose.read(selection.LABS)

    @property
    def records(self) -> list[dict[str, Any]]:
        """The records of the claims observed so far; each is judged anew only where it was observed again."""
        seen: dict[str, list[Observation]] = {}
        for observation in self.observations:
            seen.setdefault(observation.claim, []).append(observation)
        for id, observed in seen.items():
            if len(observed) != self._judged.get(id, (0, {}))[0]:
                record = verdicts.judge(self._claims[id], observed, self._prose[1].get(id))
                self._judged[id] = (len(observed), record)
        return [record for _, record in self._judged.values()]

    @property
    def _logs(self) -> Path | None:
        folder: str | None = self._config.getoption("logs")
        return Path(folder).resolve() if folder else None

    def missing(self) -> list[str]:
        """Name the tests that were to run and were not observed."""
        return sorted(self._nodeids - {o.nodeid for o in self.observations})
