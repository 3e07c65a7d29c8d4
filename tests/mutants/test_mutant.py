"""Mutants as files: what is read, what is refused in one sentence, and what a change makes of a source."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from labkit.claims.claim import load_claims
from labkit.mutants.mutant import FOLDER, Faulty, Mutant, NotThere, chosen, read
from labkit.paths import ROOT

CONTENT: dict[str, Any] = {
    "sentence": "a probe needs one more failure than failureThreshold says",
    "program": "kubelet",
    "file": "k8s.io/kubernetes/pkg/kubelet/prober/worker.go",
    "find": "run < threshold",
    "instead": "run <= threshold",
    "claims": ["health.restarts"],
}
CLAIMS = ("health.restarts", "health.period")


def mutant(**changes: Any) -> Mutant:
    return Mutant(name="one", **(CONTENT | {"claims": ("health.restarts",)} | changes))


def test_ours_are_whole_and_name_claims_that_there_are() -> None:
    mutants, faults = read(claims=load_claims(ROOT / "labs"))
    assert faults == []
    assert len(mutants) == len(list(FOLDER.glob("*")))


def test_ours_reach_each_topic_about_kubernetes_three_times() -> None:
    claims = load_claims(ROOT / "labs")
    mutants, _ = read(claims=claims)
    topics = {claim.topic for claim in claims.values()} - {"docker", "minikube"}
    reached = {topic: sum(any(id.startswith(f"{topic}.") for id in m.claims) for m in mutants) for topic in topics}
    assert {topic: times for topic, times in reached.items() if times < 3} == {}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"claims": []}, "is no mutant"),
        ({"claims": ["health.unknown"]}, "names health.unknown, and there is no such claim"),
        ({"may_turn": {"health.other": "only on a slow machine"}}, "names health.other"),
        ({"may_turn": {"health.restarts": "only on a slow machine"}}, "both that it must turn and that it may"),
        ({"program": "kubeadm"}, "is no mutant"),
        ({"file": "pkg/kubelet/worker.go"}, "is no mutant"),
        ({"file": "k8s.io/kubernetes/../other/worker.go"}, "is no mutant"),
        ({"sentence": "It ends with a full stop."}, "is no mutant"),
        ({"since": "v1.35"}, "is no mutant"),
        ({"instead": "run < threshold"}, "changes nothing"),
        ({"extra": 1}, "is no mutant"),
    ],
)
def test_a_file_that_is_no_mutant_is_told_and_the_others_are_read(
    changes: dict[str, Any], words: str, tmp_path: Path
) -> None:
    (tmp_path / "bad.yaml").write_text(yaml.safe_dump(CONTENT | changes))
    (tmp_path / "good.yaml").write_text(yaml.safe_dump(CONTENT | {"may_turn": {"health.period": "it counts as well"}}))
    mutants, (fault,) = read(tmp_path, claims=CLAIMS)
    assert [one.name for one in mutants] == ["good"]
    assert fault.startswith("labs/mutants/bad.yaml ")
    assert words in fault


@pytest.mark.parametrize("content", [b"\xff", b"a: [", b"- a list", b""])
def test_a_file_that_is_no_yaml_is_told(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_bytes(content)
    mutants, (fault,) = read(tmp_path, claims=CLAIMS)
    assert (mutants, fault.partition(" ")[0]) == ([], "labs/mutants/bad.yaml")


def test_the_words_are_there_once_or_the_change_is_not_made() -> None:
    assert mutant().changed("if run < threshold {") == "if run <= threshold {"
    with pytest.raises(NotThere, match=r"not in that version's k8s.io/kubernetes/pkg/kubelet/prober/worker.go"):
        mutant().changed("if false {")
    with pytest.raises(Faulty, match=r"^labs/mutants/one.yaml: .* 2 times in .*; give more of their line$"):
        mutant().changed("run < threshold; run < threshold")


def test_a_mutant_has_minors_that_it_is_made_for() -> None:
    assert mutant().not_of("v1.34.12") is None
    assert mutant(since="1.35").not_of("v1.34.12") == "made for Kubernetes 1.35 and newer"
    assert mutant(since="1.35").not_of("v1.35.0") is None
    assert mutant(until="1.35").not_of("v1.35.8") == "made for Kubernetes before 1.35"
    assert mutant(until="1.35").not_of("v1.34.12") is None


def test_mutants_are_chosen_by_words_of_their_name_or_by_program() -> None:
    kubelets, proxies = mutant(), Mutant(name="affinity", **(CONTENT | {"program": "kube-proxy"}))
    both = [kubelets, proxies]
    assert chosen(both, "") == both
    assert chosen(both, "kubelet") == [kubelets]
    assert chosen(both, "affin") == [proxies]
    assert chosen(both, "affin or one") == both
    assert chosen(both, "none") == []
