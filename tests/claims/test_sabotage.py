"""Mutations find their mark, and say so when they do not."""

from __future__ import annotations

from typing import Any

import pytest

from labkit.claims.sabotage import Sabotage, Saboteur, instead, put, remove, skip
from labkit.manifests.manifest_files import parse_path


def twins() -> list[dict[str, Any]]:
    return [
        {
            "kind": "Pod",
            "metadata": {"name": n, "labels": {"a.b/c": "1"}},
            "spec": {"containers": [{"livenessProbe": {}}]},
        }
        for n in ("probed", "plain")
    ]


def test_paths_have_indices_and_quoted_keys() -> None:
    assert parse_path("spec.containers[0].env") == ["spec", "containers", 0, "env"]
    assert parse_path("metadata.labels['a.b/c']") == ["metadata", "labels", "a.b/c"]
    with pytest.raises(ValueError, match="not a field path"):
        parse_path("spec.containers[x]")


def test_remove_takes_one_object_and_leaves_the_original_alone() -> None:
    before = twins()
    saboteur = Saboteur(Sabotage("no probe", (remove("spec.containers[0].livenessProbe", of="pod/probed"),)))
    after = saboteur.manifests(before)
    assert [bool("livenessProbe" in m["spec"]["containers"][0]) for m in after] == [False, True]
    assert before == twins()
    assert not saboteur.missed()


def test_put_sets_fields_and_appends_to_lists() -> None:
    saboteur = Saboteur(
        Sabotage("x", (put("metadata.labels['a.b/c']", "2"), put("spec.containers[1]", {"name": "new"})))
    )
    after = saboteur.manifests(twins())
    assert after[0]["metadata"]["labels"] == {"a.b/c": "2"}
    assert len(after[1]["spec"]["containers"]) == 2


def test_a_mutation_that_touches_nothing_is_named() -> None:
    nothing = remove("spec.containers[0].readinessProbe")
    saboteur = Saboteur(Sabotage("x", (nothing, put("metadata.labels['a.b/c']", "1"))))
    assert saboteur.manifests(twins()) == twins()
    assert len(saboteur.missed()) == 2


def test_acts_are_reworded_or_left_out() -> None:
    saboteur = Saboteur(Sabotage("x", (instead("app=debug", "tier=debug"), skip("POST"))))
    assert saboteur.act("label pod web app=debug") == "label pod web tier=debug"
    assert saboteur.act("POST pod/web /exit {}") == ""
    assert saboteur.act("get pods") == "get pods"
    assert not saboteur.missed()


def test_files_of_a_build_context_are_reworded() -> None:
    saboteur = Saboteur(Sabotage("x", (instead("DIR", "WORKDIR", of="docker/app/Dockerfile"),)))
    files = {"Dockerfile": "DIR /app\n", "app/Dockerfile": "DIR /app\n"}
    assert saboteur.act("DIR /app") == "DIR /app", "it is no act"
    assert saboteur.files("docker/other", files) == files
    assert saboteur.missed()
    assert saboteur.files("docker/app", files) == files | {"Dockerfile": "WORKDIR /app\n"}
    assert not saboteur.missed()


def test_without_a_sabotage_nothing_is_touched() -> None:
    manifests = twins()
    assert Saboteur(None).manifests(manifests) is manifests
    assert Saboteur(None).files("docker/app", {"Dockerfile": ""}) == {"Dockerfile": ""}
