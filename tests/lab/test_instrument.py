"""What the instrument says is counted as a lab counts it."""

from __future__ import annotations

import pytest

from labkit.lab.instrument import Answer, answers, failures_in_a_row


@pytest.mark.parametrize(
    ("outcomes", "run"),
    [("", 0), ("ok ok", 0), ("refused", 1), ("refused ok timeout reset refused ok refused reset", 3)],
)
def test_failures_in_a_row_is_the_longest_run_without_an_ok(outcomes: str, run: int) -> None:
    met = [Answer(float(at), outcome, None, None) for at, outcome in enumerate(outcomes.split())]
    assert failures_in_a_row(met) == run


def test_an_answer_tells_which_address_was_asked() -> None:
    told = {"t": 102.5, "outcome": "ok", "status": 200, "name": "web", "to": "10.96.14.2:80", "took_s": 0.004}
    nameless = {"t": 103.0, "outcome": "no name", "status": None, "name": None, "to": None, "took_s": 0.1}
    met, unmet = answers({"answers": [told, nameless]}, epoch=100.0)
    assert (met.seen_s, met.name, met.to, str(met)) == (2.5, "web", "10.96.14.2:80", "2.50 s ok web to 10.96.14.2:80")
    assert (unmet.to, str(unmet)) == (None, "3.00 s no name")
