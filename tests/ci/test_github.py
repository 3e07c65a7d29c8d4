"""What GitHub Actions reads of a run, whatever a cluster printed into it."""

from __future__ import annotations

from typing import Any

import pytest

from labkit.ci import github


def record(verdict: str, reason: str = "", *, id: str = "pods.one", statement: str = "One is so.") -> dict[str, Any]:
    return {"id": id, "topic": id.partition(".")[0], "statement": statement, "verdict": verdict, "reason": reason}


def test_nothing_that_a_cluster_printed_is_read_as_a_command() -> None:
    told = github.marks(
        [record("broken", "::set-env name=X::\r\n100%\n::error::", statement="a: b, c")],
        {"pods.one": ("labs/test_a,b.py", 7)},
    )
    assert told == [
        "::error file=labs/test_a%2Cb.py,line=7,title=broken%3A pods.one::"
        "a: b, c%0A::set-env name=X::%0D%0A100%25%0A::error::"
    ]


@pytest.mark.parametrize(
    ("verdict", "level"),
    [("broken", "error"), ("bug-not-seen", "error"), ("vacuous", "error"), ("inconclusive", "warning")],
)
def test_what_wants_somebody_is_marked_and_how_loudly(verdict: str, level: str) -> None:
    quiet = [record("holds"), record("known-bug", "why"), record("not-applicable", "why")]
    (mark,) = github.marks([record(verdict, "why"), *quiet], {})
    assert mark.startswith(f"::{level} title={verdict}%3A pods.one::")


def test_a_run_that_did_not_come_off_is_marked_too() -> None:
    told = github.marks([], {}, missing=["labs/a.py::b", "labs/a.py::c"], trouble="no engine")
    assert told == ["::error title=not run%3A 2 labs::the first is labs/a.py::b", "::error title=cannot run::no engine"]


def test_a_summary_is_a_table_and_the_reasons_worst_first() -> None:
    records = [record("holds"), record("inconclusive", "late", id="pods.two"), record("broken", "no", id="web.three")]
    text = github.step_summary("v1.37.0", records, cost="cost: 9 s")
    assert text.splitlines() == [
        "## Kubernetes v1.37.0: 1 of 3 claims hold",
        "",
        "| topic | holds | broken | vacuous | inconclusive | not-applicable |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
        "| pods | 1 | · | · | 1 | · |",
        "| web | · | 1 | · | · | · |",
        "",
        *("### broken: web.three", "", "One is so.", "", "```text", "no", "```", ""),
        *("### inconclusive: pods.two", "", "One is so.", "", "```text", "late", "```", ""),
        "cost: 9 s",
    ]


def test_a_reason_cannot_end_its_own_fence() -> None:
    text = github.step_summary("v1.37.0", [record("broken", "```\n# mine\n````\n<script>")])
    fence = "`" * 5
    assert f"{fence}text\n```\n# mine\n````\n<script>\n{fence}\n" in text


def test_a_sentence_is_neither_markdown_nor_html() -> None:
    text = github.step_summary(None, [], trouble="<img src=x> | `a`\n# b")
    assert "**Cannot run:** &lt;img src=x&gt; \\| \\`a\\` \\# b\n" in text


def test_a_summary_that_github_would_refuse_is_cut_and_says_so() -> None:
    records = [record("broken", "ä" * github.MOST_REASON, id=f"pods.n{n}") for n in range(300)]
    text = github.step_summary("v1.37.0", records, cost="cost: 9 s")
    assert len(text.encode()) < 1 << 20
    assert "more: see the results." in text
    assert text.endswith("cost: 9 s\n")


def test_an_output_is_one_line() -> None:
    assert github.output("kubernetes", ["1.37", "1.36"]) == 'kubernetes=["1.37","1.36"]'
    assert github.output("preview", "") == "preview="
    with pytest.raises(ValueError, match="more than one line"):
        github.output("preview", "a\nother=b")
