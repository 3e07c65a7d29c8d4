"""The workflow of GitHub Actions: every line that it runs is run here, and its rights and pins are held.

Lines are run as they stand in a copy of the checkout, through nox, with stand-ins for what is outside of it: labs and
tests are collected only, and Go, gh and the linters are scripts.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from labkit.claims import results_file
from labkit.paths import ROOT
from labkit.supply import compiler

FILE = ROOT / ".github" / "workflows" / "labs.yaml"

WORKFLOW: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))

STEPS = [step for job in WORKFLOW["jobs"].values() for step in job["steps"]]

LINES = sorted({step["run"] for step in STEPS if "run" in step})

STAND_INS = {
    "nox": f'exec "{sys.executable}" -m nox --no-venv --no-install "$@"',
    "python": f"""
case "$2" in
    ruff | mypy) ;;
    pytest) exec "{sys.executable}" "$@" --collect-only -q -p no:cacheprovider ;;
    *) exec "{sys.executable}" "$@" ;;
esac""",
    "gh": "echo '[]'",
    "sudo": 'test "$1" = apt-get',
    "go": """
case "$1 $2" in
    "env "*) printf 'go1.26.0\\n/nowhere\\namd64\\n' ;;
    "list -m") echo '{"Versions": ["v1.37.0", "v1.38.0-rc.1"]}' ;;
    "list "*) echo a/package ;;
    "build "*)
        while [ "$1" != -o ]; do shift; done
        printf '#!/bin/sh\\n' >"$2/actionlint" && chmod +x "$2/actionlint" ;;
    *) exit 9 ;;
esac""",
}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a copy of the checkout with results of one version, as the workflow's jobs would have it.

    Of tests/ it has one folder: all the others are collected where this test is.
    """
    copy = tmp_path_factory.mktemp("checkout")
    for name in ("labkit", "labs", "manifests", "images", "tests/manifests", ".github"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("conftest.py", "noxfile.py", "pyproject.toml", "versions.yaml", "README.md"):
        shutil.copy(ROOT / name, copy)
    kubernetes: dict[str, Any] = dict.fromkeys(("server", "kubelet", "kubectl"), "v1.37.0")
    kubernetes |= {"node_image": "node:1", "origin": "built", "started": "2026-11-23T10:00:00+00:00"}
    results_file.write(copy / "results" / "1.37.0.json", kubernetes | {"seconds": 1.0}, [])
    return copy


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bin")
    for name, script in STAND_INS.items():
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)
    return folder


