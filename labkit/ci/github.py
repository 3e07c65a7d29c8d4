"""What GitHub Actions reads of a run: annotations at the labs' lines, and the summary of a step in Markdown.

Reasons hold what a cluster printed, so nothing of them may be read as a command or as Markdown.
"""

from __future__ import annotations

import html
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from labkit.claims.verdicts import VERDICTS
from labkit.run.summary import columns

LEVELS = {"broken": "error", "bug-not-seen": "error", "vacuous": "error", "inconclusive": "warning"}
"""How loud each verdict is that asks for somebody's attention."""

MOST_REASON = 4000
"""Characters kept of one reason: what was awaited and last seen stands at its beginning."""

MOST_SUMMARY = 900_000
"""Characters of one step's summary; GitHub takes 1 MiB and shows nothing of a longer one."""

Place = tuple[str, int]
"""A file of the checkout and a line in it."""


def marks(
    records: Sequence[Mapping[str, Any]],
    places: Mapping[str, Place],
    *,
    missing: Sequence[str] = (),
    trouble: str | None = None,
) -> list[str]:
    """Give the workflow commands that mark what is not as it should be; `places` are those of the claims."""
    lines = []
    for record in records:
        if level := LEVELS.get(record["verdict"]):
            file, line = places.get(record["id"], ("", 0))
            where = {"file": file, "line": str(line)} if file else {}
            title = f"{record['verdict']}: {record['id']}"
            lines.append(
                command(level, f"{record['statement']}\n{record['reason'][:MOST_REASON]}", **where, title=title)
            )
    if missing:
        lines.append(command("error", f"the first is {missing[0]}", title=f"not run: {len(missing)} labs"))
    if trouble:
        lines.append(command("error", trouble, title="cannot run"))
    return lines


def step_summary(
    kubernetes: str | None,
    records: Sequence[Mapping[str, Any]],
    *,
    cost: str = "",
    missing: Sequence[str] = (),
    trouble: str | None = None,
) -> str:
    """Give a run's summary in Markdown: verdicts by topic, what does not hold and why, and what the run cost."""
    counts = Counter(r["verdict"] for r in records)
    version = kubernetes or "no version"
    parts = [f"## Kubernetes {inline(version)}: {counts['holds']} of {len(records)} claims hold\n"]
    if trouble:
        parts.append(f"**Cannot run:** {inline(trouble)}\n")
    if missing:
        parts.append(
            f"**Not run:** {len(missing)} of the labs that were asked for, the first is {inline(missing[0])}\n"
        )
    if records:
        parts.append(_table(records))
    parts += [_told(r) for r in sorted(records, key=lambda r: VERDICTS.index(r["verdict"])) if r["reason"]]
    end = f"{inline(cost)}\n" if cost else ""
    return fitting(parts, MOST_SUMMARY - len(end)) + end


def output(name: str, value: object) -> str:
    """Give the line that makes a value a step's output, as compact JSON unless it is a word."""
    told = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
    if "\n" in told:
        raise ValueError(f"the output {name} has more than one line")
    return f"{name}={told}"


def _table(records: Sequence[Mapping[str, Any]]) -> str:
    shown = columns(records)
    lines = ["| topic | " + " | ".join(shown) + " |", "| --- |" + " ---: |" * len(shown)]
    for topic in sorted({r["topic"] for r in records}):
        counts = Counter(r["verdict"] for r in records if r["topic"] == topic)
        lines.append(f"| {inline(topic)} | " + " | ".join(str(counts[c] or "·") for c in shown) + " |")
    return "\n".join(lines) + "\n"


def fenced(reason: str) -> str:
    """Give text as a block that Markdown shows as it is, cut to what a reader can bear."""
    kept = reason[:MOST_REASON]
    # A fence ends at a line of as many backticks, so it has one more than anything inside.
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", kept)), default=0))
    return f"{fence}text\n{kept}\n{fence}\n"


def _told(record: Mapping[str, Any]) -> str:
    head = f"### {record['verdict']}: {inline(record['id'])}"
    return f"{head}\n\n{inline(record['statement'])}\n\n{fenced(record['reason'])}"


def fitting(parts: Sequence[str], most: int) -> str:
    """Join parts, as many of them as `most` bytes hold, and say how many are left out."""
    text = ""
    for done, part in enumerate(parts):
        if len((text + part).encode()) > most:
            return f"{text}\n… and {len(parts) - done} more: see the results.\n\n"
        text += f"{part}\n"
    return text


def inline(text: str) -> str:
    """Give text as one line in which Markdown and HTML see nothing."""
    return re.sub(r"([\\`*_{}\[\]()#+!|~@])", r"\\\1", html.escape(" ".join(text.split()), quote=False))


def command(name: str, message: str, **properties: str) -> str:
    """Give a workflow command, of which neither message nor properties can be read as another."""
    told = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
    return f"::{name} {told}::{_data(message)}"


def _data(text: str) -> str:
    # Source: https://github.com/actions/toolkit/blob/main/packages/core/src/command.ts
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
