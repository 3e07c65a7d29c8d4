"""What a lab did and saw, gathered while it runs, in the form in which a record keeps it."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from typing import Any

from labkit.claims.budgets import Window
from labkit.cluster import Result
from labkit.observe.history import History, Subject
from labkit.observe.views import EventView
from labkit.paths import ROOT

MOST_OUTPUT = 4000
"""Characters of a command's output that a record keeps; the rest is cut with a mark."""


class Evidence:
    """Acts, commands, applied manifests, awaited windows and compared twins of one lab."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._acts: list[tuple[float, str]] = []
        self._subjects: dict[str, tuple[Subject[Any], str]] = {}
        self._names: dict[str, str] = {f"{ROOT}/": ""}
        self.commands: list[dict[str, Any]] = []
        self.manifests: dict[str, str] = {}
        self.windows: list[dict[str, Any]] = []

    def acted(self, at_s: float, words: str) -> None:
        self._acts.append((at_s, words or "(left out by the sabotage)"))

    def applied(self, file: str, text: str) -> None:
        """Keep a manifest, or a file of a build context, as it is written."""
        self.manifests[file] = text

    def called(self, path: str, name: str) -> None:
        """Call a path of this machine by another name in what is typed, and in what is printed."""
        self._names[path] = name

    def typed(self, at_s: float, result: Result, line: str = "") -> None:
        """Keep a command as a reader would type it, with what it printed; a `line` for a shell is kept as it is."""
        words = self.named(line) if line else self.typing(result.argv[0].rpartition("/")[2], result.argv[1:])
        self._acts.append((at_s, words))
        self.commands.append(
            {
                "at_s": round(at_s, 3),
                "command": words,
                "exit": result.rc,
                "stdout": _cut(self.named(result.stdout)),
                "stderr": _cut(self.named(result.stderr)),
            }
        )

    def typing(self, program: str, words: Iterable[str]) -> str:
        """Give a command as a reader would type it; a word is named before it is quoted, else its quotes stayed."""
        return " ".join((program, *(shlex.quote(self.named(word)) for word in words)))

    def named(self, text: str) -> str:
        """Call the files of this machine by the names that they have for every reader."""
        # A folder of the run may lie in the checkout: the longer path first.
        for path, name in sorted(self._names.items(), key=lambda pair: -len(pair[0])):
            text = text.replace(path, name)
        return text

    def awaited(self, goal: str, subjects: Iterable[Subject[Any]], within: Window, from_s: float) -> dict[str, Any]:
        """Keep what is awaited from that second on; who awaits it puts `seen_s` into what this gives."""
        for subject in subjects:
            self._subjects.setdefault(str(subject), (subject, "subject"))
        window = {
            "goal": goal,
            "from_s": round(from_s, 3),
            "earliest_s": within.earliest_s,
            "latest_s": within.latest_s,
            "seen_s": None,
        }
        self.windows.append(window)
        return window

    @property
    def floor_s(self) -> float:
        """Seconds that all awaited windows take at least."""
        return sum(float(w["earliest_s"]) for w in self.windows)

    @property
    def ceiling_s(self) -> float:
        """Seconds that all awaited windows allow."""
        return sum(float(w["latest_s"]) for w in self.windows)

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
