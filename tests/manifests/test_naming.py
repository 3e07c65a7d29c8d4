"""The names of our own images: as they are said, and as they are meant, in lines, in files, in objects."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from labkit import sample_images
from labkit.manifests import naming
from labkit.paths import ROOT

NAMES = {
    "localhost:1/labs/web:1": "host/team/web:3f2ac0d1e2f3",
    "localhost:1/labs/guitar-practice:1": "localhost:1/labs/guitar-practice:0d1e2f3a4b5c",
}


@pytest.mark.parametrize(
    ("text", "there"),
    [
        ("run web --image=localhost:1/labs/web:1", "run web --image=host/team/web:3f2ac0d1e2f3"),
        (
            '{"image": "localhost:1/labs/guitar-practice:1"}',
            '{"image": "localhost:1/labs/guitar-practice:0d1e2f3a4b5c"}',
        ),
        ("FROM localhost:1/labs/web:1 AS shell\n", "FROM host/team/web:3f2ac0d1e2f3 AS shell\n"),
        ("set image rolling web=localhost:1/labs/web:1-none", "set image rolling web=localhost:1/labs/web:1-none"),
        ("localhost:1/labs/web:none labs/web:1", "localhost:1/labs/web:none labs/web:1"),
    ],
)
def test_names_in_a_text(text: str, there: str) -> None:
    assert naming.in_text(text, NAMES) == there
    assert naming.in_text(text, {}) == text


def test_names_in_objects() -> None:
    pod = {"spec": {"containers": [{"image": "localhost:1/labs/web:1", "ports": [8080]}]}}
    named = naming.in_objects(pod, NAMES)
    assert named["spec"]["containers"] == [{"image": "host/team/web:3f2ac0d1e2f3", "ports": [8080]}]
    assert naming.in_objects(pod, {}) is pod


def test_every_image_of_ours_is_of_nowhere() -> None:
    assert {image.name for image in sample_images.IMAGES} == set(NAMES)


_NAMED = re.compile(r"""(?:image["']?: ["']?|--image[= ]|\[\d\]\.image", "|FROM )([a-z][\w.:/-]*/[\w.-]+:[\w.-]+)""")
_THEIRS = re.compile(r"(localhost:1|gcr\.io/kuard-demo|grc\.io/kuar-demo)/")
"""What is ours, and what notes name of other people's, which no lab ever starts."""


@pytest.mark.parametrize("folder", ["manifests", "labs", "images/docker"])
def test_no_lab_names_an_image_that_somebody_else_may_serve(folder: str) -> None:
    """A name without a registry is one of the public registry, and is not ours there."""
    files = [p for p in (ROOT / folder).rglob("*") if p.is_file() and p.suffix in ("", ".yaml", ".py", ".Dockerfile")]
    named = {(str(p.relative_to(ROOT)), name) for p in files for name in _NAMED.findall(_text(p))}
    assert named
    assert not [(file, name) for file, name in named if not _THEIRS.match(name)]


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")
