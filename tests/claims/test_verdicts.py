"""From observations to verdicts, results files and exit codes."""

from __future__ import annotations

import dataclasses

import pytest

from labkit.claims import verdicts
from labkit.claims.verdicts import Observation

from .conftest import CLAIM, seen


@pytest.mark.parametrize(
    ("observations", "verdict"),
    [
        ([seen("passed")], "holds"),
        ([seen("assertion")], "broken"),
        ([seen("inconclusive")], "inconclusive"),
        ([seen("not-applicable")], "not-applicable"),
        ([seen("inconclusive"), seen("passed", alone=True)], "holds"),
        ([seen("inconclusive"), seen("assertion", alone=True)], "broken"),
        ([seen("passed"), seen("assertion", sabotage="no probe")], "holds"),
        ([seen("passed"), seen("passed", sabotage="no probe")], "vacuous"),
        ([seen("assertion"), seen("passed", sabotage="no probe")], "broken"),
        ([seen("passed"), seen("inconclusive", sabotage="no probe")], "inconclusive"),
        ([seen("assertion", sabotage="no probe")], "inconclusive"),
        ([seen("known-bug")], "known-bug"),
        ([seen("bug-not-seen")], "bug-not-seen"),
        ([seen("inconclusive"), seen("known-bug", alone=True)], "known-bug"),
        ([seen("known-bug"), seen("assertion", sabotage="no probe")], "known-bug"),
        ([seen("known-bug"), seen("known-bug", sabotage="no probe")], "known-bug"),
        ([seen("known-bug"), seen("passed", sabotage="no probe")], "vacuous"),
        ([seen("known-bug"), seen("inconclusive", sabotage="no probe")], "inconclusive"),
        ([seen("bug-not-seen"), seen("passed", sabotage="no probe")], "bug-not-seen"),
    ],
)
def test_a_verdict_is_earned(observations: list[Observation], verdict: str) -> None:
    assert verdicts.judge(CLAIM, observations)["verdict"] == verdict


def test_both_observations_of_an_inconclusive_claim_are_kept() -> None:
    record = verdicts.judge(CLAIM, [seen("inconclusive", message="slow"), seen("passed", alone=True)])
    assert [(o["outcome"], o["alone"]) for o in record["observations"]] == [("inconclusive", False), ("passed", True)]


def test_what_is_hidden_is_nowhere_in_an_observation() -> None:
    told = dataclasses.replace(
        seen("inconclusive", message="dial tcp 203.0.113.7:443: refused"),
        commands=[{"command": "kubectl cluster-info", "exit": 0, "stdout": "runs at https://203.0.113.7"}],
        manifests={"a.yaml": "host: 203.0.113.7"},
    )
    hidden = verdicts.hide(told, {"203.0.113.7": "the-api-server"})
    assert "203.0.113.7" not in str(hidden)
    assert hidden.commands[0]["stdout"] == "runs at https://the-api-server"
    assert verdicts.hide(told, {}) == told


@pytest.mark.parametrize(
    ("told", "missing", "trouble", "code"),
    [
        (["holds", "not-applicable"], [], None, 0),
        (["holds", "broken", "inconclusive"], [], None, 1),
        (["vacuous"], [], None, 1),
        (["inconclusive", "holds"], [], None, 2),
        (["holds"], ["labs/x.py::y"], None, 3),
        (["broken"], [], "the cluster died", 3),
        ([], [], "no engine", 3),
    ],
)
def test_exit_codes_tell_broken_from_inconclusive(
    told: list[str], missing: list[str], trouble: str | None, code: int
) -> None:
    assert verdicts.exit_code([{"verdict": v} for v in told], missing=missing, trouble=trouble) == code
