"""Results on disk: what is written is checked and comes back, and what a killed run observed is not lost."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from labkit.claims import results_file, verdicts
from labkit.trouble import CannotRun

from .conftest import CLAIM, KUBERNETES, seen


def test_a_results_file_comes_back_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "results" / "1.37.0.json"
    record = verdicts.judge(CLAIM, [seen("passed"), seen("assertion", sabotage="no probe", message="assert 0 == 1")])
    results_file.write(path, KUBERNETES, [record])
    assert results_file.read(path)["claims"] == [record]
    assert not list(path.parent.glob("*.part"))


def test_what_is_not_as_designed_is_not_written(tmp_path: Path) -> None:
    broken = verdicts.judge(dataclasses.replace(CLAIM, id="no topic"), [seen("passed")])
    for kubernetes, records in ((KUBERNETES, [broken]), (KUBERNETES | {"server": "1.37"}, [])):
        with pytest.raises(jsonschema.ValidationError):
            results_file.write(tmp_path / "x.json", kubernetes, records)
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_run_observed_is_there_for_the_next_reader(tmp_path: Path) -> None:
    whole = tmp_path / "1.37.0.json"
    journal = results_file.Journal.begin(whole, KUBERNETES, "labs-0123abcd")
    journal.add(seen("passed"))
    claims = {CLAIM.id: CLAIM}
    assert list(results_file.recover(tmp_path, claims)) == [], "a run that goes on is left alone"
    cut = tmp_path / "1.37.0.labs-0123abcd.journal"
    killed = cut.read_text() + '{"claim": "health.rest'
    journal.end()
    assert not cut.exists()
    cut.write_text(killed)
    (found,) = results_file.recover(tmp_path, claims)
    assert (found.path, found.claims) == (whole, 1)
    assert [one["verdict"] for one in results_file.read(whole)["claims"]] == ["holds"]
    assert not cut.exists()


def test_a_killed_run_does_not_take_the_place_of_a_whole_one(tmp_path: Path) -> None:
    whole = tmp_path / "1.37.0.json"
    claims = {id: dataclasses.replace(CLAIM, id=id) for id in ("topic.one", "topic.two")}
    records = [verdicts.judge(claim, [dataclasses.replace(seen("passed"), claim=id)]) for id, claim in claims.items()]
    results_file.write(whole, KUBERNETES, records)
    journal = results_file.Journal.begin(whole, KUBERNETES, "labs-0123abcd")
    journal.add(dataclasses.replace(seen("assertion"), claim="topic.one"))
    left = tmp_path / "1.37.0.labs-0123abcd.journal"
    text = left.read_text()
    journal.end()
    left.write_text(text)
    (found,) = results_file.recover(tmp_path, claims)
    assert found.path == tmp_path / "partial" / "1.37.0.json"
    assert len(results_file.read(whole)["claims"]) == 2


def test_a_record_keeps_what_the_source_says_of_the_lab(tmp_path: Path) -> None:
    told = {"file": "labs/test_health.py", "line": 7, "remarks": "", "story": "Given a Pod, it runs."}
    topic = {"topic": "health", "title": "Health checks", "lead": "who asks.", "prose": ""}
    window = {"goal": "it runs", "from_s": 1.0, "earliest_s": 0.0, "latest_s": 5.0, "seen_s": None}
    observed = dataclasses.replace(seen("passed"), windows=[window], manifests={"manifests/a.yaml": "kind: Pod\n"})
    path = tmp_path / "1.37.0.json"
    results_file.write(path, KUBERNETES, [verdicts.judge(CLAIM, [observed], told)], [topic])
    results = results_file.read(path)
    (record,) = results["claims"]
    assert (results["topics"], record["lab"], record["windows"]) == ([topic], told, [window])
    assert record["manifests"] == [{"file": "manifests/a.yaml", "text": "kind: Pod\n"}]


def test_results_of_fewer_claims_do_not_replace_those_of_more(tmp_path: Path) -> None:
    def record(claim: str) -> dict[str, Any]:
        one = dataclasses.replace(CLAIM, id=claim)
        return verdicts.judge(one, [dataclasses.replace(seen("passed"), claim=claim)])

    whole, partial = tmp_path / "1.37.0.json", tmp_path / "partial" / "1.37.0.json"
    results_file.write(whole, KUBERNETES, [record("topic.one"), record("topic.two"), record("topic.retired")])
    run = results_file.ResultsFile(whole, ["topic.one", "topic.two", "topic.three"])
    run.write(KUBERNETES, [record("topic.one")])
    assert (len(results_file.read(whole)["claims"]), len(results_file.read(partial)["claims"])) == (3, 1)
    run.write(KUBERNETES, [record("topic.one"), record("topic.two")])
    assert [one["id"] for one in results_file.read(whole)["claims"]] == ["topic.one", "topic.two"]
    assert not partial.exists()


@pytest.mark.parametrize("text", ["", "{", json.dumps({"schema": 99}), "[]"])
def test_a_foreign_file_is_one_sentence(tmp_path: Path, text: str) -> None:
    path = tmp_path / "1.37.0.json"
    path.write_text(text)
    with pytest.raises(CannotRun, match=r"run `nox -s labs`"):
        results_file.read(path)
