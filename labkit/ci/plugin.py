"""What a run says to machines beside what it says to people: `--format json`, `--logs`, JUnit and GitHub Actions.

Registered by `labkit.plugin`, and at work in the controlling process only.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TextIO

import pytest

from labkit.ci import github, junit
from labkit.run.run import Run


def configure(config: pytest.Config, run: Run) -> None:
    """Begin to speak to machines; to be called before pytest's terminal reporter takes hold of stdout."""
    piped = sys.stdout if config.getoption("format") == "json" else None
    if piped:
        # pytest's terminal reporter keeps the stdout that it finds when it is configured, which is next.
        sys.stdout = sys.stderr
    config.pluginmanager.register(Machines(config, run, piped))


class Machines:
    """The hooks; see the module."""

    def __init__(self, config: pytest.Config, run: Run, piped: TextIO | None) -> None:
        self._config = config
        self._run = run
        self._piped = piped

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self) -> None:
        if self._piped:
            sys.stdout = self._piped

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        run = self._run
        if not run.answers:
            return
        if os.environ.get("GITHUB_ACTIONS") == "true":
            told = github.marks(run.records, run.places(), missing=run.missing(), trouble=run.trouble)
            for line in told:
                terminalreporter.write_line(line)
        if path := os.environ.get("GITHUB_STEP_SUMMARY"):
            cost = "".join(run.costs()[1:2])
            text = github.step_summary(
                run.kubernetes, run.records, cost=cost, missing=run.missing(), trouble=run.trouble
            )
            with Path(path).open("a", encoding="utf-8") as file:
                file.write(text)

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self) -> None:
        run = self._run
        junit_file = self._config.getoption("xmlpath", None)
        if junit_file and run.answers and (path := Path(junit_file).expanduser().resolve()).exists():
            verdicts = {record["id"]: record["verdict"] for record in run.records}
            text = junit.finish(
                path.read_text("utf-8"), run.observations, verdicts, missing=run.missing(), trouble=run.trouble
            )
            path.write_text(text, encoding="utf-8")
        if self._piped and run.results:
            print(run.results.read_text("utf-8"), end="", flush=True)
