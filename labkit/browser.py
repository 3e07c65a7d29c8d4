"""A look at a URL as a browser that knows nobody takes it: no credentials, and no redirect followed."""

from __future__ import annotations

from dataclasses import dataclass, field

import urllib3

from labkit.trouble import reason

ANSWER_S = 30.0
"""Seconds that a server may take to answer; one on this machine takes milliseconds unless the machine is busy."""


class NoAnswer(Exception):
    """Nobody answered at that URL."""


@dataclass(frozen=True)
class Page:
    """What was answered; the names of `headers` are in lower case."""

    status: int
    headers: dict[str, str] = field(hash=False)
    text: str

    def __str__(self) -> str:
        return f"{self.status} {self.text[:200]}"


def get(url: str) -> Page:
    """GET a URL. Raises NoAnswer where none came."""
    with urllib3.PoolManager() as pool:
        try:
            answer = pool.request("GET", url, redirect=False, retries=False, timeout=ANSWER_S)
        except urllib3.exceptions.HTTPError as error:
            raise NoAnswer(f"GET {url}: {reason(error)}") from error
        headers = {name.lower(): value for name, value in answer.headers.items()}
        return Page(answer.status, headers, answer.data.decode("utf-8", errors="replace"))
