"""The two ways in which a run fails without Kubernetes being to blame."""

from __future__ import annotations


class CannotRun(Exception):
    """The run cannot start or go on; the message is one sentence that says what to do (exit code 3)."""


class Inconclusive(Exception):
    """The infrastructure kept a lab from seeing (a lost watch, a slow machine); never a claim's failure."""
