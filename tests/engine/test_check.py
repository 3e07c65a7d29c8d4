"""A check of documents of our own on a cluster: one of each verdict, and what documents do that mean harm."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from labkit.notes.__main__ import main
from labkit.paths import ROOT

pytestmark = pytest.mark.engine

NOTES = ROOT / "tests" / "notes"


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The findings on both documents by name, on the newest version."""
    folder = tmp_path_factory.mktemp("check")
    out = pytest.MonkeyPatch()
    with out.context() as patch, (folder / "stdout").open("w") as stdout:
        patch.setattr("sys.stdout", stdout)
        main([*(str(NOTES / name) for name in ("one-of-each.md", "hostile.md")), "--format=json", f"--out={folder}"])
    told = json.loads((folder / "stdout").read_text())
    return {Path(one["path"]).name: one for one in told["documents"]}


def test_each_line_gets_the_verdict_that_its_comment_says(checked: dict[str, Any]) -> None:
    wanted = {}
    for number, line in enumerate((NOTES / "one-of-each.md").read_text().splitlines(), 1):
        if found := re.search(r"  # (holds|warns|context|not run|fault)(?:: (.*))?$", line):
            wanted[number] = (found[1], found[2] or "")
    told = {}
    for finding in checked["one-of-each.md"]["findings"]:
        (on,) = finding["on"].values()
        told[finding["line"]] = (on["verdict"], re.sub(r"\s+#.*", "", on["mended"]))
    assert {line: told[line] for line in wanted} == wanted
    assert told[20] == ("fault", "kind: Pod")


def test_nothing_of_a_hostile_document_gets_through(checked: dict[str, Any]) -> None:
    told = {f["text"]: next(iter(f["on"].values())) for f in checked["hostile.md"]["findings"]}
    for text, on in told.items():
        seen = json.dumps(on["evidence"])
        assert "owned created" not in seen, text
        assert "hidden created" not in seen, text
        assert on["verdict"] != "fault", text
    assert told["kubectl run owned --image=localhost:1/labs/web:1 --privileged"]["verdict"] == "not run"
    assert told["kubectl apply -f hidden.yaml"]["reason"].startswith("it would reach the machine")


@pytest.mark.parametrize(
    "begins",
    [
        "kubectl run lurker",
        "kubectl patch deployment lurker",
        "kubectl set image -n kube-system",
        "kubectl exec -n kube-system",
        "kubectl get --raw",
    ],
)
def test_the_cluster_refuses_what_reading_a_line_does_not_see(checked: dict[str, Any], begins: str) -> None:
    (on,) = (next(iter(f["on"].values())) for f in checked["hostile.md"]["findings"] if f["text"].startswith(begins))
    assert on["evidence"], "it was typed"
    assert on["verdict"] == "not run"
    assert on["reason"].startswith("it would reach the machine")
