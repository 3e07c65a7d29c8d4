"""When a verdict has changed for good, and what is then told by an issue."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from labkit.ci import issues
from labkit.ci.changes import Change, changes, minor_of
from labkit.claims import verdicts
from labkit.claims.claim import HOLD, Claim
from labkit.claims.sabotage import Sabotage
from labkit.claims.verdicts import Observation
from labkit.progress import Progress
from labkit.trouble import CannotRun

OUTCOMES = {
    "holds": "passed",
    "broken": "assertion",
    "inconclusive": "inconclusive",
    "not-applicable": "not-applicable",
    "known-bug": "known-bug",
    "bug-not-seen": "bug-not-seen",
}


def results(*, server: str = "v1.37.0", **told: str) -> dict[str, Any]:
    """Give a results document with the claims pods.<name> and the verdicts told."""
    claims = []
    for name, verdict in told.items():
        claim = Claim(
            id=f"pods.{name}",
            statement=f"The {name} *is* so.",
            ledger=(f"pods.{name}",),
            source="https://example.com/",
            notes=HOLD,
            twin="plain",
            no_twin=None,
            takes_s=1,
            takes_a_node=False,
            sabotages=(Sabotage("none", ()),),
        )
        why = "" if verdict == "holds" else f"{name} is {verdict}"
        outcome: Any = OUTCOMES[verdict]
        claims.append(verdicts.judge(claim, [Observation(claim.id, "labs/x.py::x", None, outcome, why, 1.0, "now")]))
    kubernetes = dict.fromkeys(("server", "kubelet", "kubectl"), server)
    kubernetes |= {"node_image": "node:1", "origin": "built", "started": "2026-11-23T10:00:00+00:00"}
    return {"schema": 1, "kubernetes": kubernetes | {"seconds": 1.0}, "claims": claims}


@pytest.mark.parametrize(
    ("verdicts_in_order", "before_and_now"),
    [
        (["holds", "broken", "broken"], ("holds", "broken")),
        (["broken", "holds", "holds"], ("broken", "holds")),
        (["holds", "holds", "broken"], None),  # one run alone is no news yet
        (["holds", "broken", "holds"], None),  # nor is one that nobody confirms
        (["broken", "broken", "broken"], None),
        (["holds", "broken", "broken", "broken"], None),  # told by the run before
        (["broken", "broken"], None),  # nobody knows what was before
        (["holds", "broken", "inconclusive", "broken"], ("holds", "broken")),
        (["holds", "broken", "broken", "inconclusive"], None),
        (["not-applicable", "inconclusive", "holds", "holds"], ("not-applicable", "holds")),
        (["broken", "known-bug", "known-bug"], ("broken", "known-bug")),
        (["known-bug", "bug-not-seen", "bug-not-seen"], ("known-bug", "bug-not-seen")),
        ([], None),
    ],
)
def test_a_change_is_told_by_the_run_that_confirms_it(
    verdicts_in_order: list[str], before_and_now: tuple[str, str] | None
) -> None:
    told = changes([results(one=verdict) for verdict in verdicts_in_order])
    assert [(c.before, c.now) for c in told] == ([before_and_now] if before_and_now else [])


def test_a_run_that_does_not_know_a_claim_says_nothing_of_it() -> None:
    runs = [results(one="holds"), results(two="holds"), results(one="broken"), results(one="broken", two="holds")]
    assert changes(runs) == [
        Change("pods.one", "The one *is* so.", "1.37", "holds", "broken", "one is broken"),
    ]


def test_a_pre_release_is_of_its_minor() -> None:
    assert minor_of(results(server="v1.38.0-rc.1")) == "1.38"


class GitHub:
    """A gh that answers from a folder and remembers what was asked of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.issues: list[dict[str, Any]] = []
        self.runs: list[dict[str, dict[str, Any]]] = []
        self.asked: list[str] = []
        self.said: list[str] = []

    def __call__(self, *words: str, stdin: str | None = None) -> str:
        self.asked.append(" ".join(words[:3] if words[0] == "issue" else words[:2]))
        self.said += [stdin] if stdin else []
        if words[:2] == ("run", "list"):
            return json.dumps([{"databaseId": number} for number in reversed(range(len(self.runs)))])
        if words[:2] == ("run", "download"):
            if not (run := self.runs[int(words[2])]):
                raise CannotRun("gh run download failed (no artifacts)")
            for name, document in run.items():
                write(Path(words[words.index("--dir") + 1]) / f"results-{name}" / f"{name}.json", document)
        return json.dumps(self.issues) if words[:2] == ("issue", "list") else ""

    @property
    def did(self) -> list[str]:
        return [words for words in self.asked if words.startswith("issue ") and "list" not in words]


