"""What notes contradict themselves in."""

from __future__ import annotations

import pytest

from labkit.notes import document, plan, run, spelling, understand
from labkit.notes.findings import Finding


def found(text: str, unpullable: set[str]) -> list[int]:
    notes = understand.understand(document.parse(text))
    return [one.line for one in spelling.contradictions(notes, unpullable)]


POD = """\
```
apiVersion: v1
kind: Pod
metadata:
  name: a
spec:
  containers:
  - image: gcr.io/kuar-demo/kuard:1
```
"""


def test_the_rarer_spelling_of_an_image_that_nobody_has_is_the_wrong_one() -> None:
    text = POD + POD.replace("name: a", "name: b") + "```\nkubectl run c --image=grc.io/kuar-demo/kuard:1\n```\n"
    both = {"gcr.io/kuar-demo/kuard:1", "grc.io/kuar-demo/kuard:1"}
    assert found(text, both) == [20]
    assert found(text, set()) == []


def test_other_images_are_other_images() -> None:
    text = POD + POD + "```\nkubectl run c --image=gcr.io/other/server:1\n```\n"
    assert found(text, {"gcr.io/other/server:1"}) == []


@pytest.mark.parametrize(
    ("sentence", "line", "wrong"),
    [
        ("To copy a local file to a container:", "kubectl cp web:/a /b", True),
        ("To copy a local file to a container:", "kubectl cp /b web:/a", False),
        ("Copy a file of the container to the local machine:", "kubectl cp <pod>:/a /b", False),
        ("Copy a file of the container to the local machine:", "kubectl cp /b <pod>:/a", True),
        ("Copies files:", "kubectl cp web:/a /b", False),
    ],
)
def test_a_copy_goes_the_way_that_its_sentence_says(sentence: str, line: str, wrong: bool) -> None:
    assert found(f"{sentence}\n\n```\n{line}\n```\n", set()) == ([4] if wrong else [])


def test_a_contradicted_line_is_at_fault_and_keeps_what_it_came_to() -> None:
    text = POD + POD.replace("name: a", "name: b") + "```\nkubectl run c --image=grc.io/kuar-demo/kuard:1\n```\n"
    notes = understand.understand(document.parse(text))
    steps = list(plan.plan(notes).steps())
    found = [Finding(step, "x", "holds", line=step.line) for step in steps]
    (one,) = spelling.contradictions(notes, {"grc.io/kuar-demo/kuard:1"})
    told = [(f.line, f.verdict, f.proven) for f in run._contradicted(found, one)]
    assert told == [(2, "holds", False), (11, "holds", False), (20, "fault", False)]
