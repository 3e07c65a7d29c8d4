"""A look at a URL as a browser that knows nobody takes it: no credentials, no proxy, and no redirect followed."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import urllib3

ANSWER_S = 30.0
"""Seconds that a server may take to answer; one on this machine takes milliseconds unless the machine is busy."""


@dataclass(frozen=True)
class Page:
    """What came of it, in the instrument's words: "ok", "http 404", "refused", "reset", "timeout".

    `status` is None where nothing was answered; the names of `headers` are in lower case.
    """

    outcome: str
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict, hash=False)
    text: str = ""

    def __str__(self) -> str:
        return f"{self.outcome} {self.text[:200]}".strip()

    @property
    def json(self) -> Any:
        """What a page in JSON says. Raises ValueError where it is none."""
        return json.loads(self.text)


def get(url: str, *, accept: str = "", timeout_s: float = ANSWER_S) -> Page:
    """GET a URL by a new connection, once; `accept` says in which format the answer is wanted."""
    try:
        with urllib3.PoolManager(retries=False, timeout=timeout_s) as pool:
            answer = pool.request("GET", url, redirect=False, headers={"Accept": accept} if accept else None)
    except urllib3.exceptions.NewConnectionError:
        return Page("refused")
    except urllib3.exceptions.TimeoutError:
        return Page("timeout")
    except urllib3.exceptions.ProtocolError:
        return Page("reset")
    outcome = f"http {answer.status}" if answer.status >= HTTPStatus.BAD_REQUEST else "ok"
    headers = {name.lower(): value for name, value in answer.headers.items()}
    return Page(outcome, answer.status, headers, answer.data.decode("utf-8", errors="replace"))
