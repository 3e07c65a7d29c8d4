"""How findings are told, and that nothing of a document is read as anything but text."""

from __future__ import annotations

import dataclasses
import re
import subprocess
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from labkit.notes import __main__ as check
from labkit.notes import document, findings, mend, plan, tell, understand
from labkit.notes.findings import Evidence, Finding, Judged
from labkit.notes.judge import CONTEXT, FAULT, HOLDS, NOT_RUN, WARNS
from labkit.notes.mend import Edit, Text
from labkit.notes.tell import Checked
from labkit.report import notes_page

NOTES = """\
# Pods

- a list:
  ```
  $ kubectl exec kuard date
  kubectl get cs
  ```

```
kubectl get <b>x</b>
```
"""


@pytest.fixture
def checked() -> Checked:
    notes = understand.understand(document.parse(NOTES))
    step = next(plan.plan(notes).steps())
    edits = (Edit(5, 1, ("kubectl exec kuard date",), ("kubectl exec kuard -- date",)),)
    seen = (Evidence("as written", "kubectl exec kuard date", 1, "", "\x1b[2Jerror: </pre><script>", 0.1),)
    found = [
        Finding(
            step,
            "kubectl exec kuard date",
            FAULT,
            "a command needs --",
            5,
            "kubectl exec kuard -- date",
            edits,
            evidence=seen,
        ),
        Finding(replace(step, line=6), "kubectl get cs", WARNS, "deprecated\x1b[31m", 6),
        Finding(replace(step, line=10), "kubectl get <b>x</b>", CONTEXT, "there is no x", 10),
    ]
    older = [replace(found[0]), replace(found[1], verdict=HOLDS, reason="")]
    return Checked("docs/a.md", notes, (Judged("v1.37.2", tuple(found)), Judged("v1.36.5", tuple(older))))


def test_the_terminal_says_what_does_not_hold_and_where(checked: Checked) -> None:
    told = "\n".join(tell.lines(checked))
    assert "docs/a.md:5     fault    kubectl exec kuard date" in told
    assert "on 1.36 to 1.37: a command needs --" in told
    assert "mended and seen to work: kubectl exec kuard -- date" in told
    assert "on 1.37: deprecated" in told
    assert "\x1b" not in told
    assert "1 fault (with a proven mend)" in told


def test_a_diff_is_one_that_git_applies(checked: Checked, tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    file = tmp_path / "docs" / "a.md"
    file.write_text(NOTES)
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    subprocess.run(["git", "apply", "-"], cwd=tmp_path, input=tell.diff(checked), text=True, check=True)
    assert file.read_text() == NOTES.replace("kuard date", "kuard -- date")


def test_added_lines_stand_as_deep_as_their_block() -> None:
    read = document.parse("- x\n  ```yaml\n  a:\n    b: 1\n  ```\n")
    _, edits = Text(("a:", "  b: 1"), (3, 4)).become("a:\n  c: 2\n  b: 1\n")
    assert "+    c: 2\n     b: 1\n" in mend.diff(read, edits, "a.md")


def test_json_keeps_to_its_schema(checked: Checked) -> None:
    jsonschema.validate({"documents": [tell.document(checked)]}, check.schema())


def test_junit_counts_what_it_holds(checked: Checked) -> None:
    suite = ET.fromstring(tell.junit_xml([checked]))[0]
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("3", "1", "1")


def test_github_is_told_of_the_notes_own_lines(checked: Checked) -> None:
    fault, warning = tell.marks(checked)
    assert fault.startswith("::error file=docs/a.md,line=5,title=fault on 1.36 to 1.37::")
    assert warning.startswith("::warning file=docs/a.md,line=6")


def test_the_page_escapes_all_that_it_shows(checked: Checked) -> None:
    page = notes_page.render(tell.document(checked))
    assert "<script" not in page
    assert "<b>x</b>" not in page
    assert "\x1b" not in page
    assert "\N{SYMBOL FOR ESCAPE}[2Jerror" in page


def test_the_page_leads_to_each_line_that_is_amiss_and_to_no_other(checked: Checked) -> None:
    page = notes_page.render(tell.document(checked))
    assert re.findall('href="#(L[0-9]+)"', page) == ["L5", "L6"]
    assert all(f'id="{line}"' in page for line in ("L5", "L6"))
    held = tuple(
        dataclasses.replace(one, findings=tuple(dataclasses.replace(found, verdict=HOLDS) for found in one.findings))
        for one in checked.judged
    )
    assert 'href="#L' not in notes_page.render(tell.document(dataclasses.replace(checked, judged=held)))


@pytest.mark.parametrize(
    ("verdicts", "proven", "words"),
    [
        (
            [HOLDS] * 31 + [WARNS, FAULT, FAULT, NOT_RUN],
            2,
            "31 hold, 1 warns, 2 faults (both with a proven mend), 0 context, 1 not run",
        ),
        ([FAULT], 0, "0 hold, 0 warn, 1 fault (no mend found), 0 context, 0 not run"),
        ([FAULT] * 3, 1, "0 hold, 0 warn, 3 faults (1 with a proven mend), 0 context, 0 not run"),
    ],
)
def test_the_numbers_are_always_shown(checked: Checked, verdicts: list[str], proven: int, words: str) -> None:
    model = checked.judged[0].findings[0]
    left = proven
    told = []
    for verdict in verdicts:
        edits = model.edits if verdict == FAULT and left > 0 else ()
        left -= verdict == FAULT
        told.append(replace(model, verdict=verdict, edits=edits))
    assert findings.summary(told).replace("0 warns", "0 warn") == words


def test_notes_without_commands_need_no_cluster(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("a cluster was made")

    monkeypatch.setattr("labkit.cluster.provision.running", never)
    file = tmp_path / "a.md"
    file.write_text("# Words\n\nAnd `kubectl get pods` in a sentence.\n\n- more\n" * 1000)
    assert check.main(["check", str(file), "--out", str(tmp_path / "out")]) == 0
    assert "0 hold" in capsys.readouterr().out
    assert (tmp_path / "out").exists()


@pytest.mark.parametrize("named", ["none.md", "folder"])
def test_what_cannot_be_read_is_one_sentence(named: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "folder").mkdir()
    assert check.main([str(tmp_path / named)]) == 3
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("cannot run: ")
