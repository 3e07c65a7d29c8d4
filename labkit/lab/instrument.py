"""What the instrument (images/web) writes and answers, as frozen values. Its README has the formats."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

PORT = 8080

FIRST = "started"
"""The event on the first line of each log: one that opens otherwise is not whole."""


@dataclass(frozen=True)
class Request:
    """One line of the instrument's log: a request, a connection, or an event such as "sigterm".

    `seen_s` is in seconds since the lab began; `status` is a number, a gRPC word, or None for a request that hangs.
    """

    seen_s: float
    event: str
    method: str
    path: str
    status: int | str | None
    agent: str
    source: str
    faulted: bool

    def __str__(self) -> str:
        return f"{self.seen_s:.2f} s {self.event or f'{self.method} {self.path} {self.status} {self.agent}'}"


@dataclass(frozen=True)
class Answer:
    """What one connection of the instrument's client met: "ok", "refused", "timeout", "no name", "http 500", ...

    `seen_s` is when it was begun, in seconds since the lab began; `name` the Pod that answered; `to` the address and
    port that the URL's host stood for, such as "10.96.14.2:80", None where the name was not known.
    """

    seen_s: float
    outcome: str
    status: int | None
    name: str | None
    to: str | None = None

    def __str__(self) -> str:
        return " ".join(
            filter(None, (f"{self.seen_s:.2f} s", self.outcome, self.name, f"to {self.to}" if self.to else ""))
        )


def requests(lines: Iterable[str], *, epoch: float) -> list[Request]:
    """Read log lines; `epoch` is the lab's begin in seconds since 1970. Lines of other writers are passed over."""
    parsed: list[dict[str, Any]] = []
    for line in lines:
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict) and "t" in entry:
            parsed.append(entry)
    return [_request(e, epoch) for e in parsed]


def answers(body: dict[str, Any], *, epoch: float) -> list[Answer]:
    """Read the answers of GET /fetch or GET /clients/<id>."""
    return [Answer(a["t"] - epoch, a["outcome"], a.get("status"), a.get("name"), a.get("to")) for a in body["answers"]]


def failures_in_a_row(answers: Iterable[Answer]) -> int:
    """Give how many connections, begun one after another, met no "ok": the longest such run."""
    longest = run = 0
    for answer in answers:
        run = 0 if answer.outcome == "ok" else run + 1
        longest = max(longest, run)
    return longest


def _request(entry: dict[str, Any], epoch: float) -> Request:
    return Request(
        seen_s=entry["t"] - epoch,
        event=entry.get("event", ""),
        method=entry.get("method", ""),
        path=entry.get("path", ""),
        status=entry.get("status"),
        agent=entry.get("agent", ""),
        source=entry.get("from", ""),
        faulted=bool(entry.get("faulted")),
    )
