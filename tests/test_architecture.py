"""The architecture and the rules of the code, held by reading its source."""

from __future__ import annotations

import ast
import functools
import re
from pathlib import Path
from typing import NamedTuple

import pytest

from labkit.claims import ledger
from labkit.claims.claim import load_claims
from labkit.manifests import build_contexts, manifest_files
from labkit.paths import ROOT

LABKIT = ROOT / "labkit"
LABS = ROOT / "labs"

LAYERS = (
    {"plugin", "words", "notes"},
    {"ci", "machines"},
    {"run"},
    {"lab"},
    {"report", "cluster"},
    {"observe", "sample_images", "mutants"},
    {"claims", "supply"},
    {"manifests"},
    {"command"},
    {"addresses", "environment", "interruption", "paths", "progress", "trouble"},
)
"""labkit's packages and loose modules from the top down; each imports from lower layers only."""

PURE = (
    "claims",
    "manifests",
    "mutants",
    "report",
    "observe/history",
    "observe/views",
    "lab/instrument",
    "lab/cgroup",
    "ci/github",
    "ci/junit",
    "ci/changes",
    "run/summary",
    *(
        f"notes/{module}"
        for module in (
            "document",
            "shell",
            "kubectl",
            "manifest",
            "understand",
            "scenario",
            "grouping",
            "placeholders",
            "reach",
            "stand_ins",
            "plan",
            "judge",
            "mend",
            "findings",
            "tell",
            "sentences",
            "spelling",
            "output",
        )
    ),
)
"""Packages and modules without I/O but for the project's own files: no Docker, no network, no process, and nothing
that they import has any."""

IO_LIBRARIES = {"docker", "kubernetes", "subprocess", "socket", "urllib3", "requests", "psutil", "tenacity"}

SOURCES = [p for folder in (LABKIT, LABS, ROOT / "tests", ROOT / "images") for p in sorted(folder.rglob("*.py"))]

MODULES = [p for p in SOURCES if p.is_relative_to(LABKIT) and p != LABKIT / "__init__.py"]


def package_of(path: Path) -> str:
    """Give the package of labkit, or the module beside the packages, that a file belongs to."""
    return path.relative_to(LABKIT).parts[0].removesuffix(".py")


class Source(NamedTuple):
    """What the rules ask of a file, so that it is parsed once for all of them."""

    imports: frozenset[str]
    sleeps: tuple[int, ...]
    says_what_it_is_for: bool


@functools.cache
def source(path: Path) -> Source:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imports: set[str] = set()
    sleeps = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imports.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            imports.update(f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Attribute) and node.attr == "sleep":
            sleeps.append(node.lineno)
    return Source(frozenset(imports), tuple(sleeps), ast.get_docstring(tree) is not None)


def module_of(name: str) -> Path | None:
    """Give the file of labkit that an imported name is in, or is."""
    for inside in (name, name.rpartition(".")[0]):
        path = ROOT / inside.replace(".", "/")
        for file in (path.with_suffix(".py"), path / "__init__.py"):
            if file.is_file():
                return file
    return None


def reached(path: Path) -> set[Path]:
    """Give the modules of labkit that a file imports, and those that they import, and so on; itself too."""
    found, left = {path}, [path]
    while left:
        named = (module_of(name) for name in source(left.pop()).imports if name.startswith("labkit."))
        new = {file for file in named if file} - found
        found |= new
        left += new
    return found


def roots(path: Path) -> set[str]:
    return {name.partition(".")[0] for name in source(path).imports}


@pytest.mark.parametrize("path", sorted(LABS.glob("test_*.py")), ids=lambda p: p.stem)
def test_labs_import_the_words_and_pytest_only(path: Path) -> None:
    strangers = {
        n for n in source(path).imports if not n.startswith(("labkit.words.", "pytest", "__future__", "typing"))
    }
    assert not strangers, "a lab that needs more wants a new word in labkit"


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(LABKIT)))
def test_imports_go_down_the_layers(path: Path) -> None:
    layer_of = {name: depth for depth, layer in enumerate(LAYERS) for name in layer}
    here = package_of(path)
    reached = {name.split(".")[1] for name in source(path).imports if name.startswith("labkit.")} - {here}
    assert here in layer_of, "a new package of labkit finds its layer in LAYERS"
    assert {name for name in reached if layer_of[name] <= layer_of[here]} == set()