def write(path: Path, document: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document))


Tell = Callable[..., GitHub]


@pytest.fixture
def tell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tell:
    """Give a function that tells of the newest of some runs, oldest first, and gives what GitHub saw."""
    for name in ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID"):
        monkeypatch.delenv(name, raising=False)

    def go(*runs: dict[str, dict[str, Any]], there: tuple[str, ...] = ()) -> GitHub:
        github = GitHub(tmp_path)
        github.runs = list(runs[:-1])
        github.issues = [{"number": 7 + n, "body": f"<!-- labs: {about} -->"} for n, about in enumerate(there)]
        monkeypatch.setattr(issues, "_gh", github)
        for name, document in runs[-1].items():
            write(tmp_path / "results" / f"{name}.json", document)
        (tmp_path / "results" / "junit-1.37.xml").write_text("<testsuites/>")
        issues.tell(tmp_path / "results", Progress(lambda _: None))
        return github

    return go


def of(**told: str) -> dict[str, dict[str, Any]]:
    return {"1.37.0": results(**told)}


def test_an_issue_is_opened_for_a_claim_that_changed_twice_in_a_row(tell: Tell) -> None:
    github = tell(of(one="holds", two="holds"), of(one="broken", two="holds"), of(one="broken", two="holds"))
    assert github.did == ["issue create --title"]
    (body,) = github.said
    assert body.startswith("<!-- labs: pods.one -->\n")
    assert "**pods.one** was holds and is broken on Kubernetes 1.37, twice in a row." in body
    assert "> The one \\*is\\* so." in body
    assert "```text\none is broken\n```" in body


def test_one_that_is_there_is_added_to(tell: Tell) -> None:
    github = tell(of(one="not-applicable"), of(one="broken"), of(one="broken"), there=("pods.two", "pods.one"))
    assert github.did == ["issue comment 8"]


def test_it_is_closed_when_the_claim_holds_on_every_version_again(tell: Tell) -> None:
    back = (of(one="broken"), of(one="holds"), of(one="holds"))
    assert tell(*back, there=("pods.one",)).did == ["issue comment 7", "issue close 7"]
    elsewhere = {"1.36.4": results(server="v1.36.4", one="broken")}
    assert tell(*(run | elsewhere for run in back), there=("pods.one",)).did == ["issue comment 7"]


def test_it_is_closed_when_all_that_breaks_it_is_a_known_bug(tell: Tell) -> None:
    told = (of(one="broken"), of(one="known-bug"), of(one="known-bug"))
    assert tell(*told, there=("pods.one",)).did == ["issue comment 7", "issue close 7"]


def test_nobody_is_told_that_a_claim_holds_if_nobody_was_told_otherwise(tell: Tell) -> None:
    assert tell(of(one="broken"), of(one="holds"), of(one="holds")).did == []


def test_many_at_once_are_one_issue(tell: Tell) -> None:
    names = [f"n{n}" for n in range(issues.MOST + 1)]
    holds, broken = of(**dict.fromkeys(names, "holds")), of(**dict.fromkeys(names, "broken"))
    github = tell(holds, broken, broken)
    assert github.did == ["issue create --title"]
    assert github.said[0].count("is broken on Kubernetes") == len(names)


def test_versions_are_compared_with_themselves(tell: Tell) -> None:
    other = {"1.36.4": results(server="v1.36.4", one="broken")}
    assert tell(of(one="holds"), other, other | of(one="holds")).did == []


def test_a_run_without_results_is_passed_over(tell: Tell) -> None:
    assert tell(of(one="holds"), {}, of(one="broken"), of(one="broken")).did == ["issue create --title"]


def test_without_news_github_is_asked_for_the_runs_alone(tell: Tell) -> None:
    assert tell(of(one="holds")).asked == ["run list"]


def test_without_results_there_is_nothing_to_tell(tmp_path: Path) -> None:
    with pytest.raises(CannotRun, match="there are no results"):
        issues.tell(tmp_path, Progress(lambda _: None))


def test_a_gh_that_fails_or_is_not_there_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "1.37.0.json", results(one="holds"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CannotRun, match=r"gh run list cannot be run .*: install GitHub's gh and set GH_TOKEN"):
        issues.tell(tmp_path, Progress(lambda _: None))
    (tmp_path / "gh").write_text("#!/bin/sh\necho 'HTTP 401' >&2\nexit 4\n")
    (tmp_path / "gh").chmod(0o755)
    with pytest.raises(CannotRun, match=r"gh run list failed \(HTTP 401\): see that GH_TOKEN may do it"):
        issues.tell(tmp_path, Progress(lambda _: None))
