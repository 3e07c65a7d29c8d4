"""One run: its cluster, its observations, its results file, and what it says at the end.

Lives in the controlling process. In an xdist worker, and in a process that observes for another run (see
`labkit.run.attached`), the same class only hands out the cluster that the controlling process made.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import pytest

from labkit.claims import ledger, prose, verdicts
from labkit.claims.claim import Claim, load_claims
from labkit.claims.verdicts import Observation
from labkit.cluster import LabCluster, attach, minikube_profile
from labkit.cluster.minikube_profile import Profile
from labkit.manifests.naming import Names
from labkit.paths import ROOT
from labkit.progress import Progress
from labkit.run import attached, priority, summary
from labkit.trouble import CannotRun

LABS = ROOT / "labs"

PYTEST_KINDS_OWN = "pytest-kind"
"""The default of pytest-kind's option --cluster-name; any other name is that of a kept cluster to share."""


class Run:
    """The state of one run; see the module."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._worker: dict[str, Any] | None = getattr(config, "workerinput", None)
        attach: str | None = config.getoption("attach")
        self._attached: dict[str, Any] | None = json.loads(Path(attach).read_text("utf-8")) if attach else None
        self._cluster: LabCluster | None = None
        self._minikube: Profile | None = None
        self._stack = contextlib.ExitStack()
        self._nodeids: set[str] = set()
        self.observations: list[Observation] = []
        self._judged: dict[str, dict[str, Any]] = {}
        self._began = datetime.now(UTC)
        self._labs_began: tuple[float, float] | None = None
        self._labs_took: tuple[float, float] = (0.0, 0.0)
        self.harness_mib: list[float] = []
        self.trouble: str | None = None
        self._elsewhere: Path | None = None
        """Where the results are since they could no more be written to where they belong."""
        self.interrupted = False
        self._progress = Progress()

    @property
    def alone(self) -> bool:
        """Whether this process observes on its own what was inconclusive beside others."""
        return self._attached is not None and self._attached["alone"]

    @property
    def attached(self) -> bool:
        """Whether the cluster, and what is to be run, are those of another run."""
        return self._attached is not None

    @property
    def shows_faults(self) -> bool:
        """Whether a fault of the project's own is to be shown with all of its traceback."""
        return bool(self._config.option.fulltrace)

    @property
    def distributes(self) -> bool:
        """Whether this process will start xdist workers that run labs."""
        option = self._config.option
        return (
            self._worker is None
            and getattr(option, "dist", "no") != "no"
            and not option.collectonly
            and any(Path(arg.partition("::")[0]).resolve().is_relative_to(LABS) for arg in self._config.args)
        )

    @property
    def answers(self) -> bool:
        """Whether this process answers for the results of labs."""
        return not self._worker and not self._attached and bool(self._nodeids or self.trouble)

    @property
    def kubernetes(self) -> str | None:
        """The version that is judged: v1.37.0; None where there is no cluster."""
        return self._cluster.kubernetes if self._cluster else None

    @property
    def results(self) -> Path | None:
        """The file that this run's results are in, as they now stand; None where there are none."""
        if not self._cluster or not self._judged:
            return None
        return self._elsewhere or self._file.path(self._judged)

    def cluster(self) -> LabCluster:
        """Give the run's cluster, made now where this process answers for it. Raises CannotRun."""
        if self._cluster is None:
            if handed := (self._worker or self._attached):
                self._cluster = attach(handed["labs"])
                self._minikube = Profile.attach(handed["minikube"]) if handed["minikube"] else None
            else:
                self._cluster = self._make()
        return self._cluster

    def minikube(self) -> Profile | None:
        """Give the run's minikube, started or not, where it has one. Raises CannotRun."""
        self.cluster()
        return self._minikube

    def minikube_missing(self) -> str | None:
        """Say why the run has no minikube, if it has none; nothing is made for that."""
        if self._config.getoption("context"):
            return minikube_profile.ELSEWHERE
        if handed := (self._worker or self._attached):
            return None if handed["minikube"] else minikube_profile.MISSING
        return None if self._config.getoption("minikube") or minikube_profile.is_on_path() else minikube_profile.MISSING

    def handle(self) -> dict[str, Any]:
        """Describe the cluster, and minikube where there is one, for another process."""
        labs: dict[str, Any] = self.cluster().describe()
        return {"labs": labs, "minikube": self._minikube.describe() if self._minikube else None}

    def collected(self, nodeids: Iterable[str]) -> None:
        """Keep what is going to be run, to know in the end what did not."""
        if not self._config.option.collectonly:
            self._nodeids.update(nodeids)

    def observed(self, observation: Observation) -> None:
        """Keep an observation and write the results as they now stand."""
        if self._attached:
            with Path(self._attached["observations"]).open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(observation)) + "\n")
            return
        self.observations.append(observation)
        if observation.cause:
            self.trouble = observation.cause
        claim = self._claims[observation.claim]
        seen = [o for o in self.observations if o.claim == claim.id]
        self._judged[claim.id] = verdicts.judge(claim, seen, self._prose[1].get(claim.id))
        self._write()

    def finish(self) -> int | None:
        """Observe the inconclusive once more, write the results, end the cluster; give the exit code.

        None where the run had no labs, or is not the one that answers for the results.
        """
        if not self.answers:
            return None
        if self._cluster and not self.trouble:
            self._measure()
            self._again_alone()
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
        if self._elsewhere:
            return [*lines, "", f"results: {self._elsewhere}"]
        whole = self._file.whole
        kept = "" if self.results == whole else f" ({whole.relative_to(ROOT)} has more claims, and stays)"
        return [*lines, *self.costs(), "", f"results: {self.results.relative_to(ROOT)}{kept}"]

    def costs(self) -> list[str]:
        """Give the lines on what the run cost; none of a run that was cut."""
        if not self._cluster or not self.records or self.trouble:
            return []
        return summary.costs(
            self.records,
            phases=self._cluster.phases,
            labs_s=self._labs_took[0],
            cpu_s=self._labs_took[1],
            latencies_s=[x for o in self.observations for x in o.latencies_s],
            harness_mib=sum(self.harness_mib),
        )

    def places(self) -> dict[str, tuple[str, int]]:
        """Give for each claim that was observed the file and the line where its lab ended, clean where it can be."""
        by_claim = sorted(self.observations, key=lambda o: (o.sabotage is None, o.outcome != "passed"))
        return {o.claim: (o.nodeid.partition("::")[0], o.line) for o in by_claim}

    def close(self) -> None:
        """End the cluster where `finish` did not come to it."""
        self._stack.close()

    def _make(self) -> LabCluster:
        context = self._config.getoption("context")
        terminal = self._config.pluginmanager.getplugin("terminalreporter")
        capture = self._config.pluginmanager.getplugin("capturemanager")
        # Here and not above: workers never make a cluster, and what it takes to make one is half of their memory.
        from labkit.cluster import interruption  # noqa: PLC0415

        interruption.end_in_order()

        if terminal:
            self._progress = Progress(lambda line: terminal.write_line(line, flush=True))
        verdicts.require(ROOT / "results")
        with capture.global_and_fixture_disabled() if capture else contextlib.nullcontext():
            cluster = self._of_context(context) if context else self._own()
        self._stack.enter_context(priority.session_ahead())
        self._labs_began = (time.monotonic(), _busy_s())
        return cluster

    def _own(self) -> LabCluster:
        """Make a cluster, or take a kept one, and see to a minikube beside it where one is wanted."""
        from labkit.cluster.provision import running  # noqa: PLC0415

        option, name = self._config.getoption, self._config.getoption("cluster_name")
        for only in ("image_registry", "allow_cluster_wide"):
            if option(only):
                raise CannotRun(f"--{only.replace('_', '-')} is for a cluster that is there: name it with --context")
        version = option("kubernetes") or "latest"
        # minikube first: where it is to be built and cannot be, no cluster is made in vain.
        source = minikube_profile.source(version, build=option("minikube"), progress=self._progress)
        cluster = self._stack.enter_context(
            running(
                version,
                nodes=option("nodes"),
                keep=option("keep_cluster"),
                name=None if name == PYTEST_KINDS_OWN else name,
                logs=self._logs,
                progress=self._progress,
            )
        )
        if source:
            leased = minikube_profile.leased(source, cluster.kubectl_path, self._progress)
            self._minikube = self._stack.enter_context(leased)
        return cluster

    def _of_context(self, context: str) -> LabCluster:
        """Use the cluster that is there already under this context of the user's kubeconfig."""
        from labkit.cluster import consent, existing  # noqa: PLC0415

        option = self._config.getoption
        if option("kubernetes"):
            raise CannotRun(
                "the version is that of the context's cluster: leave out --kubernetes, or leave out --context"
            )
        if option("minikube") or option("keep_cluster") or option("cluster_name") != PYTEST_KINDS_OWN:
            raise CannotRun(
                "--context uses a cluster as it is: leave out --minikube, --keep-cluster and --cluster-name"
            )

        def ask(text: str) -> None:
            if capture := self._config.pluginmanager.getplugin("capturemanager"):
                capture.suspend_global_capture(in_=True)  # whoever has suspended the rest resumes this too
            consent.ask(text)

        def push(registry: str) -> Names:
            from labkit import sample_images, supply  # noqa: PLC0415

            names = sample_images.build(supply.provide_python(self._progress), self._progress)
            return sample_images.push(sample_images.on_nodes(names), registry)

        return self._stack.enter_context(
            existing.using(
                context,
                cluster_wide=option("allow_cluster_wide"),
                registry=option("image_registry"),
                keep=option("keep_namespaces"),
                at_a_time=int(getattr(self._config.option, "numprocesses", None) or 1),
                consent=consent.given if option("yes") else ask,
                push=push,
                progress=self._progress,
            )
        )

    def _again_alone(self) -> None:
        """Observe each inconclusive test once more, one after another, with nothing else running."""
        last = {o.nodeid: o for o in self.observations}
        nodeids = [o.nodeid for o in last.values() if o.outcome == "inconclusive"]
        if not nodeids:
            return
        options = [f"--{on}" for on in ("prove", "keep-namespaces") if self._config.getoption(on.replace("-", "_"))]
        # Where stdout is for the results alone, this goes where everything else goes.
        out = sys.stderr if self._config.getoption("format") == "json" else None
        for observation in attached.observe(self.handle(), nodeids, options=options, out=out):
            self.observed(observation)

    def _measure(self) -> None:
        if self._labs_began:
            began, busy = self._labs_began
            self._labs_took = (time.monotonic() - began, _busy_s() - busy)

    def _write(self) -> None:
        if not self._cluster:
            return
        kubernetes = {
            "server": self._cluster.kubernetes,
            "kubelet": self._cluster.kubernetes,
            "kubectl": self._cluster.kubectl_version,
            "node_image": self._cluster.image,
            "origin": self._cluster.origin,
            "started": self._began.isoformat(timespec="seconds"),
            "seconds": round((datetime.now(UTC) - self._began).total_seconds(), 1),
        }
        if self._cluster.build != self._cluster.kubernetes:
            kubernetes["build"] = self._cluster.build
        judged = {record["topic"] for record in self.records}
        topics = [topic for topic in self._prose[0] if topic["topic"] in judged]
        try:
            self._file.write(kubernetes, self.records, topics)
            self._elsewhere = None
        except CannotRun as trouble:
            # A disk that filled up, rights that were changed: no verdict is lost for that, and the run goes on.
            self.trouble = self.trouble or str(trouble)
            self._elsewhere = Path(tempfile.gettempdir()) / f"labs-results-{os.getpid()}" / self._file.whole.name
            with contextlib.suppress(CannotRun):
                verdicts.write(self._elsewhere, kubernetes, self.records, topics)

    @functools.cached_property
    def _file(self) -> verdicts.ResultsFile:
        assert self._cluster
        path = verdicts.results_path(self._cluster.kubernetes, self._cluster.results)
        return verdicts.ResultsFile(path, self._claims)

    @functools.cached_property
    def _claims(self) -> dict[str, Claim]:
        return load_claims(LABS)

    @functools.cached_property
    def _prose(self) -> tuple[prose.Topics, prose.Labs]:
        return prose.read(LABS)

    @property
    def records(self) -> list[dict[str, Any]]:
        """The records of the claims judged so far."""
        return list(self._judged.values())

    @property
    def _logs(self) -> Path | None:
        folder: str | None = self._config.getoption("logs")
        return Path(folder).resolve() if folder else None

    def missing(self) -> list[str]:
        """Name the tests that were to run and were not observed."""
        return sorted(self._nodeids - {o.nodeid for o in self.observations})


def _busy_s() -> float:
    """Give the seconds that the machine's cores have worked since it booted."""
    times = psutil.cpu_times()
    return float(sum(times) - times.idle - getattr(times, "iowait", 0.0) - getattr(times, "guest", 0.0))
