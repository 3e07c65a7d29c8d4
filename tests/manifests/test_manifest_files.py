"""Words are put into manifests where values name them, and nowhere else."""

from __future__ import annotations

from labkit.manifests.manifest_files import place


def test_words_are_placed_at_any_depth_and_the_original_is_left_alone() -> None:
    policy = {"metadata": {"name": "${NAMESPACE}"}, "spec": {"rules": [{"in": "a ${NAMESPACE} b", "n": 2}]}}
    placed = place([policy], NAMESPACE="here")
    assert placed == [{"metadata": {"name": "here"}, "spec": {"rules": [{"in": "a here b", "n": 2}]}}]
    assert policy["metadata"] == {"name": "${NAMESPACE}"}


def test_a_manifest_without_a_word_to_place_is_the_same_one() -> None:
    manifests = [{"spec": {"command": ["sh", "-c", "echo $NAMESPACE ${OTHER} $$ $(POD_NAME)"]}}]
    assert place(manifests, NAMESPACE="here") is manifests


def test_several_words_are_placed_at_once() -> None:
    endpoint = {"metadata": {"namespace": "${NAMESPACE}"}, "endpoints": [{"addresses": ["${ADDRESS}"]}]}
    (placed,) = place([endpoint], NAMESPACE="here", ADDRESS="10.244.1.7")
    assert placed == {"metadata": {"namespace": "here"}, "endpoints": [{"addresses": ["10.244.1.7"]}]}
