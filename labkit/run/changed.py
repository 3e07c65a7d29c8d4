"""Which labs differ from a commit, and why: their own source, what they apply or build, or a word that they speak.

A word is a method of the classes that labs are given, or a function of labkit.words; one that changed concerns every
lab that says it, and every word that is built on it. What is below the words (the cluster, the watch) concerns all labs
alike and none in particular: a whole run sees it.
"""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from labkit.paths import ROOT
from labkit.trouble import CannotRun

LABS = "labs"
WORDS = (
    *("labkit/lab/acts.py", "labkit/lab/looks.py", "labkit/lab/lab.py"),
    *("labkit/lab/docker_cli.py", "labkit/lab/minikube_cli.py", "labkit/lab/instrument.py"),
    *("labkit/claims/budgets.py", "labkit/claims/sabotage.py", "labkit/manifests/quantities.py"),
)
"""Where the words of labs are defined."""

MATERIAL = ("manifests", "images")
"""Folders of what labs apply and build, named in their source without the folder's name."""


def reasons(revision: str) -> dict[str, list[str]]:
    """Give why each lab differs from a commit, by its file and function: {"labs/test_x.py::test_y": ["its source"]}.

    Labs that do not differ are left out. Raises CannotRun where git knows no such commit.
    """
    changed = set(_git("diff", "--name-only", "--no-renames", revision, "--", LABS, *MATERIAL, *WORDS).splitlines())
    changed |= set(_git("ls-files", "--others", "--exclude-standard", "--", LABS, *MATERIAL, *WORDS).splitlines())
    material = {name for path in changed for name in _names_of(path)}
    words = _spoken(_changed_words(revision, changed), _all_words())
    told: dict[str, list[str]] = {}
    for path in sorted((ROOT / LABS).glob("test_*.py")):
        file = str(path.relative_to(ROOT))
        before = _functions(_at(revision, file)) if file in changed else None
        for name, source in _functions(path.read_text(encoding="utf-8")).items():
            if name.startswith("test_") and (why := list(_why(name, source, before, material, words))):
                told[f"{file}::{name}"] = why
    return told


def _why(
    name: str, source: str, before: Mapping[str, str] | None, material: Iterable[str], words: Iterable[str]
) -> Iterator[str]:
    if before is not None and before.get(name) != source:
        yield "its source" if name in before else "it is new"
    yield from (f"{one}" for one in sorted(material) if f'"{one}"' in source or f'"{one}/' in source)
    yield from (f"the word {word}" for word in sorted(words) if re.search(rf"\b{re.escape(word)}\(", source))


def _names_of(path: str) -> Iterator[str]:
    """Give the names by which labs call a file of the material: the file's in manifests/, its context's in images/."""
    folder, _, name = path.partition("/")
    if folder == "manifests":
        yield name
    elif folder == "images" and name.startswith("docker/"):
        yield "/".join(name.split("/")[:2])


def _changed_words(revision: str, changed: Iterable[str]) -> set[str]:
    words: set[str] = set()
    for file in set(WORDS) & set(changed):
        before, now = _functions(_at(revision, file)), _functions((ROOT / file).read_text(encoding="utf-8"))
        words |= {name for name in before.keys() | now.keys() if before.get(name) != now.get(name)}
    return words


def _all_words() -> dict[str, str]:
    return {
        name: source for file in WORDS for name, source in _functions((ROOT / file).read_text(encoding="utf-8")).items()
    }


def _spoken(changed: set[str], words: Mapping[str, str]) -> set[str]:
    """Give the changed words and those that are built on them, as far as a lab can say them."""
    reached = set(changed)
    while more := {
        name
        for name, source in words.items()
        if name not in reached and any(re.search(rf"\b{re.escape(one)}\(", source) for one in reached)
    }:
        reached |= more
    return {name for name in reached if not name.startswith("_")}


def _functions(source: str) -> dict[str, str]:
    """Give the source of each function and method by its name, decorators and docstrings with it."""
    lines = source.splitlines()
    return {
        node.name: "\n".join(lines[min([node.lineno, *(d.lineno for d in node.decorator_list)]) - 1 : node.end_lineno])
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef)
    }


def _at(revision: str, file: str) -> str:
    done = subprocess.run(
        ["git", "show", f"{revision}:./{file}"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.stdout if done.returncode == 0 else ""  # it was not there


def _git(*words: str) -> str:
    try:
        done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    except OSError as error:
        raise CannotRun(f"--changed asks git what differs, and it cannot be started ({error.strerror})") from error
    if done.returncode:
        why = done.stderr.strip().splitlines()[:1] or ["no reason given"]
        raise CannotRun(f"--changed: git does not know what differs ({why[0]}): name a commit of this checkout")
    return done.stdout


def named(path: Path, function: str) -> str:
    """Give the name of a lab as `reasons` has it."""
    return f"{path.relative_to(ROOT)}::{function}"
