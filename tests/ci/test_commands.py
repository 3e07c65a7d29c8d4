"""`python -m labkit.ci`: exit codes, and what is said where nobody can be asked."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from labkit.ci import actionlint
from labkit.ci.__main__ import main
from labkit.progress import Progress
from labkit.supply import toolchain
from labkit.supply.cache import Workshop
from labkit.supply.toolchain import Go
from labkit.trouble import CannotRun


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABS_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("GITHUB_OUTPUT", raising=False)


def no_go(_: Workshop) -> Go:
    raise CannotRun("Go is needed")


def test_a_plan_needs_nobody_but_for_the_pre_release(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(toolchain, "find_go", no_go)
    assert main(["plan", "--preview"]) == 0
    told = capsys.readouterr()
    assert told.out == 'kubernetes=["1.37","1.36","1.35","1.34"]\npreview=\n'
    assert "no pre-release is judged: Go is needed" in told.err


def test_a_workflow_cannot_be_checked_without_go(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(toolchain, "find_go", no_go)
    assert main(["workflow"]) == 3
    assert capsys.readouterr().err == "cannot run: Go is needed\n"


SAYS = """#!/bin/sh
for last; do :; done
grep -q wrong "$last" || exit 0
echo "$last:1:1: wrong"
exit 1
"""


class Builder(Go):
    """Builds an actionlint that knows one word."""

    def build(self, *args: Any) -> None:
        binary = args[1] / "actionlint"
        binary.write_text(SAYS)
        binary.chmod(0o755)


@pytest.mark.parametrize(("text", "code"), [("on: push", 0), ("wrong", 1)])
def test_what_actionlint_says_decides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], text: str, code: int
) -> None:
    monkeypatch.setattr(toolchain, "find_go", lambda _: Builder(Path("/go"), "go1.26.0", "amd64"))
    (tmp_path / "labs.yaml").write_text(text)
    monkeypatch.setattr(actionlint, "WORKFLOWS", tmp_path)
    assert main(["workflow"]) == code
    assert ("labs.yaml:1:1: wrong" in capsys.readouterr().out) == bool(code)


def test_an_actionlint_that_is_none_is_no_verdict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toolchain, "find_go", lambda _: Builder(Path("/go"), "go1.26.0", "amd64"))
    monkeypatch.setattr(sys.modules[__name__], "SAYS", "#!/bin/sh\nexit 2\n")
    with pytest.raises(CannotRun, match="actionlint does not run"):
        actionlint.check(Progress(lambda _: None), tmp_path)
