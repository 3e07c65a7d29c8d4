"""The runtime in runc's place: what it takes out, and that nothing else changes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from labkit.supply import bounded_runtime
from labkit.supply.bounded_runtime import bound, bounding_set, mend, missing_capabilities

STATUS = "Name:\tx\nCapBnd:\t{:016x}\n"
LAST = 40
ALL = (1 << LAST + 1) - 1
SYS_RESOURCE = 24


def test_the_missing_capability_is_named() -> None:
    assert missing_capabilities(STATUS.format(ALL), LAST) == []
    assert missing_capabilities(STATUS.format(ALL & ~(1 << SYS_RESOURCE)), LAST) == ["CAP_SYS_RESOURCE"]


def test_an_older_kernel_lacks_nothing_by_being_older() -> None:
    assert missing_capabilities(STATUS.format((1 << 38) - 1), 37) == []


def test_capabilities_outside_the_bounding_set_go() -> None:
    allowed = bounding_set(STATUS.format(1))
    process = {"args": ["x"], "capabilities": {"bounding": ["CAP_CHOWN", "CAP_SYS_RESOURCE"], "ambient": None}}
    assert bound(process, allowed) == {"args": ["x"], "capabilities": {"bounding": ["CAP_CHOWN"], "ambient": []}}


@pytest.mark.parametrize(("asked", "given"), [(-999, 0), (0, 0), (500, 500)])
def test_a_negative_score_is_raised_to_zero(asked: int, given: int) -> None:
    assert bound({"oomScoreAdj": asked}, set())["oomScoreAdj"] == given


def test_a_process_without_either_stays_as_it_is() -> None:
    assert bound({"args": ["x"]}, set()) == {"args": ["x"]}


@pytest.mark.parametrize("spelled", [["--bundle", "{}"], ["--bundle={}"]])
def test_a_bundle_is_mended_where_runc_will_read_it(tmp_path: Path, spelled: list[str]) -> None:
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"process": {"oomScoreAdj": -1}, "root": {"path": "rootfs"}}))
    mend(["--root", "/run/x", "create", *(word.format(tmp_path) for word in spelled), "id"], set())
    assert json.loads(config.read_text()) == {"process": {"oomScoreAdj": 0}, "root": {"path": "rootfs"}}


def test_an_execs_process_is_mended(tmp_path: Path) -> None:
    process = tmp_path / "process"
    process.write_text(json.dumps({"capabilities": {"bounding": ["CAP_SYS_RESOURCE"]}}))
    mend(["exec", "--process", str(process), "--detach", "id"], {"CAP_CHOWN"})
    assert json.loads(process.read_text()) == {"capabilities": {"bounding": []}}


@pytest.mark.parametrize("argv", [["--version"], ["state", "id"], ["kill", "id", "15"], ["exec", "id", "sh"]])
def test_other_commands_touch_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, argv: list[str]) -> None:
    monkeypatch.chdir(tmp_path)
    mend(argv, set())
    assert list(tmp_path.iterdir()) == []


def test_it_needs_nothing_but_the_standard_library() -> None:
    source = Path(bounded_runtime.__file__).read_text()
    assert "labkit" not in source
