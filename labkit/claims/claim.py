"""The claim: one sentence about Kubernetes, the rows of the notes it settles, and what its lab compares."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

from labkit.claims.known_bugs import KnownBug
from labkit.claims.releases import minor_number
from labkit.claims.sabotage import Sabotage

Lab = TypeVar("Lab", bound=Callable[..., None])

Needs = Literal["minikube", "nodes", "engine"]
"""What a lab is about where not every run has it: a minikube; nodes as kind makes them, with machines that can be
entered and a control plane of kubeadm's; the engine of this machine, and kind to load what it has built."""

NotesVerdict = Literal["holds", "imprecise", "changed", "wrong"]
_ID = re.compile(r"[a-z]+\.[a-z0-9-]+")
_MINOR = re.compile(r"1\.\d+")


@dataclass(frozen=True)
class Notes:
    """How the 2018 notes put it and what is true today.

    `said` is our short rendering of the notes' sentence, empty where they hold; `since` names the Kubernetes
    release (such as "1.16") from which `today` is true, where there was one.
    """

    verdict: NotesVerdict
    said: str = ""
    today: str = ""
    since: str | None = None


HOLD = Notes("holds")


def imprecise(said: str, today: str, *, since: str | None = None) -> Notes:
    """Say that the notes are half right."""
    return Notes("imprecise", said, today, since)


def changed(said: str, today: str, *, since: str) -> Notes:
    """Say that the notes were right until Kubernetes changed."""
    return Notes("changed", said, today, since)


def wrong(said: str, today: str) -> Notes:
    """Say that the notes were never right."""
    return Notes("wrong", said, today)


@dataclass(frozen=True)
class Claim:
    """One claim, as its decorators declare it.

    Exactly one of `twin` (what the twin is, in words) and `no_twin` (why there is none) is given.
    `takes_s` is about how long the lab waits on an idle machine; long labs are started first.
    `takes_a_node` is for labs that freeze a machine or need one for themselves: they get the spare worker, one after
    another.
    `needs` names what the lab is about where that is not in every run; without it the claim is not applicable.
    `cluster_wide` is for labs that change more than what is in their own namespace, if only for their own time; on
    somebody's own cluster they are not applicable unless that is allowed.
    `since` is the first Kubernetes minor of which it is true, such as "1.35", `until` the first of which it no longer
    is; on others it is not applicable.
    `bug` is one of Kubernetes that breaks it on some patches.
    """

    id: str
    statement: str
    ledger: tuple[str, ...]
    source: str
    notes: Notes
    twin: str | None
    no_twin: str | None
    takes_s: float
    takes_a_node: bool
    sabotages: tuple[Sabotage, ...] = field(default=())
    needs: Needs | None = None
    since: str | None = None
    until: str | None = None
    cluster_wide: bool = False
    bug: KnownBug | None = None

    @property
    def topic(self) -> str:
        return self.id.partition(".")[0]

    def not_of(self, kubernetes: str) -> str | None:
        """Say why this is no claim about that version, such as "v1.36.4", where it is none."""
        minor = minor_number(kubernetes)
        if self.since and minor < minor_number(self.since):
            return f"true since Kubernetes {self.since}"
        if self.until and minor >= minor_number(self.until):
            return f"true until Kubernetes {self.until}"
        return None

    def bug_of(self, kubernetes: str) -> KnownBug | None:
        """Give the known bug that breaks the claim on that release, such as "v1.36.4", where there is one."""
        return self.bug if self.bug and self.bug.is_of(kubernetes) else None


_ATTRIBUTE = "__claim__"
_SABOTAGES = "__sabotages__"


def claim(
    id: str,
    *,
    source: str,
    ledger: Sequence[str] = (),
    notes: Notes = HOLD,
    twin: str | None = None,
    no_twin: str | None = None,
    takes_s: float = 5,
    takes_a_node: bool = False,
    needs: Needs | None = None,
    since: str | None = None,
    until: str | None = None,
    cluster_wide: bool = False,
    bug: KnownBug | None = None,
) -> Callable[[Lab], Lab]:
    """Declare that a lab shows the claim `id`; its statement is the first line of the lab's docstring.

    `ledger` lists the rows of the notes that it settles, [id] where not given.
    Raises ValueError at import for a claim that is not whole: a bad id, no statement, no source, both or
    neither of `twin` and `no_twin`, no sabotage.
    """

    def declare(lab: Lab) -> Lab:
        statement = (lab.__doc__ or "").strip().partition("\n")[0]
        sabotages: tuple[Sabotage, ...] = getattr(lab, _SABOTAGES, ())
        for wanting, what in (
            (not _ID.fullmatch(id), "its id is not <topic>.<words-with-dashes>"),
            (not statement, "its lab has no docstring"),
            (not source.startswith("https://"), "its source is not an https address"),
            ((twin is None) == (no_twin is None), "it needs either a twin or the reason why there is none"),
            (
                any(minor is not None and not _MINOR.fullmatch(minor) for minor in (since, until)),
                "its since and until are minors such as 1.35",
            ),
            (not sabotages, "it names no sabotage (put @sabotage below @claim)"),
        ):
            if wanting:
                raise ValueError(f"claim {id}: {what}")
        setattr(
            lab,
            _ATTRIBUTE,
            Claim(
                id,
                statement,
                tuple(ledger) or (id,),
                source,
                notes,
                twin,
                no_twin,
                takes_s,
                takes_a_node,
                sabotages,
                needs,
                since,
                until,
                cluster_wide,
                bug,
            ),
        )
        return lab

    return declare


def sabotage(name: str, *mutations: Any) -> Callable[[Lab], Lab]:
    """Name mutations of the lab's manifests or acts that, made together, must turn the lab red."""

    def declare(lab: Lab) -> Lab:
        # Decorators run from the bottom up; readers expect the order in which they are written.
        setattr(lab, _SABOTAGES, (Sabotage(name, tuple(mutations)), *getattr(lab, _SABOTAGES, ())))
        return lab

    return declare


def claim_of(lab: object) -> Claim | None:
    """Give the claim that a test function declares, or None."""
    return getattr(lab, _ATTRIBUTE, None)


def load_claims(directory: Path) -> dict[str, Claim]:
    """Import the lab modules of a directory and give their claims by id.

    Raises ValueError for two claims of one id, and whatever a module raises that cannot be imported.
    """
    claims: dict[str, Claim] = {}
    for path in sorted(directory.glob("test_*.py")):
        name = f"labs.{path.stem}"
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        for lab in vars(module).values():
            if (claim := claim_of(lab)) is None:
                continue
            if claim.id in claims:
                raise ValueError(f"claim {claim.id} is declared twice, the second time in {path.name}")
            claims[claim.id] = claim
    return claims
