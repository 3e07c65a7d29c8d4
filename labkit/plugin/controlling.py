"""The hooks of the process that answers for a run: make the cluster, keep what is observed, end in order.

xdist's workers start and collect while the cluster is made, so that the first lab begins as soon as it is up.
"""

from __future__ import annotations

import contextlib
import tempfile
import traceback
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from labkit import interruption
from labkit.claims.verdicts import EXIT_HOLDS, Observation
from labkit.cluster import LabCluster
from labkit.plugin.items import claim_behind
from labkit.plugin.observing import category, observed
from labkit.run import changed, selection
from labkit.run.attached import HANDLE, USED
from labkit.run.run import Run
from labkit.run.usage import Used
from labkit.trouble import EXIT_COULD_NOT_RUN, CannotRun, Inconclusive, is_of_files, unwritable

INTERRUPTED = "interrupted; the results of what did run are kept, and nothing is left behind"


class Controlling:
    """The hooks; see the module."""

    def __init__(self, config: pytest.Config, run: Run) -> None:
        self._config = config
        self._run = run
        self._ending = contextlib.ExitStack()
        """What holds from an interruption to the end."""

    @pytest.hookimpl(wrapper=True)
    def pytest_sessionstart(self) -> Generator[None]:
        """Make the cluster while xdist's workers collect; without workers the first lab has it made."""
        if (revision := self._config.getoption("changed")) and not changed.reasons(revision):
            raise pytest.exit(f"no lab differs from {revision}: there is nothing to run", returncode=EXIT_HOLDS)
        if not self._run.distributes:
            yield
            return
        with ending(self._run):
            selection.check(self._config)
            yield
            self._run.cluster()

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        if self._run.distributes:
            node.workerinput[HANDLE] = str(self._run.handle)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        if told := getattr(node, "workeroutput", {}).get(USED):
            self._run.workers.append(Used(**told))

    def pytest_report_header(self) -> list[str]:
        """Say what --changed has chosen, and why."""
        revision = self._config.getoption("changed")
        if not revision:
            return []
        with ending(self._run):
            why = changed.reasons(revision)
        told = [f"  {name.partition('::')[2]}: {', '.join(reasons)}" for name, reasons in why.items()]
        return [f"{len(why)} labs differ from {revision}", *told]

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self._run.collected(item.nodeid for item in session.items if claim_behind(item))

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: Any, ids: list[str]) -> None:
        # Of the controlling process' own collection there is none; its labs are known by where they are.
        root = node.config.rootpath
        self._run.collected(i for i in ids if (root / i.partition("::")[0]).is_relative_to(selection.LABS))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if observation := observed(report):
            with told_by(self._run):
                self._run.observed(observation)

    @pytest.hookimpl(tryfirst=True)
    def pytest_keyboard_interrupt(self) -> None:
        # Of tests that are no labs too, whose -x ends like this: then there is nothing to answer for. Of labs before
        # they are collected, when nobody knows their names yet.
        if self._run.answers or selection.has_labs(self._config):
            self._run.trouble = self._run.trouble or INTERRUPTED
            if not self._run.interrupted:
                self._run.interrupted = True
                self._ending.enter_context(interruption.passed_over())

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        code: int | None = EXIT_COULD_NOT_RUN
        with told_by(self._run):
            try:
                code = self._run.finish()
            except KeyboardInterrupt:
                # pytest would let it through: all verdicts unwritten, and a traceback.
                self.pytest_keyboard_interrupt()
                with contextlib.suppress(KeyboardInterrupt), interruption.held_off():
                    code = self._run.finish()
        # What pytest itself found wrong besides, such as a lab that could not be cleared away, is not to be lost.
        if code is not None and not (code == 0 and session.exitstatus == pytest.ExitCode.TESTS_FAILED):
            session.exitstatus = code

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        _recount(terminalreporter.stats, self._run.observations)
        for line in self._run.summary():
            terminalreporter.write_line(line)

    def pytest_unconfigure(self) -> None:
        with self._ending:
            self._run.close()


def cluster_of(run: Run) -> LabCluster:
    """Give the cluster of a run, or end it with one sentence where none can be had."""
    with ending(run):
        return run.cluster()


@contextlib.contextmanager
def ending(run: Run) -> Iterator[None]:
    """End the run with one sentence where it cannot go on."""
    try:
        with told_by(run):
            yield
            return
    except KeyboardInterrupt:
        run.trouble = INTERRUPTED
    raise pytest.exit(f"cannot run: {run.trouble}", returncode=EXIT_COULD_NOT_RUN)


@contextlib.contextmanager
def told_by(run: Run) -> Iterator[None]:
    """Tell a fault of the project's own in one sentence, and go on to what there is to tell besides."""
    try:
        yield
    except (pytest.exit.Exception, pytest.UsageError):
        raise
    except (CannotRun, Inconclusive) as trouble:
        run.trouble = run.trouble or str(trouble)
    except Exception as error:
        if isinstance(error, OSError) and is_of_files(error):
            run.trouble = run.trouble or str(unwritable(Path(tempfile.gettempdir()), error))
            return
        if run.shows_faults:
            raise
        if interruption.became(error):
            raise KeyboardInterrupt from error
        entry = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{Path(entry.filename).name}:{entry.lineno}"
        run.trouble = run.trouble or (
            f"a fault of this project's own ({type(error).__name__} in {where}: {str(error)[:200]}):"
            " --full-trace shows all of it, and a report of it is welcome"
        )


def _recount(stats: dict[str, list[Any]], observations: Sequence[Observation]) -> None:
    """Have pytest's last line count what was last observed of each test, as the table does."""
    last = {observation.nodeid: observation for observation in observations}
    reports = {report.nodeid: report for told in stats.values() for report in told if observed(report)}
    for told in stats.values():
        told[:] = [report for report in told if getattr(report, "nodeid", None) not in reports]
    for nodeid, report in reports.items():
        stats.setdefault(category(last[nodeid])[0] if nodeid in last else "error", []).append(report)
    for empty in [name for name, told in stats.items() if not told]:
        del stats[empty]
