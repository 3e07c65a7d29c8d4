"""Versions as Go modules have them: their order, and which pre-release is worth a look."""

from __future__ import annotations

from pathlib import Path

import pytest

from labkit.supply import modules
from labkit.supply.toolchain import Go
from labkit.trouble import CannotRun


def go(folder: Path, script: str) -> Go:
    binary = folder / "go"
    binary.write_text(f"#!/bin/sh\n{script}\n")
    binary.chmod(0o755)
    return Go(binary, "go1.26.0", "amd64")


def test_releases_and_pre_releases_come_oldest_first(tmp_path: Path) -> None:
    answer = '{"Versions": ["v1.9.0", "v1.38.0", "v1.38.0-rc.1", "v1.38.0-alpha.3", "v1.10.0", "v2.0.0+incompatible"]}'
    asked = go(tmp_path, f"""[ "$*" = "list -m -versions -json example.com/m" ] && echo '{answer}'""")
    told = modules.listed(asked, "example.com/m")
    assert told == ["v1.9.0", "v1.10.0", "v1.38.0-alpha.3", "v1.38.0-rc.1", "v1.38.0"]


def test_a_list_that_is_refused_is_told_in_gos_words(tmp_path: Path) -> None:
    asked = go(tmp_path, "echo 'go: module m: reading https://proxy/list: 403 Forbidden' >&2; exit 1")
    with pytest.raises(CannotRun, match=r"the versions of m cannot be asked for \(go: module m: .*403 Forbidden\)"):
        modules.listed(asked, "m")


@pytest.mark.parametrize(
    ("versions", "newest"),
    [
        (["v1.38.0-alpha.2", "v1.38.0-beta.0", "v1.37.2"], "v1.38.0-beta.0"),
        (["v1.38.0-rc.1", "v1.38.0"], None),
        (["v1.38.0-rc.9", "v1.38.0-rc.10"], "v1.38.0-rc.10"),
        ([], None),
    ],
)
def test_only_what_is_not_released_yet_is_a_preview(versions: list[str], newest: str | None) -> None:
    assert modules.newest_pre_release(versions) == newest