def test_the_map_names_the_layers_from_the_top_down() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    (told,) = re.findall(r"^labkit/ .*\n((?:  .*\n)+)", text, re.MULTILINE)
    named = [re.split(r"/? {2,}", line.strip())[0].split(", ") for line in told.splitlines()]
    layer_of = {name: depth for depth, layer in enumerate(LAYERS) for name in layer}
    depths = [layer_of[name] for names in named for name in names]
    assert (len(depths), depths) == (len(layer_of), sorted(depths))


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(LABKIT)))
def test_only_what_runs_pytest_imports_it(path: Path) -> None:
    if package_of(path) not in ("plugin", "run", "ci"):
        assert "pytest" not in roots(path), "pytest is for the plugin, the run, and what tells of it"


@pytest.mark.parametrize("pure", PURE)
def test_pure_modules_do_no_io(pure: str) -> None:
    place = LABKIT / pure
    for path in place.rglob("*.py") if place.is_dir() else [place.with_suffix(".py")]:
        assert {file: roots(file) & IO_LIBRARIES for file in reached(path) if roots(file) & IO_LIBRARIES} == {}


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_nothing_sleeps(path: Path) -> None:
    if path.is_relative_to(ROOT / "images"):
        return  # the instrument answers late on request
    assert not source(path).sleeps, "wait for what you want to see, not for time to pass"


def test_every_module_says_what_it_is_for() -> None:
    assert [p for p in SOURCES if p.stat().st_size and not source(p).says_what_it_is_for] == []


def test_every_row_of_the_notes_is_reached_or_excused() -> None:
    rows = {row: reason for told in ledger.read().values() for row, reason in told.items()}
    reached = {row for claim in load_claims(LABS).values() for row in claim.ledger}
    assert reached <= rows.keys(), "a claim names a row that the ledger does not have"
    assert {row for row, reason in rows.items() if not reason} - reached == set(), "rows without a lab or a reason"
    assert {row for row, reason in rows.items() if reason} & reached == set(), "excused rows that have a lab"


def test_the_two_sides_of_a_border_stand_side_by_side() -> None:
    # The report reads from that which two claims are about one thing.
    claims = list(load_claims(LABS).values())
    for place, claim in enumerate(claims):
        beside = [*claims[max(place - 1, 0) : place], *claims[place + 1 : place + 2]]
        if claim.until and not any((one.topic, one.since) == (claim.topic, claim.until) for one in beside):
            pytest.fail(f"{claim.id} is true until {claim.until}: put what is true since then next to it")


def test_every_manifest_is_used_and_every_used_one_is_there() -> None:
    text = "".join(p.read_text(encoding="utf-8") for p in LABS.glob("test_*.py"))
    there = {str(p.relative_to(manifest_files.DIRECTORY)) for p in manifest_files.DIRECTORY.glob("*/*.yaml")}
    assert {file for file in there if file not in text} == set()


def test_every_build_context_is_used() -> None:
    text = "".join(p.read_text(encoding="utf-8") for p in LABS.glob("test_*.py"))
    there = {f"docker/{p.name}" for p in (build_contexts.DIRECTORY / "docker").iterdir()}
    assert {context for context in there if not re.search(f"""["']{context}["']""", text)} == set()


def test_claims_belong_to_their_module() -> None:
    for path in LABS.glob("test_*.py"):
        told = {n for n in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(n, ast.FunctionDef)}
        assert all(n.name.startswith("test_") for n in told), f"{path.name} holds helpers; they are words of labkit"


def test_the_lab_that_the_readme_shows_is_one_of_ours() -> None:
    (shown,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert shown in (LABS / "test_health.py").read_text(encoding="utf-8")


def test_every_option_is_told() -> None:
    said = "".join((ROOT / page).read_text(encoding="utf-8") for page in ("README.md", "CONTRIBUTING.md"))
    calls = [n for path in MODULES for n in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(n, ast.Call)]
    options = {
        word.value
        for call in calls
        if isinstance(call.func, ast.Attribute) and call.func.attr in ("add_argument", "addoption")
        for word in call.args
        if isinstance(word, ast.Constant) and isinstance(word.value, str) and word.value.startswith("--")
    }
    untold = {option for option in options if not re.search(rf"{option}(?![\w-])", said)}
    assert untold == {"--attach", "--junit-xml"}, "the one is between runs, the other pytest's second spelling"
