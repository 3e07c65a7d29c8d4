"""What pytest needs to run the labs; everything is in labkit.plugin."""

from pathlib import Path

import pytest

from labkit.paths import ROOT

pytest_plugins = ["labkit.plugin"]

if Path(__file__).resolve().parent != ROOT:
    # The labs would be those of one checkout and the cluster's maker that of another: no run would feel responsible.
    raise pytest.UsageError(
        f"labkit is that of {ROOT}: unset PYTHONPATH, or install this checkout with pip install -e ."
    )
