"""Manifests: read them from manifests/, find a field in them, write them as YAML."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from labkit.paths import ROOT
from labkit.trouble import CannotRun

Manifest = dict[str, Any]
"""One object as YAML gives it; a fragment of the notes may lack apiVersion, kind or metadata."""

DIRECTORY = ROOT / "manifests"

_STEP = re.compile(r"\.?(?:(?P<key>[^.\[\]]+)|\[(?P<index>\d+)\]|\['(?P<quoted>[^']+)'\])")


def path_of(file: str) -> Path:
    """Give the path of manifests/<file>. Raises CannotRun where there is none."""
    path = DIRECTORY / file
    if not path.is_file():
        raise CannotRun(f"manifests/{file} does not exist; the lab that names it cannot run, mend its path")
    return path


def read(file: str) -> list[Manifest]:
    """Read the objects of manifests/<file>, in their order.

    Raises CannotRun, with the line, where the file is not YAML or holds something that is not an object.
    """
    path = path_of(file)
    try:
        documents = [d for d in yaml.safe_load_all(path.read_text(encoding="utf-8")) if d is not None]
    except yaml.YAMLError as error:
        where = getattr(error, "problem_mark", None)
        line = f" in line {where.line + 1}" if where else ""
        raise CannotRun(
            f"manifests/{file} is not YAML{line}: {getattr(error, 'problem', error)}; mend the file"
        ) from error
    for document in documents:
        if not isinstance(document, dict):
            raise CannotRun(f"manifests/{file} holds {type(document).__name__} where an object belongs; mend the file")
    return documents


def place(manifests: list[Manifest], **words: str) -> list[Manifest]:
    """Put words where values name them: ${NAMESPACE} for `NAMESPACE=...`; the same list where none does.

    Objects of the cluster, which have no namespace, need it to be one lab's own. By hand: `envsubst < file`.
    """
    placed = [_placed(manifest, words) for manifest in manifests]
    return manifests if placed == manifests else placed


def to_yaml(manifests: list[Manifest]) -> str:
    """Write objects as a stream of YAML documents, fields in the order they are in."""
    return yaml.safe_dump_all(manifests, sort_keys=False)


def parse_path(path: str) -> list[str | int]:
    """Split a field path: "spec.containers[0].env" or "metadata.labels['app.kubernetes.io/name']"."""
    steps: list[str | int] = []
    at = 0
    while at < len(path):
        match = _STEP.match(path, at)
        if not match:
            raise ValueError(f"not a field path: {path!r} at {path[at:]!r}")
        index = match["index"]
        steps.append(int(index) if index is not None else match["key"] or match["quoted"])
        at = match.end()
    return steps


def find(manifest: Any, steps: list[str | int]) -> Any:
    """Follow the steps into a manifest; None where a field is missing on the way."""
    for step in steps:
        if isinstance(manifest, dict):
            manifest = manifest.get(str(step))
        elif isinstance(manifest, list) and isinstance(step, int) and step < len(manifest):
            manifest = manifest[step]
        else:
            return None
    return manifest


def _placed(value: Any, words: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _placed(inner, words) for key, inner in value.items()}
    if isinstance(value, list):
        return [_placed(inner, words) for inner in value]
    if isinstance(value, str):
        for word, said in words.items():
            value = value.replace(f"${{{word}}}", said)
    return value
