"""From results to columns, rows, changes and news."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from labkit.report import borders, matrix, news
from labkit.trouble import CannotRun

Record = Callable[..., dict[str, Any]]
WANTED = ("1.37", "1.36", "1.35", "1.34")


def built(results: Record, *told: tuple[str, list[dict[str, Any]]], wanted: tuple[str, ...] = ()) -> matrix.Matrix:
    return matrix.build([(f"{tag}.json", results(tag, records)) for tag, records in told], wanted=wanted)


def at(line: int) -> dict[str, Any]:
    return {"file": "labs/x.py", "line": line, "remarks": "", "story": ""}


@pytest.mark.parametrize(
    ("tags", "names"),
    [
        (["v1.37.0"], ["1.37", "1.36", "1.35", "1.34"]),
        (["v1.36.3", "v1.37.0"], ["1.37", "1.36", "1.35", "1.34"]),
        (["v1.36.3", "v1.36.10"], ["1.37", "1.36.10", "1.36.3", "1.35", "1.34"]),
        (["v1.38.0-alpha.1", "v1.38.0-rc.0"], ["1.38.0-rc.0", "1.38.0-alpha.1", "1.37", "1.36", "1.35", "1.34"]),
        (["v1.37.0-rc.1"], ["1.37", "1.37.0-rc.1", "1.36", "1.35", "1.34"]),
        (["v1.9.0"], ["1.37", "1.36", "1.35", "1.34", "1.9"]),
    ],
)
def test_columns_are_newest_first_and_none_is_missing(
    results: Record, record: Record, tags: list[str], names: list[str]
) -> None:
    told = built(results, *[(tag, [record()]) for tag in tags], wanted=WANTED)
    assert [version.name for version in told.versions] == names
    assert {version.tag for version in told.ran} == set(tags)


def test_a_claim_that_a_version_does_not_know_was_not_run(results: Record, record: Record) -> None:
    told = built(results, ("v1.37.0", [record("a.one"), record("a.two")]), ("v1.36.4", [record("a.one")]))
    assert [cell.verdict for cell in told.claims[1].cells] == ["holds", "not-run"]
    assert news.not_run(told) == ["On 1.36 only 1 of 2 claims were run."]


@pytest.mark.parametrize(
    ("oldest_first", "changes"),
    [
        (["holds", "holds", "holds"], []),
        (["holds", "broken", "broken"], [("1.34", "1.35", "holds", "broken")]),
        (["holds", "inconclusive", "broken"], [("1.34", "1.36", "holds", "broken")]),
        (["holds", "inconclusive", "holds"], []),
        (["not-applicable", "holds", "vacuous"], [("1.35", "1.36"), ("1.34", "1.35")]),
        (["inconclusive", "broken", "broken"], []),
    ],
)
def test_a_change_is_between_two_versions_that_tell(
    results: Record, record: Record, oldest_first: list[str], changes: list[tuple[str, ...]]
) -> None:
    tags = ("v1.34.4", "v1.35.8", "v1.36.4")
    told = built(results, *[(tag, [record(verdict=v)]) for tag, v in zip(tags, oldest_first, strict=True)])
    seen = [(c.older.name, c.newer.name, c.before, c.after) for c in told.claims[0].changes]
    assert [one[: len(wanted)] for one, wanted in zip(seen, changes, strict=True)] == changes


def test_a_claim_that_is_not_about_a_version_is_neither_counted_nor_news_there(results: Record, record: Record) -> None:
    def of(new: str, old: str) -> list[dict[str, Any]]:
        return [record("a.new", new, since="1.37"), record("a.old", old, until="1.37"), record("a.all")]

    told = built(results, ("v1.37.2", of("holds", "not-applicable")), ("v1.36.5", of("not-applicable", "holds")))
    assert news.changes(told) == []
    assert news.headline(told) == "All 2 claims hold on Kubernetes 1.37."
    assert [told.counts(version)["holds"] for version in told.versions] == [2, 2]
    old = next(claim for claim in told.claims if claim.id == "a.old")
    assert old.record["verdict"] == "holds", "what is told of it is what was seen where it is true"


def test_borders_are_pairs_that_stand_side_by_side(results: Record, record: Record) -> None:
    claims = [
        record("a.one", lab=at(1), since="1.36", until="1.38"),
        record("a.two", lab=at(2), until="1.36"),
        record("a.three", lab=at(3), since="1.36"),
        record("a.four", lab=at(4)),
        record("a.five", lab=at(5), until="1.36"),
        record("b.six", lab=at(6), until="1.35"),
        record("b.seven", lab=at(7), since="1.35", until="1.36"),
        record("b.eight", lab=at(8), since="1.36"),
    ]
    told = {
        minor.name: [
            (border.since.id if border.since else "", border.before.id if border.before else "")
            for _, pairs in minor.topics
            for border in pairs
        ]
        for minor in borders.by_minor(built(results, ("v1.37.0", claims)))
    }
    assert told == {
        "1.38": [("", "a.one")],
        "1.36": [("a.one", "a.two"), ("a.three", ""), ("", "a.five"), ("b.eight", "b.seven")],
        "1.35": [("b.seven", "b.six")],
    }


def test_known_bugs_are_told_of_the_minors_that_have_them(results: Record, record: Record) -> None:
    def bug(*patches: str) -> dict[str, Any]:
        return {"address": "https://example.com/1", "patches": list(patches)}

    claims = [
        record("a.one", "known-bug", bug=bug("1.35.0 to 1.35.8", "1.37.1")),
        record("a.two", "known-bug", bug=bug("1.33.0 to 1.36.5")),
    ]
    told = borders.by_minor(built(results, ("v1.37.0", claims), wanted=WANTED))
    assert [(minor.name, [claim.id for claim in minor.bugs]) for minor in told] == [
        ("1.37", ["a.one"]),
        ("1.36", ["a.two"]),
        ("1.35", ["a.one", "a.two"]),
        ("1.34", ["a.two"]),
    ]


def test_a_version_that_cannot_tell_is_named_beside_the_change(results: Record, record: Record) -> None:
    told = built(results, ("v1.37.0", [record(verdict="broken")]), ("v1.35.8", [record()]), wanted=WANTED)
    (change,) = news.changes(told)
    assert (change.older.name, change.skipped, change.newer.name) == ("1.35", ("1.36",), "1.37")


def test_topics_go_by_the_notes_and_claims_by_the_lesson(results: Record, record: Record) -> None:
    def stands(id: str, line: int) -> dict[str, Any]:
        return record(id, lab=at(line))

    old = record("pods.old")
    del old["lab"]
    ledger = {"pods": {"pods.old": "", "pods.cannot": "no lab has a cloud"}, "health": {}}
    records = [stands("health.a", 90), stands("health.b", 20), old, stands("pods.z", 1), stands("made.up", 5)]
    told = matrix.build([("1.json", results("v1.37.0", records))], wanted=(), ledger=ledger)
    assert [topic.name for topic in told.topics] == ["pods", "health", "made"]
    assert [claim.id for claim in told.claims] == ["pods.z", "pods.old", "health.b", "health.a", "made.up"]
    assert told.topics[0].untold == (("pods.cannot", "no lab has a cloud"),)
    assert (told.topics[1].title, told.topics[2].title) == ("Health checks", "Made")


@pytest.mark.parametrize(
    ("verdicts", "said"),
    [
        (["holds"], "The one claim that was run holds on Kubernetes 1.37."),
        (["holds"] * 3, "All 3 claims hold on Kubernetes 1.37."),
        (["holds", "broken", "vacuous"], "1 of 3 claims holds on Kubernetes 1.37; 1 broken and 1 vacuous."),
        (["holds", "holds", "not-applicable"], "2 of 3 claims hold on Kubernetes 1.37; 1 not applicable."),
        (["inconclusive"], "0 of 1 claim hold on Kubernetes 1.37; 1 inconclusive."),
        (["holds", "known-bug"], "1 of 2 claims holds on Kubernetes 1.37; 1 known bug of Kubernetes."),
        (["known-bug"] * 2, "0 of 2 claims hold on Kubernetes 1.37; 2 known bugs of Kubernetes."),
    ],
)
def test_the_headline_is_of_the_newest_version(results: Record, record: Record, verdicts: list[str], said: str) -> None:
    records = [record(f"a.c{n}", verdict) for n, verdict in enumerate(verdicts)]
    assert news.headline(built(results, ("v1.37.0", records), ("v1.36.4", []))) == said


def test_the_headline_promises_nothing_of_what_was_not_run(results: Record, record: Record) -> None:
    older = ("v1.36.4", [record(f"a.c{n}") for n in range(9)])
    two = [record("a.c1"), record("a.c2")]
    assert (
        news.headline(built(results, ("v1.37.0", two), older)) == "All 2 claims that were run hold on Kubernetes 1.37."
    )
    assert news.headline(built(results, ("v1.37.0", []), older)) == "No claim was run on Kubernetes 1.37."


def test_the_notes_are_counted_by_how_they_are_wrong(results: Record, record: Record) -> None:
    kinds = ["holds", "wrong", "changed", "imprecise", "imprecise"]
    records = [
        record(f"a.c{n}", notes={"verdict": k, "said": "", "today": "", "since": None}) for n, k in enumerate(kinds)
    ]
    assert news.about_the_notes(built(results, ("v1.37.0", records))) == (
        "4 of 5 claims correct the notes: 1 wrong from the start, 1 overtaken by a release and 2 imprecise."
    )


def test_what_no_run_of_ours_writes_is_one_sentence(results: Record, record: Record) -> None:
    with pytest.raises(CannotRun, match="no results to report"):
        built(results)
    with pytest.raises(CannotRun, match=r"a\.json and b\.json are both of v1\.37\.0"):
        matrix.build([("b.json", results()), ("a.json", results())], wanted=())
    with pytest.raises(CannotRun, match=r"v1\.37\.0\.json has the claim a\.one 2 times"):
        built(results, ("v1.37.0", [record("a.one"), record("a.one")]))
    for tag in ("v1./../../etc", "v1.37.0\n", "v1.37"):
        with pytest.raises(CannotRun, match="no version of Kubernetes"):
            built(results, (tag, []))
    with pytest.raises(CannotRun, match="cannot be one"):
        built(results, ("v1.37.0", [record("a.one\n")]))
