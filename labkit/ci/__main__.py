"""What the workflow asks for between its runs: `nox -s plan`, `nox -s workflow`, `nox -s issues`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from labkit import command
from labkit.ci import actionlint, github, issues
from labkit.paths import ROOT, cache_dir
from labkit.progress import Progress
from labkit.supply import modules, programs, toolchain, versions
from labkit.supply.cache import Workshop, alone
from labkit.supply.meter import Meter
from labkit.trouble import CannotRun

FINE, WRONG = 0, 1


def main(argv: Sequence[str] | None = None) -> int:
    """Do what the words say; give the exit code: 0, 1 for a workflow that is wrong, 3 with one sentence on stderr."""
    parser = argparse.ArgumentParser(prog="python -m labkit.ci", description=__doc__)
    acts = parser.add_subparsers(required=True)
    plan = acts.add_parser("plan", help="say which versions are to be judged, as outputs of a workflow's step")
    plan.add_argument("--preview", action="store_true", help="ask for the newest pre-release too")
    plan.set_defaults(act=_plan)
    check = acts.add_parser("workflow", help="check the workflow with actionlint")
    check.set_defaults(act=_workflow)
    tell = acts.add_parser("issues", help="open or update issues for verdicts that changed twice in a row")
    tell.add_argument(
        "results", type=Path, nargs="?", default=ROOT / "results", help="the folder of the newest results"
    )
    tell.set_defaults(act=_issues)
    asked = parser.parse_args(argv)
    return command.run(lambda: int(asked.act(asked, Progress())), interrupted="nothing is left half done")


def _plan(asked: argparse.Namespace, progress: Progress) -> int:
    minors = [version.minor for version in versions.read().kubernetes]
    outputs = [github.output("kubernetes", minors)]
    outputs.append(github.output("preview", _preview(progress) if asked.preview else ""))
    print("\n".join(outputs))
    if path := os.environ.get("GITHUB_OUTPUT"):
        with Path(path).open("a", encoding="utf-8") as file:
            file.write("".join(f"{line}\n" for line in outputs))
    return FINE


def _preview(progress: Progress) -> str:
    """Give the newest pre-release, "" where there is none, or nobody to ask: the other versions are judged anyway."""
    try:
        with alone("supply", progress, "another run is making what clusters are made of"):
            go = toolchain.find_go(Workshop(cache_dir(), progress, Meter(progress, "versions")))
        newest = modules.newest_pre_release(modules.listed(go, programs.KUBERNETES))
    except CannotRun as trouble:
        progress.say(f"no pre-release is judged: {trouble}")
        return ""
    if newest is None:
        progress.say("no pre-release is judged: Go modules list none of what is not released yet")
        return ""
    return newest.removeprefix("v")


def _workflow(_: argparse.Namespace, progress: Progress) -> int:
    if wrong := actionlint.check(progress):
        print(wrong, end="")
        return WRONG
    print("actionlint finds nothing wrong with the workflow")
    return FINE


def _issues(asked: argparse.Namespace, progress: Progress) -> int:
    issues.tell(asked.results, progress)
    return FINE


if __name__ == "__main__":
    sys.exit(main())
