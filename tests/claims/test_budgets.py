"""Windows computed from a manifest's own numbers."""

from __future__ import annotations

from typing import Any

import pytest

from labkit.claims import budgets
from labkit.claims.budgets import Window

PROBE = {
    "periodSeconds": 10,
    "timeoutSeconds": 1,
    "failureThreshold": 3,
    "successThreshold": 1,
    "initialDelaySeconds": 5,
}


def pod(probe: dict[str, Any], grace: int = 30) -> dict[str, Any]:
    return {"spec": {"terminationGracePeriodSeconds": grace, "containers": [{"livenessProbe": probe}]}}


def test_probes_come_a_period_apart() -> None:
    assert budgets.probed(PROBE, 3) == Window(30, 30)


def test_a_failing_probe_decides_after_its_threshold_and_one_period_of_chance() -> None:
    assert budgets.fails(PROBE) == Window(20, 30)


def test_a_hanging_probe_adds_its_timeout() -> None:
    assert budgets.fails(PROBE, hangs=True) == Window(21, 31)


def test_a_timeout_longer_than_the_period_paces_a_hanging_probe() -> None:
    # Measured with period 2, timeout 6, threshold 3: failures at 8.0, 14.1 and 20.1 s.
    window = budgets.fails(PROBE | {"periodSeconds": 2, "timeoutSeconds": 6}, hangs=True)
    assert window.earliest_s <= 20.1 <= window.latest_s


def test_the_delay_counts_from_the_start_only() -> None:
    assert budgets.fails_from_start(PROBE) == Window(25, 35)
    assert budgets.first_probe(PROBE) == Window(5, 15)


def test_the_probes_own_grace_period_wins() -> None:
    assert budgets.restarts(pod(PROBE)).latest_s == 60
    assert budgets.restarts(pod(PROBE | {"terminationGracePeriodSeconds": 1})).latest_s == 31


def test_a_container_that_does_not_obey_is_killed_after_the_whole_grace_period() -> None:
    assert budgets.kills(pod(PROBE, grace=30)) == Window(30, 30)


def test_recovery_needs_the_success_threshold() -> None:
    assert budgets.succeeds(PROBE | {"periodSeconds": 2, "successThreshold": 3}) == Window(4, 6)


def test_an_absent_probe_is_a_key_error() -> None:
    with pytest.raises(KeyError, match="livenessProbe"):
        budgets.restarts({"spec": {"terminationGracePeriodSeconds": 1, "containers": [{}]}})


def test_slack_grows_with_the_load_and_not_without_end() -> None:
    window = Window(20, 30)
    assert window.too_late_s(0.2) == 30 + budgets.SLACK_S
    assert window.too_late_s(2 * budgets.BUSY) == 30 + 2 * budgets.SLACK_S
    assert window.too_late_s(100) == 30 + budgets.MOST_SLACK_S
    assert window.too_early_s(0.2) == 19
    assert window.too_early_s(1.5 * budgets.BUSY) == 18.5
    assert window.too_early_s(100) == 18


def test_eviction_comes_when_the_toleration_has_run_out() -> None:
    tolerations = [{"operator": "Exists"}, {"key": "node.kubernetes.io/unreachable", "tolerationSeconds": 2}]
    pod = {"spec": {"tolerations": tolerations}}
    assert budgets.evicts(pod, "node.kubernetes.io/unreachable") == Window(2.0, 2.0)
