"""All versions in turn: one command for each, the next one's node image beside it, and the gravest exit code."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from labkit import interruption
from labkit.run import all_versions
from labkit.supply import versions

MINORS = [version.minor for version in versions.read().kubernetes]


def test_the_version_is_said_where_all_was() -> None:
    rest = ["pytest", "-n", "12", "labs", "-k", "all"]
    for all_of_them in (["--kubernetes", "all"], ["--kubernetes=all"]):
        assert all_versions.instead_of_all([*rest, *all_of_them], "1.36") == [*rest, "--kubernetes=1.36"]


def test_each_version_has_a_junit_file_of_its_own() -> None:
    argv = ["pytest", "--junitxml", "logs/junit.xml", "--nodes=build", "--kubernetes", "all", "labs"]
    version, nodes, junit = "--kubernetes=1.36", "--nodes=build", "--junitxml=logs/junit-1.36.xml"
    assert all_versions.instead_of_all(argv, "1.36") == ["pytest", "labs", version, nodes, junit]


@pytest.mark.parametrize(
    ("codes", "code"), [([], 0), ([0, 0], 0), ([0, 2], 2), ([2, 1, 0], 1), ([1, 3, 0], 3), ([0, -9], 3), ([5], 3)]
)
def test_the_gravest_exit_code_is_given(codes: list[int], code: int) -> None:
    assert all_versions.gravest(codes) == code


def test_each_version_is_run_and_the_next_one_made_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def note(file: str) -> str:
        return f"import sys; open({str(tmp_path / file)!r}, 'a').write(' '.join(sys.argv[1:]) + chr(10))"

    monkeypatch.setattr(all_versions, "SUPPLY", (sys.executable, "-c", note("made")))
    monkeypatch.setattr(interruption, "end_in_order", lambda: None)
    run = [sys.executable, "-c", f"{note('ran')}; sys.exit(sys.argv[1] == '--kubernetes=1.36')"]
    assert all_versions.main([*run, "--kubernetes", "all", "--nodes", "build"]) == 1
    assert (tmp_path / "ran").read_text().splitlines() == [f"--kubernetes={minor} --nodes=build" for minor in MINORS]
    assert (tmp_path / "made").read_text().splitlines() == [
        f"--kubernetes {minor} --nodes=build" for minor in MINORS[1:]
    ]
