"""Whether there is anything to run, asked before a cluster is made for it.

With workers it is they who collect, and they start when the cluster is up: a mistyped -k would cost the time of one.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from labkit.paths import ROOT
from labkit.trouble import CannotRun

LABS = ROOT / "labs"

LOOK = ("-n0", "--collect-only", "-q", "-p", "no:cacheprovider")
"""What makes pytest collect in its own process and run nothing; half a second of it."""


def has_labs(config: pytest.Config) -> bool:
    """Tell whether what is asked for is below labs/."""
    return any(Path(arg.partition("::")[0]).resolve().is_relative_to(LABS) for arg in config.args)


def check(config: pytest.Config) -> None:
    """Collect what a narrowed run is to run. Raises CannotRun where that is nothing, or cannot be collected."""
    option = config.option
    named = [argument for argument in config.args if argument.rstrip("/") not in ("labs", str(ROOT / "labs"))]
    if not (named or option.keyword or option.markexpr or option.deselect):
        return
    command = [sys.executable, "-m", "pytest", *config.invocation_params.args, *LOOK]
    looked = subprocess.run(command, cwd=config.invocation_params.dir, capture_output=True, text=True, check=False)
    if looked.returncode == pytest.ExitCode.NO_TESTS_COLLECTED:
        raise CannotRun("no lab is called so: -k takes words of the names that `pytest labs --collect-only -q` lists")
    if looked.returncode != pytest.ExitCode.OK:
        said = [line.strip() for line in (looked.stdout + looked.stderr).splitlines() if line.strip()]
        errors = [line for line in said if line.startswith(("ERROR: ", "E "))] or said[-1:]
        told = " / ".join(line.removeprefix("ERROR: ").removeprefix("E ").strip() for line in errors)
        raise CannotRun(f"what is to run cannot be collected: {told}")
