"""versions.yaml: what a person may ask for, what is meant by it, and what a broken file says."""

from __future__ import annotations

from pathlib import Path

import pytest

from labkit.supply.versions import Version, minor_of, read, resolve
from labkit.trouble import CannotRun

DIGEST = "sha256:" + "ab" * 32

FILE = f"""
kubernetes:
  - {{minor: "1.37", published: "v1.37.0@{DIGEST}", source: v1.37.0}}
  - {{minor: "1.34", published: "v1.34.11@{DIGEST}", source: v1.34.4}}
kind: v0.33.0
node_repository: kindest/node
node: {{debian: trixie}}
minikube: {{minikube: v1.38.1}}
python: python:3.13-slim@{DIGEST}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "versions.yaml"
    path.write_text(FILE)
    return path


@pytest.mark.parametrize("wanted", ["1.34", "v1.34"])
def test_a_minor_means_its_row(file: Path, wanted: str) -> None:
    assert read(file).resolve(wanted) == Version("v1.34.11", DIGEST, "v1.34.4")


@pytest.mark.parametrize("wanted", ["1.34.11", "v1.34.11", " 1.34.11 "])
def test_a_patch_means_that_patch_or_none(file: Path, wanted: str) -> None:
    assert read(file).resolve(wanted) == Version("v1.34.11", DIGEST, "v1.34.11")


@pytest.mark.parametrize("tag", ["v1.37.2", "v1.38.0-alpha.1", "v1.38.0-rc.0"])
def test_a_tag_that_is_not_in_the_file_is_taken_as_it_is(file: Path, tag: str) -> None:
    assert read(file).resolve(tag.removeprefix("v")) == Version(tag, None, tag)


def test_latest_is_the_first_row(file: Path) -> None:
    assert read(file).resolve("latest").tag == "v1.37.0"


@pytest.mark.parametrize("wanted", ["1.33", "2", "newest", "1.37.0-", "1.37.0; rm", ""])
def test_anything_else_is_told_what_there_is(file: Path, wanted: str) -> None:
    with pytest.raises(CannotRun, match=r"is not in versions.yaml: ask for 1.37, 1.34, latest, or a full tag"):
        read(file).resolve(wanted)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (DIGEST, "sha256:12", "is not a tag with a digest"),
        ("source: v1.34.4", "source: v1.33.4", "the row of '1.34' names v1.34.11 and v1.33.4"),
        ("source: v1.34.4", "source: 1.34.4", "is not a Kubernetes tag"),
        ("kind: v0.33.0", "sort: v0.33.0", "lacks 'kind'"),
        ("kubernetes:", "kubernetes: [", "is not as it should be"),
        ("kubernetes:", "kubernetes: 3\nignored:", "is not as it should be"),
    ],
)
def test_a_broken_file_is_told_in_one_sentence(tmp_path: Path, old: str, new: str, told: str) -> None:
    path = tmp_path / "broken.yaml"
    path.write_text(FILE.replace(old, new))
    with pytest.raises(CannotRun, match=told) as trouble:
        read(path)
    assert "\n" not in str(trouble.value)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(CannotRun, match="cannot be read"):
        read(tmp_path / "none.yaml")


def test_the_real_file_has_four_minors_newest_first() -> None:
    minors = [version.minor for version in read().kubernetes]
    assert minors == ["1.37", "1.36", "1.35", "1.34"]
    assert all(minor_of(version.source) == version.minor for version in read().kubernetes)
    assert resolve("1.37").digest
