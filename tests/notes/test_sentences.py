"""Sentences are known by their words, and an edited one is another."""

from __future__ import annotations

from labkit.claims import ledger
from labkit.notes import document, sentences

NOTES = "# Pods\n\nA Pod has one or more containers. It runs on one node.\n\n```\nkubectl get pods\n```\n"


def test_a_fingerprint_is_of_the_words_alone() -> None:
    assert sentences.fingerprint("A *Pod*  has a node.") == sentences.fingerprint("a pod has a node")
    assert sentences.fingerprint("A Pod has a node.") != sentences.fingerprint("A Pod has no node.")


def test_sentences_and_lines_of_code_have_their_lines() -> None:
    found = [(s.line, s.text) for s in sentences.sentences(document.parse(NOTES))]
    assert found == [(3, "A Pod has one or more containers."), (3, "It runs on one node."), (6, "kubectl get pods")]


def test_claims_stand_beside_their_sentences_and_an_edited_one_has_none_yet() -> None:
    known = {sentences.fingerprint("A Pod has one or more containers."): ["pods.one-or-more-containers"]}
    verdicts = {"pods.one-or-more-containers": {"1.37.2": [("pods.many", "holds")]}}
    assert sentences.settled(document.parse(NOTES), known, verdicts) == [
        {"line": 3, "text": "pods.one-or-more-containers: holds on 1.37.2 (pods.many)"},
        {"line": 3, "text": sentences.NO_CLAIM},
    ]


def test_of_other_notes_nothing_is_said() -> None:
    assert sentences.settled(document.parse(NOTES), {"0" * 12: ["pods.a"]}, {}) == []


def test_every_row_of_the_ledger_has_its_sentences() -> None:
    rows = {row for told in sentences.rows_by_fingerprint().values() for row in told}

    assert rows == {row for told in ledger.read().values() for row in told}
