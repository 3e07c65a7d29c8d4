"""The hooks of a child that observes for a run: the run is told what it sees, and its workers get the run's cluster."""

from __future__ import annotations

from typing import Any

import pytest

from labkit.plugin.observing import observed
from labkit.run.attached import HANDLE, Attached


class Relaying:
    """The hooks; see the module."""

    def __init__(self, run: Attached) -> None:
        self._run = run

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        node.workerinput[HANDLE] = str(self._run.handle)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if observation := observed(report):
            self._run.observed(observation)
