"""How a lab ends other than well: its givens failed, or Kubernetes did not do as claimed."""

from __future__ import annotations

from labkit.trouble import Inconclusive


class NotSetUp(Inconclusive):
    """The lab's givens did not come about, so its claim was never put to the test."""


class Accepted(AssertionError):
    """What must be refused was accepted."""


class Failed(AssertionError):
    """What must work was refused."""
