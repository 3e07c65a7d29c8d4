"""What the instrument says is counted as a lab counts it."""

from __future__ import annotations

import pytest

from labkit.instrument import Answer, failures_in_a_row


@pytest.mark.parametrize(
    ("outcomes", "run"),
    [("", 0), ("ok ok", 0), ("refused", 1), ("refused ok timeout reset refused ok refused reset", 3)],
)
def test_failures_in_a_row_is_the_longest_run_without_an_ok(outcomes: str, run: int) -> None:
    answers = [Answer(float(at), outcome, None, None, 0.0) for at, outcome in enumerate(outcomes.split())]
    assert failures_in_a_row(answers) == run