def typed(line: str, checkout: Path, programs: Path, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    """Type a line in the copy of the checkout, as a step does, on a machine with settings of its own."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("GITHUB_", "PYTEST_", "NOX"))}
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", line],
        cwd=checkout,
        env=kept
        | {
            "PATH": f"{programs}:{Path(sys.executable).parent}:{os.environ['PATH']}",
            # What a user may have set, and no session may get.
            "PYTHONPATH": "/nowhere",
            "PYTEST_ADDOPTS": "--no-such-option",
            "PYTHONOPTIMIZE": "1",
            "NOX_DEFAULT_VENV_BACKEND": "uv",
            "PIP_NO_INDEX": "1",
            "LABS_CACHE": str(tmp_path / "cache"),
            "GITHUB_OUTPUT": str(tmp_path / "output"),
            "KUBERNETES": "1.37",
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("line", LINES)
def test_what_the_workflow_runs_runs(line: str, checkout: Path, programs: Path, tmp_path: Path) -> None:
    done = typed(line, checkout, programs, tmp_path)
    assert done.returncode == 0, f"$ {line}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    if "issues" in line:
        assert (done.stdout, "verdicts have changed" in done.stderr) == ("", True), "stdout is for what was asked for"
    if "plan" in line:
        told = dict(one.split("=", 1) for one in (tmp_path / "output").read_text().splitlines())
        assert json.loads(told["kubernetes"])[0] == "1.37"
        assert told["preview"] == "1.38.0-rc.1"


def test_a_mistyped_option_is_a_run_that_did_not_come_off(checkout: Path, programs: Path, tmp_path: Path) -> None:
    done = typed("nox -s labs -- --no-such-option", checkout, programs, tmp_path)
    assert (done.returncode, "unrecognized arguments: --no-such-option" in done.stderr) == (3, True), done.stderr


def test_a_place_for_environments_that_cannot_be_written_is_one_sentence(
    checkout: Path, programs: Path, tmp_path: Path
) -> None:
    (checkout / ".nox").write_text("a file in its place")
    try:
        done = typed("nox -s plan", checkout, programs, tmp_path)
    finally:
        (checkout / ".nox").unlink()
    assert (done.returncode, done.stdout) == (3, "")
    (sentence,) = done.stderr.splitlines()
    assert sentence.startswith(f"cannot run: {checkout / '.nox'}")


def test_nothing_lives_in_the_workflow() -> None:
    assert [
        line for line in LINES if not re.fullmatch(r"(nox -s|python -m pip install nox==|sudo apt-get ).*", line)
    ] == []


def test_where_nodes_are_built_a_user_who_is_not_root_has_what_that_needs() -> None:
    lines = [step["run"] for step in WORKFLOW["jobs"]["preview"]["steps"] if "run" in step]
    (installed,) = (at for at, line in enumerate(lines) if "apt-get install" in line)
    (built,) = (at for at, line in enumerate(lines) if "--nodes build" in line)
    assert installed < built
    # mmdebstrap of a user maps ids by newuidmap, which is in uidmap.
    needed = {"mmdebstrap", "debian-archive-keyring", "uidmap", *compiler.PACKAGES}
    assert needed <= set(lines[installed].split())


def test_nothing_is_put_into_a_line_by_github() -> None:
    assert [line for line in LINES if "${{" in line] == [], "what a line needs comes by its environment"


def test_nox_is_the_one_of_this_project() -> None:
    pinned = re.findall(r"nox==[0-9.]+", FILE.read_text() + (ROOT / "pyproject.toml").read_text())
    assert len(set(pinned)) == 1


def test_actions_are_pinned_by_commit_and_say_their_version() -> None:
    used = re.findall(r"uses: *(.*)", FILE.read_text())
    assert used
    assert [one for one in used if not re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", one)] == []
    assert len({one.split(" # ")[0] for one in used}) == len({one.split("@")[0] for one in used}), "one pin an action"


def jobs() -> Iterator[tuple[str, dict[str, Any]]]:
    yield from WORKFLOW["jobs"].items()


def test_rights_are_the_least() -> None:
    assert WORKFLOW["permissions"] == {"contents": "read"}
    assert {name: job["permissions"] for name, job in jobs() if "permissions" in job} == {
        "pages": {"pages": "write", "id-token": "write"},
        "issues": {"contents": "read", "actions": "read", "issues": "write"},
    }
    kept = [s["with"]["persist-credentials"] for s in STEPS if "actions/checkout@" in s.get("uses", "")]
    assert kept
    assert not any(kept), "the token of a checkout is for nobody"


def test_every_job_ends() -> None:
    assert [name for name, job in jobs() if not 0 < job.get("timeout-minutes", 0) <= 150] == []


@pytest.mark.parametrize("job", ["labs", "preview"])
def test_results_are_always_kept_and_logs_when_something_is_wrong(job: str) -> None:
    kept = {
        s["with"]["path"]: s["if"]
        for s in WORKFLOW["jobs"][job]["steps"]
        if "actions/upload-artifact@" in s.get("uses", "")
    }
    assert kept == {"results/": "${{ always() }}", "cluster-logs/": "${{ failure() }}"}


def test_the_report_is_made_whatever_became_of_a_version_and_published_from_main_only() -> None:
    assert "!cancelled()" in WORKFLOW["jobs"]["report"]["if"]
    assert WORKFLOW["jobs"]["report"]["needs"] == ["plan", "labs", "preview"]
    assert "github.ref == 'refs/heads/main'" in WORKFLOW["jobs"]["pages"]["if"]
    assert "github.event_name == 'schedule'" in WORKFLOW["jobs"]["issues"]["if"]
