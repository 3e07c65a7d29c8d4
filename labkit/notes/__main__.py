"""`nox -s check -- notes.md`, or `kubernetes-notes check docs/`: what still holds of somebody's notes, line by line."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from labkit import command
from labkit.cluster import provision
from labkit.notes import document, guard, plan, run, sandbox, sentences, tell, understand
from labkit.notes.findings import Judged
from labkit.notes.judge import FAULT
from labkit.notes.scenario import Plan
from labkit.notes.tell import Checked
from labkit.notes.understand import Notes
from labkit.progress import Progress
from labkit.report import notes_page, text
from labkit.run import all_versions
from labkit.supply import versions
from labkit.trouble import CannotRun

HOLDS, FAULTS, UNCLEAR = 0, 1, 2
"""Exit codes of a check that came off: nothing is at fault; something is; the cluster kept it from seeing."""


def main(argv: Sequence[str] | None = None) -> int:
    """Check what the words name; give the exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    asked = _parser().parse_args(words[1:] if words[:1] == ["check"] else words)
    return command.run(lambda: _code(asked), interrupted="what was being made is removed again")


def _code(asked: argparse.Namespace) -> int:
    checked = _check(asked, Progress())
    _tell(asked, checked)
    found = [finding for one in checked for judged in one.judged for finding in judged.findings]
    if any(finding.verdict == FAULT for finding in found):
        return FAULTS
    return UNCLEAR if any(finding.reason.startswith(run.FAILED) for finding in found) else HOLDS


def schema() -> dict[str, Any]:
    """Give the JSON schema of what `--format json` prints."""
    text = resources.files("labkit.notes").joinpath("check.schema.json").read_text(encoding="utf-8")
    return dict(json.loads(text))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="kubernetes-notes check",
        description="Type what notes about Kubernetes say, on a throw-away cluster, and say line by line what holds.",
    )
    parser.add_argument("documents", nargs="+", type=Path, metavar="NOTES", help="Markdown files, or folders of them")
    parser.add_argument("--kubernetes", default="latest", metavar="VERSION", help="1.37, v1.36.4 or all (latest)")
    parser.add_argument(
        "--nodes", choices=("auto", "pull", "build"), default="auto", help="where node images come from"
    )
    parser.add_argument(
        "-k", dest="heading", default="", metavar="HEADING", help="only below headings with these words"
    )
    parser.add_argument(
        "--diff", action="store_true", help="print every proven mend as a diff for `git apply`, and no more"
    )
    parser.add_argument("--format", choices=("text", "json"), default="text", help="what is printed on stdout")
    parser.add_argument("--junitxml", type=Path, metavar="FILE", help="write JUnit there")
    parser.add_argument(
        "--out", type=Path, default=Path("report/check"), metavar="FOLDER", help="where the pages go (report/check)"
    )
    parser.add_argument("--cluster-name", metavar="NAME", help="on this kept cluster (nox -s up) and no other")
    return parser


def _check(asked: argparse.Namespace, progress: Progress) -> list[Checked]:
    understood = [(name, understand.understand(document.read(path))) for name, path in _files(asked.documents)]
    planned = [(name, notes, plan.plan(notes, heading=asked.heading)) for name, notes in understood]
    judged: dict[str, list[Judged]] = {name: [] for name, _ in understood}
    wanted = _versions(asked.kubernetes)
    for version, following in zip(wanted, [*wanted[1:], None], strict=True):
        with all_versions.meanwhile(following, asked.nodes):
            for name, one in _on(version, asked, planned, progress):
                judged[name].append(one)
    known, verdicts = sentences.rows_by_fingerprint(), sentences.verdicts_by_row()
    return [
        Checked(name, notes, tuple(judged[name]), tuple(sentences.settled(notes.document, known, verdicts)))
        for name, notes in understood
    ]


def _on(
    version: str, asked: argparse.Namespace, planned: Sequence[tuple[str, Notes, Plan]], progress: Progress
) -> Iterator[tuple[str, Judged]]:
    """Judge all documents on one version. Where none has anything to type, no cluster is made."""
    if not any(one.scenarios for _, _, one in planned):
        tag = versions.resolve(version).tag
        for name, notes, one in planned:
            yield name, Judged(tag, run.without_cluster(notes, one))
        return
    with (
        provision.running(version, nodes=asked.nodes, name=asked.cluster_name, progress=progress) as cluster,
        guard.guarded(cluster),
        sandbox.sandboxes(cluster, progress) as many,
    ):
        for name, notes, one in planned:
            started = time.monotonic()
            things = text.counted(sum(len(s.steps) for s in one.scenarios), "thing")
            progress.say(f"checking {name}: {things} in {text.counted(len(one.scenarios), 'scenario')}")
            found = run.run(notes, one, cluster, many)
            yield name, Judged(cluster.kubernetes, found, time.monotonic() - started)


def _versions(wanted: str) -> list[str]:
    return [v.minor for v in versions.read().kubernetes] if wanted == "all" else [wanted]


def _files(named: Sequence[Path]) -> list[tuple[str, Path]]:
    """Give the files that words name, those of folders in order. Raises CannotRun where there is none."""
    found = []
    for path in named:
        if path.is_dir():
            inside = sorted(
                p
                for p in path.rglob("*.md")
                if p.is_file() and not any(part.startswith(".") for part in p.relative_to(path).parts)
            )
            if not inside:
                raise CannotRun(f"there is no .md in {path}: name a Markdown file or a folder of them")
            found += inside
        else:
            found.append(path)
    return [(path.as_posix(), path) for path in dict.fromkeys(found)]


def _tell(asked: argparse.Namespace, checked: Sequence[Checked]) -> None:
    told = {"documents": [tell.document(one) for one in checked]}
    if asked.junitxml:
        asked.junitxml.write_text(tell.junit_xml(checked), encoding="utf-8")
    if os.environ.get("GITHUB_ACTIONS") == "true":
        _tell_github(checked)
    pages = _pages(told["documents"], asked.out)
    if asked.diff:
        for one in checked:
            sys.stdout.write(tell.diff(one))
    elif asked.format == "json":
        print(json.dumps(told, indent=1))
    else:
        for one in checked:
            print("\n".join(tell.lines(one)))
    for path in pages:
        print(f"page: {path}", file=sys.stderr)


def _pages(documents: Sequence[Mapping[str, Any]], folder: Path) -> list[Path]:
    """Write the page of each document. Raises CannotRun where that cannot be."""
    pages = []
    try:
        for one in documents:
            name = re.sub(r"[^\w.\-]+", "-", one["path"].removesuffix(".md")).strip("-.") or "notes"
            path = folder / f"{name}.html"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(notes_page.render(one), encoding="utf-8")
            pages.append(path)
    except OSError as error:
        raise CannotRun(
            f"the page cannot be written to {folder} ({error.strerror}): name another folder with --out"
        ) from error
    return pages


def _tell_github(checked: Sequence[Checked]) -> None:
    for one in checked:
        for mark in tell.marks(one):
            print(mark, file=sys.stderr)
    if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
        with contextlib.suppress(OSError), Path(summary).open("a", encoding="utf-8") as file:
            file.write(tell.step_summary(checked))


if __name__ == "__main__":
    sys.exit(main())
