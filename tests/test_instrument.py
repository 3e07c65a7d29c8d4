"""What the instrument says is counted as a lab counts it."""

from __future__ import annotations

import pytest

from labkit.instrument import Answer, answers, failures_in_a_row


@pytest.mark.parametrize(
    ("outcomes", "run"),
    [("", 0), ("ok ok", 0), ("refused", 1), ("refused ok timeout reset refused ok refused reset", 3)],
)
def test_failures_in_a_row_is_the_longest_run_without_an_ok(outcomes: str, run: int) -> None:
    answers = [Answer(float(at), outcome, None, None, 0.0) for at, outcome in enumerate(outcomes.split())]
    assert failures_in_a_row(answers) == run


def test_an_answer_tells_where_the_name_led() -> None:
    body = {
        "answers": [
            {"t": 107.5, "outcome": "ok", "status": 200, "name": "web-b", "to": "10.96.14.2:80", "took_s": 0.004},
            {"t": 108.0, "outcome": "no name", "status": None, "name": None, "to": None, "took_s": 0.1},
        ]
    }
    led, lost = answers(body, epoch=100.0)
    assert (led.seen_s, led.name, led.to) == (7.5, "web-b", "10.96.14.2:80")
    assert (lost.outcome, lost.to) == ("no name", None)
