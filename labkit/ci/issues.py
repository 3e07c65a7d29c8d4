"""An issue for each claim whose verdict has changed for good: opened, added to, and closed when the claim
holds again, or is broken by nothing but a known bug of Kubernetes.

GitHub is reached by its own program gh, with the token of the workflow in GH_TOKEN.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from labkit.ci import github
from labkit.ci.changes import Change, changes, minor_of
from labkit.claims import results_file
from labkit.progress import Progress
from labkit.trouble import CannotRun

LABEL = "verdict-changed"

WORKFLOW = "labs.yaml"

EARLIER = 6
"""Runs that are fetched beside the one that has just ended: two are needed, and a run may have been inconclusive."""

MOST = 5
"""Claims with an issue of their own; if more change at once, something else did, and one issue is enough to say so."""

MOST_BODY = 60_000
"""Bytes of an issue's text; GitHub takes 65,536 characters."""

GH_S = 300
"""Seconds for one call of gh; results are some megabytes."""


def tell(results: Path, progress: Progress) -> None:
    """Open or update issues for what changed with the results in a folder, one file a version.

    Raises: CannotRun when gh does not do its part.
    """
    newest = [results_file.read(path) for path in sorted(results.rglob("*.json"))]
    if not newest:
        raise CannotRun(f"there are no results in {results}: nothing can have changed")
    with tempfile.TemporaryDirectory(prefix="labs-history-") as folder:
        earlier = list(_earlier(Path(folder), progress))
        changed = [
            change for now in newest for change in changes([*(r for r in earlier if minor_of(r) == minor_of(now)), now])
        ]
    progress.say(f"{len(changed)} verdicts have changed for good, seen from {len(earlier)} earlier results")
    if not changed:
        return
    _gh("label", "create", LABEL, "--force", "--description", "two runs in a row gave a claim another verdict")
    by_claim: dict[str, list[Change]] = {}
    for change in changed:
        by_claim.setdefault(change.claim, []).append(change)
    if len(by_claim) > MOST:
        _tell_of("many claims at once", f"{len(by_claim)} claims have changed at once", changed, close=False)
        return
    for claim, told in by_claim.items():
        settled = all(r["verdict"] in ("holds", "known-bug", "not-applicable") for r in _records(newest, claim))
        _tell_of(claim, _title(told), told, close=settled)


def _earlier(folder: Path, progress: Progress) -> Iterable[dict[str, Any]]:
    """Give the results of the scheduled runs before this one, oldest first."""
    asked = ("--event", "schedule", "--status", "completed", "--limit", str(EARLIER), "--json", "databaseId")
    runs = [str(run["databaseId"]) for run in json.loads(_gh("run", "list", "--workflow", WORKFLOW, *asked))]
    for run in reversed(runs):
        try:
            _gh("run", "download", run, "--pattern", "results-*", "--dir", str(folder / run))
        except CannotRun as trouble:
            progress.say(f"run {run} is passed over: {trouble}")
            continue
        for path in sorted((folder / run).rglob("*.json")):
            try:
                yield results_file.read(path)
            except CannotRun as trouble:
                progress.say(f"run {run} is passed over: {trouble}")


def _records(results: Iterable[Mapping[str, Any]], claim: str) -> Iterable[Mapping[str, Any]]:
    return (record for one in results for record in one["claims"] if record["id"] == claim)


def _title(told: list[Change]) -> str:
    where = ", ".join(change.minor for change in told)
    return f"{told[0].claim} is now {told[0].now} on Kubernetes {where}"


def _tell_of(about: str, title: str, told: list[Change], *, close: bool) -> None:
    mark = f"<!-- labs: {about} -->"
    body = github.fitting([mark, _run_link(), *(_paragraph(change) for change in told)], MOST_BODY)
    asked = ("--label", LABEL, "--state", "open", "--limit", "500", "--json", "number,body")
    there = [i["number"] for i in json.loads(_gh("issue", "list", *asked)) if mark in i["body"]]
    if there:
        _gh("issue", "comment", str(there[0]), "--body-file", "-", stdin=body)
        if close:
            _gh("issue", "close", str(there[0]))
    elif not close:
        _gh("issue", "create", "--title", title, "--label", LABEL, "--body-file", "-", stdin=body)


def _paragraph(change: Change) -> str:
    head = f"**{change.claim}** was {change.before} and is {change.now} on Kubernetes {change.minor}, twice in a row."
    reason = f"\n{github.fenced(change.reason)}" if change.reason else ""
    return f"{head}\n\n> {github.inline(change.statement)}\n{reason}"


def _run_link() -> str:
    told = [os.environ.get(name, "") for name in ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID")]
    return f"Seen by {told[0]}/{told[1]}/actions/runs/{told[2]}\n" if all(told) else ""


def _gh(*words: str, stdin: str | None = None) -> str:
    try:
        done = subprocess.run(["gh", *words], input=stdin, capture_output=True, text=True, timeout=GH_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CannotRun(
            f"gh {' '.join(words[:2])} cannot be run ({error}): install GitHub's gh and set GH_TOKEN"
        ) from error
    if done.returncode:
        said = " ".join(done.stderr.split())[-300:]
        raise CannotRun(f"gh {' '.join(words[:2])} failed ({said}): see that GH_TOKEN may do it")
    return done.stdout
