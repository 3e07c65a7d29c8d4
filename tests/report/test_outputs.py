"""Markdown, data, badges, and the command that writes them all."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from labkit.report import badges, data, markdown, matrix, page
from labkit.report.__main__ import main

Record = Callable[..., dict[str, Any]]
Folder = Callable[..., Path]


def built(results: Record, *told: tuple[str, list[dict[str, Any]]]) -> matrix.Matrix:
    return matrix.build([(tag, results(tag, records)) for tag, records in told], wanted=("1.37", "1.36", "1.35"))


def test_the_markdown_is_short_and_says_the_news(results: Record, record: Record) -> None:
    told = built(results, ("v1.37.0", [record(verdict="broken")]), ("v1.36.4", [record()]))
    assert markdown.render(told) == (
        "**0 of 1 claim hold on Kubernetes 1.37; 1 broken.** As of 23 November 2026, 10:00 UTC, v1.37.0.\n"
        "\n"
        "- broken on 1.37: The statement of health.restarts. (`health.restarts`)\n"
        "- changed from 1.36 to 1.37: `health.restarts`\n"
        "\n"
        "| topic | claims | 1.37 | 1.36 | 1.35 |\n"
        "| --- | ---: | ---: | ---: | ---: |\n"
        "| Health checks | 1 | **1 broken** | 1 hold | not run |\n"
    )


def test_the_markdown_links_a_known_bug(results: Record, record: Record) -> None:
    bug = {"address": "https://example.com/(1)", "patches": ["1.37.0"]}
    told = markdown.render(built(results, ("v1.37.0", [record(verdict="known-bug", bug=bug), record("a.one")])))
    assert "1 of 2 claims holds on Kubernetes 1.37; 1 known bug of Kubernetes." in told
    assert "- [known bug](<https://example.com/(1)>) of Kubernetes on 1.37: The statement of health.restarts." in told
    assert "| Health checks | 1 | 1 known bug | not run | not run |" in told


def test_what_a_minor_changed_is_in_the_data_and_in_one_line(results: Record, record: Record) -> None:
    bug = {"address": "https://example.com/1", "patches": ["1.36.0 to 1.37.2"]}
    claims = [
        record("a.new", since="1.37"),
        record("a.old", "not-applicable", until="1.37"),
        record("a.bug", "known-bug", bug=bug),
    ]
    told = built(results, ("v1.37.2", claims))
    shown = json.loads(data.render(told))
    border = {"topic": "a", "since": "a.new", "before": "a.old"}
    assert shown["minors"] == [
        {"minor": "1.37", "borders": [border], "known_bugs": ["a.bug"]},
        {"minor": "1.36", "borders": [], "known_bugs": ["a.bug"]},
    ]
    assert [(c["since"], c["until"], c["bug"]) for c in shown["topics"][0]["claims"]] == [
        (None, None, bug),
        ("1.37", None, None),
        (None, "1.37", None),
    ]
    assert "- 1.37 changed 1 thing in these notes\n" in markdown.render(told)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("since", "1.37\n"),
        ("since", "37"),
        ("until", "1.99999"),
        ("bug", {"address": "javascript:alert(1)", "patches": ["1.37.0"]}),
        ("bug", {"address": 'https://x/">', "patches": ["1.37.0"]}),
        ("bug", {"address": "https://x/", "patches": []}),
        ("bug", {"address": "https://x/", "patches": ["1.37.0 to 1.37.2\n"]}),
        ("bug", {"address": "https://x/", "patches": ["all of them"]}),
    ],
)
def test_sides_and_bugs_that_no_run_of_ours_writes_are_one_sentence(
    folder: Folder, results: Record, record: Record, capsys: pytest.CaptureFixture[str], field: str, value: Any
) -> None:
    assert main([str(folder(a=results("v1.37.0", [record(**{field: value})])))]) == 3
    assert "is of another schema" in capsys.readouterr().err


def mutants(*told: tuple[str, str, list[str]], kubernetes: str = "v1.37.0") -> list[dict[str, Any]]:
    """Give a run of mutants, of which each has a name, a verdict, and claims that turned."""
    made = [
        {
            "name": name,
            "sentence": f"what {name} does",
            "verdict": verdict,
            "turned": [{"claim": claim, "message": f"{claim} saw it\nand more"} for claim in turned],
            "collateral": [],
        }
        for name, verdict, turned in told
    ]
    return [{"kubernetes": kubernetes, "mutants": made}]


def test_changes_of_kubernetes_are_counted_and_shown(results: Record, record: Record) -> None:
    told = [("1.json", results("v1.37.0", [record(), record("health.other")]))]
    tried = mutants(("one", "killed", ["health.restarts"]), ("two", "survived", []), ("old", "not-applicable", []))
    built = matrix.build(told, wanted=(), mutants=tried)
    assert (
        "| topic | claims | 1.37 | catch a change |\n"
        "| --- | ---: | ---: | ---: |\n"
        "| Health checks | 2 | 2 hold | 1 |\n"
        "\n"
        "Of 2 changes of Kubernetes 1 was caught by every claim that must; 1 of 2 claims caught one.\n"
    ) in markdown.render(built)
    shown = json.loads(data.render(built))
    assert shown["mutants"] == {"one": "killed", "two": "survived", "old": "not-applicable"}
    assert [claim["caught"] for claim in shown["topics"][0]["claims"]] == [[], ["one"]]
    text = page.render(built)
    assert "what one does" in text
    assert "health.restarts saw it" in text
    assert "1 of 2</span></td>" in text
    assert "Catch a change of Kubernetes" not in page.render(matrix.build(told, wanted=()))


def test_a_hundred_broken_claims_are_still_short(results: Record, record: Record) -> None:
    told = built(results, ("v1.37.0", [record(f"a.c{n}", "broken") for n in range(100)]))
    assert len(markdown.render(told).splitlines()) < 15


@pytest.mark.parametrize(
    "words", ["a | b", "<img src=x>", "[x](http://a)", "@everyone", "a\n\n# b", "`code`", "_a_ *b*"]
)
def test_words_stay_words_in_markdown(results: Record, record: Record, words: str) -> None:
    told = built(results, ("v1.37.0", [record(verdict="broken", statement=words, topic="t|<b>")]))
    text = markdown.render(told)
    assert words not in text
    assert len(text.splitlines()) == len(
        markdown.render(built(results, ("v1.37.0", [record(verdict="broken")]))).splitlines()
    )


def test_the_data_has_every_claim_on_every_version(results: Record, record: Record) -> None:
    told = json.loads(data.render(built(results, ("v1.37.0", [record(verdict="broken")]), ("v1.36.4", [record()]))))
    assert [version["version"] for version in told["versions"]] == ["1.37", "1.36", "1.35"]
    assert [version["run"] for version in told["versions"]] == [True, True, False]
    (claim,) = told["topics"][0]["claims"]
    assert claim["verdicts"] == {"1.37": "broken", "1.36": "holds", "1.35": "not-run"}
    assert told["changes"] == [
        {"claim": "health.restarts", "from": "1.36", "to": "1.37", "was": "holds", "is": "broken"}
    ]


@pytest.mark.parametrize(
    ("verdicts", "message", "colour"),
    [
        (["holds", "holds"], "2 hold", "green"),
        (["holds", "not-applicable"], "1 hold", "green"),
        (["holds", "broken"], "1 of 2 broken", "red"),
        (["holds", "vacuous"], "1 of 2 vacuous", "red"),
        (["holds", "bug-not-seen"], "1 of 2 bug not seen", "red"),
        (["holds", "known-bug"], "1 hold, 1 known bug", "green"),
        (["holds", "inconclusive"], "1 of 2 hold", "orange"),
        (["holds", "known-bug", "inconclusive"], "1 of 3 hold, 1 known bug", "orange"),
    ],
)
def test_a_badge_is_green_only_for_what_was_run_and_holds(
    results: Record, record: Record, verdicts: list[str], message: str, colour: str
) -> None:
    told = built(results, ("v1.37.0", [record(f"a.c{n}", v) for n, v in enumerate(verdicts)]), ("v1.36.4", []))
    files = badges.render(told)
    shown = json.loads(files["latest.json"])
    assert (shown["message"], shown["color"]) == (message, badges.COLOURS[colour])
    assert json.loads(files["1.35.json"])["message"] == json.loads(files["1.36.json"])["message"] == "not run"
    for name in ("latest.svg", "1.37.svg", "1.35.svg"):
        assert ET.fromstring(files[name]).attrib["aria-label"].startswith("notes on Kubernetes 1.")


def test_a_part_of_the_claims_is_no_green_badge(results: Record, record: Record) -> None:
    told = built(results, ("v1.37.0", [record("a.one")]), ("v1.36.4", [record("a.one"), record("a.two")]))
    assert badges.fares(told, told.versions[0]) == ("1 of 2 hold", "orange")


def test_the_report_is_written_the_same_twice(
    folder: Folder, results: Record, record: Record, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = folder(a=results("v1.37.0", [record()]), b=results("v1.36.4", [record(verdict="broken")]))
    out = tmp_path / "out"
    assert main([str(told), "--out", str(out)]) == 0
    written = {path.relative_to(out): path.read_bytes() for path in out.rglob("*") if path.is_file()}
    (out / "badges" / "1.20.svg").write_text("of a version that is no more")
    assert main([str(told), "--out", str(out)]) == 0
    assert {path.relative_to(out): path.read_bytes() for path in out.rglob("*") if path.is_file()} == written
    assert {str(path) for path in written} >= {"index.html", "matrix.json", "matrix.md", "badges/latest.svg"}
    assert "index.html" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"schema": 1, "kubernetes": {"ser', "is no results file"),
        ('{"schema": 2}', "of another schema"),
        ("<script>alert(1)</script>", "is no results file"),
        ("[" * 100_000, "is no results file"),
        ("", "is no results file"),
    ],
)
def test_a_foreign_file_is_one_sentence_and_nothing_is_written(
    folder: Folder, results: Record, tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str, said: str
) -> None:
    told = folder(good=results(), half=content)
    assert main([str(told), "--out", str(tmp_path / "out")]) == 3
    message = capsys.readouterr().err
    assert "half.json" in message
    assert said in message
    assert message.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_no_results_and_no_rights_are_one_sentence(
    folder: Folder, results: Record, record: Record, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path / "none")]) == 3
    assert "run `nox -s labs` first" in capsys.readouterr().err
    told = folder(a=results("v1.37.0", [record()]))
    (tmp_path / "file").touch()
    assert main([str(told), "--out", str(tmp_path / "file")]) == 3
    assert "cannot be written" in capsys.readouterr().err
