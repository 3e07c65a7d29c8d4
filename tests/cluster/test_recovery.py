"""Whether a cluster works again: which Pods of the control plane are waited for."""

from __future__ import annotations

from labkit.cluster import recovery


def test_pods_that_are_not_ready_are_named_but_for_static_ones() -> None:
    def pod(name: str, ready: str, **metadata: object) -> dict[str, object]:
        conditions = [{"type": "PodScheduled", "status": "True"}, {"type": "Ready", "status": ready}]
        return {"metadata": {"name": name, **metadata}, "status": {"conditions": conditions}}

    going = pod("going", "True", deletionTimestamp="2026-11-29T10:00:00Z")
    mirror = pod("mirror", "False", annotations={"kubernetes.io/config.mirror": "hash"})
    assert recovery.pods_not_ready([pod("well", "True"), pod("ill", "False"), going, mirror]) == ["ill", "going"]
