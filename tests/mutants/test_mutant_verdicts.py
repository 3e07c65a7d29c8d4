"""From observations with a mutant to its verdict, and the file, the table and the exit code that come of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from labkit.claims.verdicts import Observation
from labkit.mutants import mutant_verdicts
from labkit.mutants.mutant import Mutant
from labkit.trouble import CannotRun

MUTANT = Mutant(
    name="one-more",
    sentence="a probe needs one more failure",
    program="kubelet",
    file="k8s.io/kubernetes/pkg/worker.go",
    find="<",
    instead="<=",
    claims=("health.restarts", "readiness.period"),
    may_turn={"health.period": "it counts failures as well"},
)
BOTH = MUTANT.claims


def seen(outcomes: Mapping[str, Any]) -> list[Observation]:
    """Make an observation of each claim; a list of outcomes are several of it, the later ones alone."""
    return [
        Observation(claim, "labs/x.py::x", None, outcome, f"{claim} {outcome}", 1.0, "", alone=time > 0)
        for claim, told in outcomes.items()
        for time, outcome in enumerate([told] if isinstance(told, str) else told)
    ]


def judged(required: tuple[str, ...] = BOTH, /, **outcomes: Any) -> dict[str, Any]:
    by_claim = {claim.replace("_", "."): outcome for claim, outcome in outcomes.items()}
    return mutant_verdicts.judge(MUTANT, seen(by_claim), required=required)


TURNED = {"health_restarts": "assertion", "readiness_period": "assertion"}


@pytest.mark.parametrize(
    ("outcomes", "verdict"),
    [
        (TURNED, "killed"),
        (TURNED | {"health_other": "passed"}, "killed"),
        (TURNED | {"health_period": "assertion"}, "killed"),
        (TURNED | {"health_other": ["inconclusive", "inconclusive"]}, "killed"),
        (TURNED | {"health_restarts": ["inconclusive", "assertion"]}, "killed"),
        (TURNED | {"health_restarts": "passed"}, "survived"),
        (TURNED | {"health_restarts": ["inconclusive", "passed"]}, "survived"),
        (TURNED | {"health_restarts": "passed", "health_other": "assertion"}, "survived"),
        (TURNED | {"health_restarts": ["inconclusive", "inconclusive"]}, "inconclusive"),
        (TURNED | {"health_restarts": "not-applicable"}, "inconclusive"),
        ({"health_restarts": "assertion"}, "inconclusive"),
        (TURNED | {"health_other": "assertion"}, "collateral"),
        (TURNED | {"health_other": ["inconclusive", "assertion"]}, "collateral"),
    ],
)
def test_verdict(outcomes: dict[str, Any], verdict: str) -> None:
    record = judged(**outcomes)
    assert record["verdict"] == verdict
    assert bool(record["reason"]) == (verdict != "killed")


def test_a_claim_that_is_not_about_the_version_is_not_required() -> None:
    assert judged(("health.restarts",), health_restarts="assertion")["verdict"] == "killed"


def test_a_claim_that_is_broken_anyway_is_no_collateral() -> None:
    observed = seen({"health.restarts": "assertion", "readiness.period": "assertion", "health.other": "assertion"})
    record = mutant_verdicts.judge(MUTANT, observed, required=BOTH, broken_anyway=["health.other"])
    assert record["verdict"] == "killed"
    assert mutant_verdicts.judge(MUTANT, observed, required=BOTH)["verdict"] == "collateral"


def test_the_record_says_what_turned_and_what_held() -> None:
    record = judged(health_restarts="assertion", readiness_period="passed", health_other="assertion")
    assert record["turned"] == [
        {"claim": "health.restarts", "message": "health.restarts assertion"},
        {"claim": "health.other", "message": "health.other assertion"},
    ]
    assert (record["held"], record["collateral"], record["claims_seen"]) == (["readiness.period"], ["health.other"], 3)
    assert record["reason"] == "readiness.period holds all the same"


def run(kubernetes: str, *records: dict[str, Any]) -> dict[str, Any]:
    started = "2026-11-29T10:00:00+00:00"
    return {"kubernetes": kubernetes, "started": started, "seconds": 1.0, "mutants": list(records)}


def test_a_run_of_some_keeps_what_was_seen_of_the_others() -> None:
    killed = judged(**TURNED)
    other, gone = killed | {"name": "other"}, killed | {"name": "gone"}
    known = [MUTANT, Mutant(**{**vars(MUTANT), "name": "other"})]
    survived = judged(**TURNED | {"health_restarts": "passed"})
    earlier = [run("v1.37.2", killed, other, gone), run("v1.34.12", killed)]

    (newest, oldest) = mutant_verdicts.merged(earlier, run("v1.37.2", survived), known)

    assert [(one["name"], one["verdict"]) for one in newest["mutants"]] == [
        ("one-more", "survived"),
        ("other", "killed"),
    ]
    assert oldest == earlier[1]


def test_what_was_seen_of_another_wording_is_not_kept() -> None:
    earlier = [run("v1.37.2", judged(**TURNED) | {"instead": "<<"})]
    (kept,) = mutant_verdicts.merged(earlier, run("v1.37.2"), [MUTANT])
    assert kept["mutants"] == []


def test_versions_are_in_the_order_of_their_numbers() -> None:
    runs = mutant_verdicts.merged([run("v1.9.12"), run("v1.10.0")], run("v1.9.2"), [])
    assert [one["kubernetes"] for one in runs] == ["v1.10.0", "v1.9.12", "v1.9.2"]


def test_the_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "results" / "mutants.json"
    runs = [run("v1.37.2", judged(**TURNED))]
    mutant_verdicts.write(runs, path)
    assert mutant_verdicts.read(path) == runs
    assert mutant_verdicts.read(tmp_path / "none.json") == []


@pytest.mark.parametrize("content", ["", "{", "[]", '{"schema": 2, "runs": []}', '{"schema": 1, "runs": [1]}'])
def test_a_foreign_file_is_refused(content: str, tmp_path: Path) -> None:
    (tmp_path / "mutants.json").write_text(content)
    with pytest.raises(CannotRun, match="delete it and run `nox -s mutants` again"):
        mutant_verdicts.read(tmp_path / "mutants.json")


def test_a_claim_is_told_what_it_caught_as_the_newest_version_saw_it() -> None:
    other = judged(**TURNED) | {"name": "another", "sentence": "it is otherwise"}
    runs = [run("v1.37.2", judged(**TURNED), other), run("v1.34.12", judged(**TURNED))]
    caught = mutant_verdicts.caught(runs)
    assert sorted(caught) == ["health.restarts", "readiness.period"]
    assert [(c["mutant"], c["sentence"], c["kubernetes"]) for c in caught["health.restarts"]] == [
        ("another", "it is otherwise", "v1.37.2"),
        ("one-more", "a probe needs one more failure", "v1.37.2"),
    ]


@pytest.mark.parametrize(
    ("told", "faults", "trouble", "code"),
    [
        (["killed", "not-applicable"], [], None, 0),
        ([], [], None, 0),
        (["killed", "inconclusive"], [], None, 2),
        (["inconclusive", "survived"], [], None, 1),
        (["killed", "collateral"], [], None, 1),
        (["unwell"], [], None, 1),
        (["survived", "faulty"], [], None, 3),
        (["killed"], ["a file is no mutant"], None, 3),
        (["survived"], [], "the cluster is gone", 3),
    ],
)
def test_exit_code(told: list[str], faults: list[str], trouble: str | None, code: int) -> None:
    records = [{"verdict": verdict} for verdict in told]
    assert mutant_verdicts.exit_code(records, faults=faults, trouble=trouble) == code


def test_the_table_names_each_and_explains_those_that_were_not_killed() -> None:
    text = "\n".join(
        mutant_verdicts.table(
            [
                judged(**TURNED),
                judged(**TURNED | {"health_other": "assertion"}) | {"name": "two"},
                mutant_verdicts.record(MUTANT, "not-applicable", "made for Kubernetes before 1.35", required=BOTH),
            ]
        )
    )
    assert "one-more  kubelet" in text
    assert "2 of 2" in text
    assert "collateral: two: a probe needs one more failure\n  health.other turned, and need not" in text
    assert "  health.other: health.other assertion" in text
    assert "not-applicable: one-more" in text
    assert "killed: one-more" not in text
