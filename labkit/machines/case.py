"""What one row of the rehearsal is: how a run is started, what is wanted of it, and whether that came."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol


class Running(Protocol):
    """A run that goes on."""

    def wait_for(self, pattern: str) -> None:
        """Wait until the run has printed this. Raises Ended where it ends before."""

    def signal(self, number: int) -> None:
        """Send a signal to the run's processes, all of them."""


class Ended(Exception):
    """A run ended before what was awaited of it."""


@dataclass(frozen=True)
class Case:
    """One strangeness, and a few labs that are run under it from a checkout of their own.

    `{folder}` in `variables` and `before` stands for the row's own folder, which goes with it.
    """

    name: str
    labs: tuple[str, ...]
    """What pytest is given: paths and options."""
    variables: Mapping[str, str] = field(default_factory=dict)
    checkout: str = "checkout"
    """What the folder with the checkout is called."""
    before: tuple[str, ...] = ()
    """Words before the command: `unshare --net`."""
    prepare: Callable[[Path], None] | None = None
    """Makes what the variables name, in the row's folder; gets that folder."""
    meanwhile: Callable[[Running], None] | None = None
    """What happens to the run while it goes on."""
    named: bool = True
    """Whether the run is told to share the rehearsal's cluster; otherwise it finds it by itself, as a kept one."""
    code: int = 0
    """The exit code that is wanted."""
    says: str = ""
    """A pattern that its output must match."""
    as_plain: bool = True
    """Whether verdicts and records must be those of a plain run of the same labs; only where the code is 0."""
    quick: bool = False
    """Whether it is one of those that take less than a minute together."""
    cannot: Callable[[], str | None] = lambda: None
    """Says why this machine cannot be made so, where it cannot."""

    @property
    def wanted(self) -> str:
        if self.code:
            return f"exit {self.code}, one sentence: {self.says}"
        return f"exit 0{', as everywhere' if self.as_plain else ''}{f', and says: {self.says}' if self.says else ''}"


@dataclass(frozen=True)
class Seen:
    """What came of a run."""

    code: int
    output: str
    verdicts: Mapping[str, str] = field(default_factory=dict)
    """By claim."""
    typed: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """By claim the commands of its record, without what differs from run to run."""
    seconds: float = 0.0

    def __str__(self) -> str:
        counts = {
            verdict: list(self.verdicts.values()).count(verdict) for verdict in sorted(set(self.verdicts.values()))
        }
        told = ", ".join(f"{count} {verdict}" for verdict, count in counts.items())
        if sentence := next(iter(_sentences(self.output)), ""):
            told = sentence[:300]
        return f"exit {self.code}{f': {told}' if told else ''}"


def wrong(case: Case, seen: Seen, plain: Seen) -> list[str]:
    """Say what is not as wanted; `plain` is a run of the same labs, and maybe others, under no strangeness."""
    found = []
    if seen.code != case.code:
        found.append(f"exit {seen.code}, not {case.code}")
    found += [f"it says {word}" for word in ("INTERNALERROR", "Traceback (most recent") if word in seen.output]
    if case.says and not re.search(case.says, seen.output):
        found.append(f"it does not say {case.says!r}")
    if case.code and len(sentences := _sentences(seen.output)) != 1:
        found.append(f"{len(sentences)} sentences, not one")
    if not case.code and not seen.verdicts:
        found.append("no verdict at all")
    if not case.code and case.as_plain:
        found += _differences(seen, plain)
    return found


def read(results: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, frozenset[str]]]:
    """Give the verdicts of a results file, and what was typed for each, without what differs from run to run."""
    verdicts = {claim["id"]: claim["verdict"] for claim in results["claims"]}
    typed = {claim["id"]: frozenset(_still(one["command"]) for one in claim["commands"]) for claim in results["claims"]}
    return verdicts, typed


def _differences(seen: Seen, plain: Seen) -> list[str]:
    found = []
    for claim, verdict in seen.verdicts.items():
        if verdict != plain.verdicts.get(claim):
            found.append(f"{claim} {verdict}, and {plain.verdicts.get(claim, 'nothing')} elsewhere")
        elif odd := seen.typed[claim] ^ plain.typed[claim]:
            found.append(f"the record of {claim} differs: {min(odd)[:200]}")
    return found


def _still(command: str) -> str:
    """Take out of a command what no two runs have in common: names of labs and clusters, ids, addresses, ports."""
    command = re.sub(r"-[0-9a-f]{6}\b|\blabs-[0-9a-f]{8}\b|\b[0-9a-f]{12,64}\b", "-*", command)
    return re.sub(r"\b\d+\.\d+\.\d+\.\d+\b|:\d{4,5}\b", "*", command)


def _sentences(output: str) -> list[str]:
    """Give the sentences with which a run says that it cannot run; said again at its end it is one."""
    lines = [re.sub(r"^[\s!]*(?:[\w.]*Exit: )?|[\s!]*$", "", line) for line in output.splitlines()]
    return list(dict.fromkeys(line for line in lines if line.startswith("cannot run: ")))
