"""Every command of the project: `nox` checks the code, `nox -s labs` gives the verdicts."""

from __future__ import annotations

import os
import re
import runpy
import signal
import sys
import tempfile
from pathlib import Path

import nox
from nox.command import CommandFailed

nox.needs_version = ">=2026.10.20"
# Whatever NOX_DEFAULT_VENV_BACKEND says: the environment of another backend has no pip, and a source build needs it.
nox.options.force_venv_backend = "virtualenv"
nox.options.reuse_venv = "yes"
nox.options.sessions = ["lint", "tests"]

PROJECT = nox.project.load_toml("pyproject.toml")

LABS = Path("labs").resolve()

COULD_NOT_RUN = 3
"""The exit code of a run that did not come off."""

VERDICTS = (1, 2, COULD_NOT_RUN)
"""The exit codes that a run gives for its verdicts, or for what kept it from them."""

INTERRUPTED_S, TERMINATED_S = 20, 180
"""Seconds for a run to end by itself after Ctrl-C, then after the SIGTERM that follows; nox would give it 0.3.

Ctrl-C in a terminal reaches the run directly; a SIGTERM to nox does only by way of the second.
"""

# Of the user's environment no session gets more than is listed there: no PYTEST_ADDOPTS, PIP_TARGET or PYTHONPATH.
_given = runpy.run_path(str(Path(__file__).parent / "labkit" / "environment.py"))["of_run"]()
os.environ.clear()
os.environ.update(_given)

# nox would begin to make an environment where it may not, and end with a traceback.
for _folder in (Path(), Path(".nox"), *Path(".nox").glob("*/")):
    try:
        if _folder.exists():
            tempfile.TemporaryFile(dir=_folder).close()
    except OSError as _error:
        _said = runpy.run_path("labkit/trouble.py")["unwritable"](_folder.resolve(), _error)
        print(f"cannot run: {_said}", file=sys.stderr)
        sys.exit(COULD_NOT_RUN)

# Without this a SIGTERM would end nox alone and leave the run going, and a SIGINT would do nothing at all where a shell
# has arranged that, as it does for what a script starts in the background.
for _number in (signal.SIGTERM, signal.SIGINT):
    signal.signal(_number, signal.default_int_handler)


# Always `python -m`: the first line of a program in bin/ names its Python to the kernel or a shell, and the path of a
# checkout may have a blank or a $ in it.
@nox.session
def lint(session: nox.Session) -> None:
    """Check format, style and types."""
    session.install("-e", ".", *nox.project.dependency_groups(PROJECT, "lint", "tests"))
    session.run("python", "-m", "ruff", "format", "--check", ".")
    session.run("python", "-m", "ruff", "check", ".")
    session.run("python", "-m", "mypy")


@nox.session
def tests(session: nox.Session) -> None:
    """Test the code: seconds, no Docker, no network."""
    groups = ["tests", "browser"] if "browser" in session.posargs else ["tests"]
    session.install("-e", ".", *nox.project.dependency_groups(PROJECT, *groups))
    # What needs an engine or a browser has one of them, and takes turns.
    side_by_side = [] if "-m" in session.posargs else ["-n", "auto"]
    session.run("python", "-m", "pytest", *side_by_side, *session.posargs)


@nox.session(default=False)
def labs(session: nox.Session) -> None:
    """Give every claim its verdict on a real cluster: nox -s labs -- [--kubernetes 1.36] [-k liveness]."""
    _run_labs(session)


@nox.session(default=False)
def prove(session: nox.Session) -> None:
    """Run the labs and all their sabotages: each must turn its lab red."""
    _run_labs(session, "--prove")


@nox.session(default=False)
def check(session: nox.Session) -> None:
    """Say line by line what holds of anybody's notes: nox -s check -- notes.md [--kubernetes all] [--diff]."""
    _run(session, "python", "-m", "labkit.notes", *session.posargs, folder=session.invoked_from)


