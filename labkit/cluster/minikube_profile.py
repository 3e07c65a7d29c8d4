"""A minikube of ours as labs have it: one profile, with all its files in one folder."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from labkit.cluster import commands

MISSING = "there is no minikube: --minikube builds one from source (nox -s labs -- --minikube), or have one on PATH"
"""Why labs about minikube are not applicable where there is none."""

ELSEWHERE = "it is about minikube on this machine, not about this cluster: a run without --context shows it"
"""Why they are not on a cluster that is already there."""


@dataclass(frozen=True)
class Profile:
    """A minikube profile that is ours, whether it has been started or not."""

    name: str
    folder: Path
    settings: Mapping[str, str]
    """What minikube reads from its environment."""

    @property
    def lock(self) -> Path:
        """The file to lock for the time of a lab: there is one profile, and labs stop and start it."""
        return self.folder / "turn.lock"

    @property
    def programs(self) -> Path:
        """The folder with minikube and kubectl, first on the labs' PATH."""
        return self.folder / "bin"

    def environment(self, kubeconfig: Path) -> dict[str, str]:
        """Give the environment of what a lab types, whose kubectl and minikube know this kubeconfig alone."""
        inherited = commands.environment(self.name, self.folder)
        return {
            **inherited,
            **self.settings,
            "PATH": f"{self.programs}{os.pathsep}{inherited.get('PATH', os.defpath)}",
            "KUBECONFIG": str(kubeconfig),
        }

    def describe(self) -> dict[str, Any]:
        """Give all that another process needs to use the profile, as JSON takes it; `attach` is the other end."""
        return asdict(self) | {"folder": str(self.folder), "settings": dict(self.settings)}

    @classmethod
    def attach(cls, description: Mapping[str, Any]) -> Profile:
        """Give the profile that another process answers for."""
        return cls(description["name"], Path(description["folder"]), dict(description["settings"]))
