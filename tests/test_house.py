"""The arrows and rules of the house, held by reading its source."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from labkit import claims, contexts, ledger, manifests
from labkit.paths import ROOT

LABKIT = ROOT / "labkit"
LABS = ROOT / "labs"

PURE = {
    *("claims", "budgets", "views", "sabotage", "history", "instrument", "verdicts", "ledger", "summary", "evidence"),
    *("cgroup", "quantities", "prose", "scope", "naming", "machines/github", "machines/junit", "machines/changes"),
}
"""Rooms without a door: no Docker, no network, no process."""

DOORS = {"docker", "kubernetes", "subprocess", "socket", "urllib3", "requests", "psutil", "tenacity"}

SOURCES = [p for folder in (LABKIT, LABS, ROOT / "tests", ROOT / "images") for p in sorted(folder.rglob("*.py"))]


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def roots(path: Path) -> set[str]:
    return {name.partition(".")[0] for name in imports(path)}


@pytest.mark.parametrize("path", sorted(LABS.glob("test_*.py")), ids=lambda p: p.stem)
def test_labs_import_the_words_and_pytest_only(path: Path) -> None:
    strangers = {n for n in imports(path) if not n.startswith(("labkit.words.", "pytest", "__future__", "typing"))}
    assert not strangers, "a lab that needs more wants a new word in labkit"


@pytest.mark.parametrize("room", sorted(PURE))
def test_pure_rooms_have_no_door(room: str) -> None:
    assert not roots(LABKIT / f"{room}.py") & DOORS


@pytest.mark.parametrize("path", sorted(LABKIT.rglob("*.py")), ids=lambda p: str(p.relative_to(LABKIT)))
def test_arrows_go_one_way(path: Path) -> None:
    reached = set(imports(path))
    if path.stem not in ("plugin", "run", "selection"):
        assert "pytest" not in roots(path), "pytest is for the plugin, the run, and what is selected for it"
    if path.is_relative_to(LABKIT / "supply"):
        allowed = ("labkit.supply", "labkit.trouble", "labkit.progress", "labkit.paths")
        assert not {n for n in reached if n.startswith("labkit.") and not n.startswith(allowed)}
    if path.is_relative_to(LABKIT / "report"):
        asked = {"labkit.verdicts", "labkit.ledger", "labkit.supply.versions", "labkit.paths"}
        allowed = ("labkit.report", "labkit.trouble", *(asked if path.stem == "__main__" else ()))
        assert not {n for n in reached if n.startswith("labkit.") and not n.startswith(allowed)}
        assert not roots(path) & DOORS, "the report is made of results alone"
    if path.is_relative_to(LABKIT / "cluster"):
        assert not {
            n for n in reached if n.startswith(("labkit.lab.", "labkit.plugin", "labkit.run", "labkit.verdicts"))
        }


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_nothing_sleeps(path: Path) -> None:
    if path.is_relative_to(ROOT / "images"):
        return  # the instrument answers late on request
    tree = ast.parse(path.read_text(encoding="utf-8"))
    sleeps = [n.lineno for n in ast.walk(tree) if isinstance(n, ast.Attribute) and n.attr == "sleep"]
    assert not sleeps, "wait for what you want to see, not for time to pass"


def test_every_room_says_what_it_is_for() -> None:
    assert [p for p in SOURCES if p.stat().st_size and not ast.get_docstring(ast.parse(p.read_text()))] == []


def test_every_row_of_the_notes_is_reached_or_excused() -> None:
    rows = {row: reason for told in ledger.read().values() for row, reason in told.items()}
    reached = {row for claim in claims.load(LABS).values() for row in claim.ledger}
    assert reached <= rows.keys(), "a claim names a row that the ledger does not have"
    assert {row for row, reason in rows.items() if not reason} - reached == set(), "rows without a lab or a reason"
    assert {row for row, reason in rows.items() if reason} & reached == set(), "excused rows that have a lab"


def test_every_manifest_is_used_and_every_used_one_is_there() -> None:
    text = "".join(p.read_text(encoding="utf-8") for p in LABS.glob("test_*.py"))
    there = {str(p.relative_to(manifests.DIRECTORY)) for p in manifests.DIRECTORY.glob("*/*.yaml")}
    assert {file for file in there if file not in text} == set()


def test_every_build_context_is_used() -> None:
    text = "".join(p.read_text(encoding="utf-8") for p in LABS.glob("test_*.py"))
    there = {f"docker/{p.name}" for p in (contexts.DIRECTORY / "docker").iterdir()}
    assert {context for context in there if not re.search(f"""["']{context}["']""", text)} == set()


def test_claims_belong_to_their_module() -> None:
    for path in LABS.glob("test_*.py"):
        told = {n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.FunctionDef)}
        assert all(n.name.startswith("test_") for n in told), f"{path.name} holds helpers; they are words of labkit"


def test_the_lab_that_the_readme_shows_is_one_of_ours() -> None:
    (shown,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert shown in (LABS / "test_health.py").read_text(encoding="utf-8")
