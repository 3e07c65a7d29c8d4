"""Build contexts: the folders below images/ that labs hand to `docker build`; read, place, write."""

from __future__ import annotations

from pathlib import Path

from labkit.paths import ROOT
from labkit.trouble import CannotRun

Files = dict[str, str]
"""The text of each file by its path in the context: {"Dockerfile": "FROM scratch\\n"}."""

DIRECTORY = ROOT / "images"


def path_of(context: str) -> Path:
    """Give the path of images/<context>. Raises CannotRun where there is no such folder."""
    path = DIRECTORY / context
    if not path.is_dir():
        raise CannotRun(f"images/{context} does not exist; the lab that names it cannot run, mend its path")
    return path


def read(context: str) -> Files:
    """Read the files of images/<context>, all of them text."""
    root = path_of(context)
    paths = (path for path in sorted(root.rglob("*")) if path.is_file() and "__pycache__" not in path.parts)
    return {str(path.relative_to(root)): path.read_text(encoding="utf-8") for path in paths}


def place(files: Files, **words: str) -> Files:
    """Put words where files name them: ${NAMESPACE} for `NAMESPACE=...`."""
    placed = dict(files)
    for word, said in words.items():
        placed = {name: text.replace(f"${{{word}}}", said) for name, text in placed.items()}
    return placed


def write(files: Files, folder: Path) -> None:
    """Write the files into a folder, which is made on the way."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
