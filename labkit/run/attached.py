"""A run as the processes have it that only use its cluster: xdist's workers, and a child that observes for it."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

from labkit.claims.verdicts import Observation
from labkit.cluster import LabCluster, attach
from labkit.cluster.minikube_profile import MISSING, Profile

HANDLE = "labs_handle"
"""Under this name a worker is told in which file the cluster will be described."""

USED = "labs_used"
"""Under this name a worker tells what it used while labs ran."""


class Attached:
    """The cluster of another process, described in a file that is there once the cluster is."""

    def __init__(self, handle: Path) -> None:
        self._handle = handle

    @property
    def handle(self) -> Path:
        """The file that describes the cluster."""
        return self._handle

    @property
    def folder(self) -> Path:
        """The folder that the processes of this run share, for their locks."""
        return self._handle.parent

    @property
    def alone(self) -> bool:
        """Whether this process observes on its own what was inconclusive beside others."""
        return bool(self._handed.get("alone"))

    @property
    def kubernetes(self) -> str:
        """The version that is judged: v1.37.0."""
        version: str = self._handed["labs"]["kubernetes"]
        return version

    @functools.cache  # noqa: B019  # one for each process
    def cluster(self) -> LabCluster:
        """Give the run's cluster."""
        return attach(self._handed["labs"])

    @functools.cache  # noqa: B019  # one for each process
    def minikube(self) -> Profile | None:
        """Give the run's minikube, started or not, where it has one."""
        handed = self._handed["minikube"]
        return Profile.attach(handed) if handed else None

    def minikube_missing(self) -> str | None:
        """Say why the run has no minikube, if it has none."""
        return None if self._handed["minikube"] else MISSING

    def observed(self, observation: Observation) -> None:
        """Tell the run what a child observed for it; the reports of a worker carry it themselves."""
        with Path(self._handed["observations"]).open("a", encoding="utf-8") as file:
            file.write(json.dumps(vars(observation)) + "\n")

    @functools.cached_property
    def _handed(self) -> dict[str, Any]:
        handed: dict[str, Any] = json.loads(self._handle.read_text(encoding="utf-8"))
        return handed
