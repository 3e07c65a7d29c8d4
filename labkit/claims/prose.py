"""The prose of the labs: what a module says of its topic, and a lab of what it does, read from their source.

And how pytest calls them, which is in there too.
"""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Topics = list[dict[str, str]]
Labs = dict[str, dict[str, Any]]


def read(directory: Path) -> tuple[Topics, Labs]:
    """Read the lab modules of a directory without running them: their topics, and their labs by the claims' ids.

    Shape: a topic has `topic`, `title`, `lead` and `prose`; a lab has `file`, `line`, `remarks` (what its docstring
    says besides the statement) and `story` (its comments from "Given" on).
    """
    topics: Topics = []
    labs: Labs = {}
    for path in sorted(directory.glob("test_*.py")):
        source = path.read_text(encoding="utf-8")
        tree = ast.parse(source)
        title, colon, lead = _paragraph((ast.get_docstring(tree) or "").partition("\n\n")[0]).partition(": ")
        prose = (ast.get_docstring(tree) or "").partition("\n\n")[2]
        topic = path.stem.removeprefix("test_")
        topics.append(
            {
                "topic": topic,
                "title": title if colon else topic,
                "lead": lead if colon else title,
                "prose": "\n\n".join(_paragraph(part) for part in prose.split("\n\n")).strip(),
            }
        )
        comments = list(_comments(source))
        for function in tree.body:
            if isinstance(function, ast.FunctionDef) and (claim := _claim(function)):
                _, _, remarks = (ast.get_docstring(function) or "").partition("\n")
                labs[claim] = {
                    "file": f"{directory.name}/{path.name}",
                    "line": function.lineno,
                    "remarks": _paragraph(remarks),
                    "story": _story(text for line, text in comments if function.lineno < line <= _end(function)),
                }
    return topics, labs


def nodeids(directory: Path) -> dict[str, str]:
    """Give pytest's name of each lab of a directory, such as labs/test_health.py::test_..., by its claim's id."""
    return {
        claim: f"{directory.name}/{path.name}::{function.name}"
        for path in sorted(directory.glob("test_*.py"))
        for function in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(function, ast.FunctionDef) and (claim := _claim(function))
    }


def _claim(function: ast.FunctionDef) -> str | None:
    for decorator in function.decorator_list:
        match decorator:
            case ast.Call(func=ast.Name(id="claim"), args=[ast.Constant(value=str(id)), *_]):
                return id
    return None


def _comments(source: str) -> Iterator[tuple[int, str]]:
    """Give the comments that have their lines for themselves, those of neighbouring lines as one, by the first line."""
    begun, text, last = 0, "", -1
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type != tokenize.COMMENT or not token.line.lstrip().startswith("#"):
            continue
        line, words = token.start[0], token.string.lstrip("# ")
        if line == last + 1:
            text += f" {words}"
        else:
            if text:
                yield begun, text
            begun, text = line, words
        last = line
    if text:
        yield begun, text


def _story(comments: Iterator[str]) -> str:
    """Join Given, when and then to the one sentence that they are; a comment that begins anew is an aside."""
    told: list[str] = []
    for text in comments:
        if text.startswith("Given") or (told and text[:1].islower()):
            told.append(text)
    return " ".join(told)


def _paragraph(text: str) -> str:
    return " ".join(text.split())


def _end(node: ast.FunctionDef) -> int:
    return node.end_lineno or node.lineno
