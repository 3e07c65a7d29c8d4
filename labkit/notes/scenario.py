"""What is tried together: a step is one thing to judge, a scenario the steps that share a namespace and a shell."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from labkit.notes.kubectl import Object

SYSTEM_NAMESPACES = frozenset({"kube-system", "kube-public", "kube-node-lease", "default"})

DRY_RUNS = "manifests that no command applies"
"""The scenario of all these: each is read by the server, and nothing comes of it."""

Subject = Literal["command", "manifest", "fragment", "Dockerfile"]


@dataclass(frozen=True)
class File:
    """A file that a step finds where it looks for it."""

    path: str
    text: str
    block: int | None = None
    """The block of the notes that it is; None for one that stands beside them."""


@dataclass(frozen=True)
class Step:
    """One thing to judge: a command line, or a block that no command applies."""

    line: int
    """Of the document, from 1."""
    end: int
    subject: Subject
    script: str
    """What is typed."""
    command: int | None = None
    block: int | None = None
    stdin: str | None = None
    files: tuple[File, ...] = ()
    not_run: str = ""
    """Why it is not run; nothing where it is."""
    told: tuple[str, ...] = ()
    """What the check has filled in, guessed or put in something's place."""
    given: bool = False
    """Whether it only prepares what another scenario judges."""
    filled: bool = False
    """Whether placeholders in it were filled in."""


@dataclass(frozen=True)
class Scenario:
    """Steps that share a namespace and a shell."""

    title: str
    steps: tuple[Step, ...]
    stand_ins: tuple[tuple[str, Object], ...] = ()
    """Namespace, "" for the scenario's own, and object."""
    namespaces: tuple[str, ...] = ()
    """Those that its lines call by name; nobody else may be in them meanwhile."""
    alone: bool = False
    """Whether it touches what all share: nodes, objects of the cluster, the default namespace."""


@dataclass(frozen=True)
class Plan:
    """All of a document's steps."""

    scenarios: tuple[Scenario, ...]
    left: tuple[Step, ...]
    """Steps of no scenario: none of these is run."""

    def steps(self) -> Iterator[Step]:
        """All of them that are judged, in the document's order."""
        told = [step for scenario in self.scenarios for step in scenario.steps if not step.given]
        yield from sorted([*told, *self.left], key=lambda step: (step.line, step.subject))
