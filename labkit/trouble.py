"""The two ways in which a run fails without Kubernetes being to blame."""

from __future__ import annotations

import re


class CannotRun(Exception):
    """The run cannot start or go on; the message is one sentence that says what to do (exit code 3)."""


class Inconclusive(Exception):
    """The infrastructure kept a lab from seeing (a lost watch, a slow machine); never a claim's failure."""


def reason(error: Exception) -> str:
    """Pick the system's own words out of what libraries wrap around them: Connection refused, Permission denied."""
    words = str(error)
    found = re.search(r"\[Errno -?\d+\] ([^'\")]+)|Error\(-?\d+, '([^']+)'\)", words)
    return (found[1] or found[2]) if found else words[-200:]