@nox.session(default=False)
def mutants(session: nox.Session) -> None:
    """Change Kubernetes and see the claims turn: nox -s mutants -- [-k NAME] [--kubernetes 1.36]."""
    _run(session, "python", "-m", "labkit.run.mutants", *session.posargs)


@nox.session(default=False)
def report(session: nox.Session) -> None:
    """Make one page, a matrix and badges of results/: nox -s report -- [results] [--out report]."""
    _run(session, "python", "-m", "labkit.report", *session.posargs)


@nox.session(default=False)
def supply(session: nox.Session) -> None:
    """Get or build what a cluster is made of: nox -s supply -- [--kubernetes 1.36] [--nodes build]."""
    _run(session, "python", "-m", "labkit.supply", *session.posargs)


@nox.session(default=False)
def bump(session: nox.Session) -> None:
    """Bring versions.yaml up to date from what can be asked, and show the change: nox -s bump -- [--check]."""
    _run(session, "python", "-m", "labkit.supply.bump", *session.posargs)


@nox.session(default=False)
def workflow(session: nox.Session) -> None:
    """Check the workflow of GitHub Actions with actionlint, which is built from its Go module."""
    _run(session, "python", "-m", "labkit.ci", "workflow", *session.posargs)


@nox.session(default=False)
def plan(session: nox.Session) -> None:
    """Say which versions the workflow is to judge: nox -s plan -- [--preview]."""
    _run(session, "python", "-m", "labkit.ci", "plan", *session.posargs)


@nox.session(default=False)
def issues(session: nox.Session) -> None:
    """Open or update GitHub issues for verdicts that changed twice in a row: nox -s issues -- [results]."""
    _run(session, "python", "-m", "labkit.ci", "issues", *session.posargs)


@nox.session(default=False)
def machines(session: nox.Session) -> None:
    """Rehearse a few labs on machines as users have them, wanted and seen: nox -s machines -- [--quick] [-k paths]."""
    _run(session, "python", "-m", "labkit.machines", *session.posargs)


@nox.session(default=False)
def up(session: nox.Session) -> None:
    """Create a cluster that stays, and say how to use it."""
    _run(session, "python", "-m", "labkit.cluster", "up", *session.posargs)


@nox.session(default=False)
def down(session: nox.Session) -> None:
    """Remove the clusters that `up` or a killed run left."""
    _run(session, "python", "-m", "labkit.cluster", "down", *session.posargs)


def _run_labs(session: nox.Session, *options: str) -> None:
    # Not just any path that exists: options name files too.
    chosen = any(Path(arg.partition("::")[0]).resolve().is_relative_to(LABS) for arg in session.posargs)
    where = [] if chosen else ["labs"]
    every = re.search("--kubernetes[ =]all( |$)", " ".join(session.posargs))
    in_turn = ["python", "-m", "labkit.run.all_versions"] if every else []
    # How many workers, and when each lab begins: see labkit/run/admission.py.
    pytest = ["python", "-m", "pytest", "-n", "auto", "--dist", "worksteal"]
    _run(session, *in_turn, *pytest, *options, *where, *session.posargs)


def _run(session: nox.Session, *command: str, folder: str = ".") -> None:
    """Run one of the project's commands and end with its own exit code, which nox would turn into 1 or 130.

    folder: from where the words name files.
    """
    try:
        session.install("-e", ".")
    except CommandFailed:
        session.log("the environment in .nox could not be made: pip says why above")
        sys.exit(COULD_NOT_RUN)
    try:
        session.chdir(folder)
        # nox would let stderr run into stdout, where `--format json` wants nothing but the results.
        session.run(*command, stderr=None, interrupt_timeout=INTERRUPTED_S, terminate_timeout=TERMINATED_S)
    except CommandFailed as failed:
        # pytest has codes of its own, for a mistyped option and for nothing to run; a signal has none of ours.
        sys.exit(failed.return_code if failed.return_code in VERDICTS else COULD_NOT_RUN)
    except KeyboardInterrupt:
        sys.exit(COULD_NOT_RUN)
