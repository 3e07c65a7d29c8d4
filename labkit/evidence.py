"""What a lab did and saw, gathered while it runs, in the form in which a record keeps it."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from labkit.budgets import Window
from labkit.cluster import Result
from labkit.history import History, Subject
from labkit.paths import ROOT
from labkit.views import EventView

MOST_OUTPUT = 4000
"""Characters of a command's output that a record keeps; the rest is cut with a mark."""


class Evidence:
    """Acts, commands, awaited windows and compared twins of one lab."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._acts: list[tuple[float, str]] = []
        self._subjects: dict[str, tuple[Subject[Any], str]] = {}
        self.commands: list[dict[str, Any]] = []
        self.floor_s = 0.0
        self.ceiling_s = 0.0

    def acted(self, at_s: float, words: str) -> None:
        self._acts.append((at_s, words or "(left out by the sabotage)"))

    def typed(self, at_s: float, result: Result, line: str = "") -> None:
        """Keep a command as a reader would type it, with what it printed; `line` where a shell read it."""
        program, *rest = result.argv
        words = line or " ".join((Path(program).name, *map(shlex.quote, rest))).replace(f"{ROOT}/", "")
        self._acts.append((at_s, words))
        self.commands.append(
            {
                "at_s": round(at_s, 3),
                "command": words,
                "exit": result.rc,
                "stdout": _cut(result.stdout),
                "stderr": _cut(result.stderr),
            }
        )

    def awaited(self, subjects: Iterable[Subject[Any]], within: Window) -> None:
        self.floor_s += within.earliest_s
        self.ceiling_s += within.latest_s
        for subject in subjects:
            self._subjects.setdefault(str(subject), (subject, "subject"))

    def compared(self, twin: Subject[Any]) -> None:
        self._subjects[str(twin)] = (twin, "twin")

    def timeline(self) -> list[dict[str, Any]]:
        """Give what happened in its order: {"at_s", "who": "act", "subject", "twin" or "event", "object", "seen"}.

        `at_s` is in seconds since the lab began; a state is told only where it differs from the one before.
        """
        entries = [{"at_s": at_s, "who": "act", "object": "", "seen": words} for at_s, words in self._acts]
        for name, (subject, role) in self._subjects.items():
            before = ""
            for state in self._history.track(subject):
                if str(state) != before:
                    before = str(state)
                    entries.append({"at_s": state.seen_s, "who": role, "object": name, "seen": before})
        for event in self._history.views(frozenset({"Event"})):
            if isinstance(event, EventView) and not event.gone:
                seen = f"{event.reason}: {event.message}"
                entries.append({"at_s": event.seen_s, "who": "event", "object": event.about, "seen": seen[:300]})
        entries.sort(key=lambda entry: float(str(entry["at_s"])))
        return [entry | {"at_s": round(float(str(entry["at_s"])), 3)} for entry in entries]


def _cut(text: str) -> str:
    return text if len(text) <= MOST_OUTPUT else f"{text[:MOST_OUTPUT]}\n[{len(text) - MOST_OUTPUT} more characters]"
