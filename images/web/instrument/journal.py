"""The log: one JSON object a line on standard output, and the same lines kept for GET /log."""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
from collections import deque

KEPT_LINES = 20_000
"""Lines kept for GET /log, some 10 MB: half an hour of a client that asks ten times a second."""

Line = dict[str, object]


class Journal:
    """The lines of this process, in the order they were written in; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lines: deque[Line] = deque(maxlen=KEPT_LINES)
        self._written = 0

    def write(self, **fields: object) -> Line:
        """Write one line at once, with `t` = now unless it is given, and keep it; give it for `add`."""
        line: Line = {"t": round(time.time(), 3), **fields}
        with self._lock:
            self._lines.append(line)
            self._written += 1
            _print(line)
        return line

    def add(self, line: Line, **fields: object) -> None:
        """Add what became known after the line was written; standard output has it no more."""
        with self._lock:
            line.update(fields)

    def lines(self, *, path: str | None = None, agent: str = "", since: float = 0) -> list[Line]:
        """Give copies of the lines of one path, of the agents that start so, at or after `since`."""
        with self._lock:
            kept = [dict(line) for line in self._lines]
            dropped = self._written - len(kept)
        chosen = [line for line in kept if _matches(line, path, agent, since)]
        return [{"event": "dropped", "lines": dropped}, *chosen] if dropped else chosen


def _matches(line: Line, path: str | None, agent: str, since: float) -> bool:
    return (
        (path is None or line.get("path") == path)
        and str(line.get("agent", "")).startswith(agent)
        and float(str(line["t"])) >= since
    )


def _print(line: Line) -> None:
    # Output that nobody reads any more is no reason to stop answering probes.
    with contextlib.suppress(OSError):
        os.write(1, json.dumps(line).encode() + b"\n")
