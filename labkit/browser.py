"""A person's browser on the machine of the labs: one GET, and what came of it in the instrument's words."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from http import HTTPStatus

import urllib3

from labkit.instrument import Answer


def get(url: str, *, epoch: float, timeout_s: float) -> Answer:
    """GET by a new connection, past all proxies and without a second try; `epoch` as in `instrument.answers`."""
    began = time.monotonic()
    seen_s = time.time() - epoch
    status, name = None, None
    try:
        with urllib3.PoolManager(retries=False, timeout=timeout_s) as browser:
            response = browser.request("GET", url)
        status, outcome = response.status, "ok"
        if status >= HTTPStatus.BAD_REQUEST:
            outcome = f"http {status}"
        with suppress(ValueError, AttributeError):
            name = json.loads(response.data).get("name")
    except urllib3.exceptions.NewConnectionError:
        outcome = "refused"
    except urllib3.exceptions.TimeoutError:
        outcome = "timeout"
    except (urllib3.exceptions.ProtocolError, OSError):
        outcome = "reset"
    return Answer(seen_s, outcome, status, name, time.monotonic() - began)
