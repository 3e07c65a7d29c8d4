"""What is wanted of a run on a strange machine, and how it is told whether that came."""

from __future__ import annotations

import re

import pytest

from labkit.machines.case import Case, Seen, read, wrong
from labkit.machines.cases import CASES

PLAIN = Seen(0, "", {"a": "holds"}, {"a": frozenset({"kubectl get pods"})})


def results(command: str, verdict: str = "holds") -> dict[str, object]:
    return {"claims": [{"id": "a", "verdict": verdict, "commands": [{"command": command}]}]}


def seen(command: str = "kubectl get pods", verdict: str = "holds", output: str = "1 hold") -> Seen:
    verdicts, typed = read(results(command, verdict))
    return Seen(0, output, verdicts, typed)


def test_what_is_as_everywhere_is_as_wanted() -> None:
    assert wrong(Case("x", ()), seen(), PLAIN) == []


@pytest.mark.parametrize(
    ("one", "said"),
    [
        (seen(verdict="broken"), "a broken, and holds elsewhere"),
        (seen("kubectl get pods --x"), "the record of a differs"),
        (Seen(0, ""), "no verdict at all"),
        (Seen(2, "", PLAIN.verdicts, PLAIN.typed), "exit 2, not 0"),
        (seen(output="Traceback (most recent call last)"), "it says Traceback"),
        (seen(output="INTERNALERROR> 1"), "it says INTERNALERROR"),
    ],
)
def test_what_is_otherwise_is_said(one: Seen, said: str) -> None:
    assert said in "; ".join(wrong(Case("x", ()), one, PLAIN))


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("cannot run: no room", []),
        ("Exit: cannot run: no room", []),
        ("! _pytest.outcomes.Exit: cannot run: no room !\n\ncannot run: no room\n", []),
        ("cannot run: no room\ncannot run: no rights", ["2 sentences, not one"]),
        ("no room", ["0 sentences, not one"]),
        ("cannot run: something", ["it does not say 'no room'"]),
    ],
)
def test_a_refusal_is_one_sentence(output: str, said: list[str]) -> None:
    assert wrong(Case("x", (), code=3, says="no room"), Seen(3, output), PLAIN) == said


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            "docker build --label=labs/namespace=docker-copy-0a1b2c x",
            "docker build --label=labs/namespace=docker-copy-ffffff x",
        ),
        (
            "kind load --name labs-0123abcd --nodes labs-0123abcd-worker",
            "kind load --name labs-9876fedc --nodes labs-9876fedc-worker",
        ),
        ("kubectl --server https://127.0.0.1:36579 get pods", "kubectl --server https://127.0.0.1:43210 get pods"),
    ],
)
def test_what_differs_from_run_to_run_is_no_difference(one: str, other: str) -> None:
    assert read(results(one)) == read(results(other))


def test_a_path_of_the_machine_in_a_record_is_a_difference() -> None:
    assert read(results("docker build images/docker/copy")) != read(
        results("docker build '/my notes/images/docker/copy'")
    )


def test_every_case_has_a_name_of_its_own_and_a_pattern_that_is_one() -> None:
    assert len({case.name for case in CASES}) == len(CASES)
    assert [re.compile(case.says) for case in CASES]
    assert all(bool(case.says) for case in CASES if case.code), "a refusal says why"
