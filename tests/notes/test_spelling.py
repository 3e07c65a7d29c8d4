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
    text = f"{sentence}\n\n```\n{line}\n```\n"
    told = list(spelling.contradictions(understand.understand(document.parse(text)), set()))
    assert [one.line for one in told] == ([4] if wrong else [])
    assert all("nobody can see on a cluster" in one.unmended for one in told)


def test_a_contradicted_line_is_at_fault_and_keeps_what_it_came_to() -> None:
    text = POD + POD.replace("name: a", "name: b") + "```\nkubectl run c --image=grc.io/kuar-demo/kuard:1\n```\n"
    notes = understand.understand(document.parse(text))
    steps = list(plan.plan(notes).steps())
    found = [Finding(step, "x", "holds", line=step.line) for step in steps]
    (one,) = spelling.contradictions(notes, {"grc.io/kuar-demo/kuard:1"})
    assert one.unmended
    told = [(f.line, f.verdict, f.proven) for f in run._contradicted(notes, found, one)]
    assert told == [(2, "holds", False), (11, "holds", False), (20, "fault", False)]


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("pythonn:3.6", True),
        ("ngnix", True),
        ("docker.io/library/postgress:17", True),
        ("wordpres", False),  # a name that lacks its end is as likely one of somebody's own
        ("elasticsarch:8", True),
        ("python:3.6", False),
        ("mongos", False),
        ("nginx2", False),
        ("http", False),
        ("quay.io/pythonn:3.6", False),
    ],
)
def test_an_image_that_everybody_calls_otherwise_is_misspelt(name: str, wrong: bool) -> None:
    dockerfile = f"```\nFROM {name} AS build\nRUN x\nFROM build\nCOPY a b\n```\n"
    assert found(dockerfile, {name}) == ([2] if wrong else [])
    assert found(f"```\nkubectl run a --image={name}\n```\n", {name}) == ([2] if wrong else [])
    assert found(POD.replace("gcr.io/kuar-demo/kuard:1", name), {name}) == ([8] if wrong else [])
    assert found(dockerfile, set()) == [], "a registry has it"
    notes = understand.understand(document.parse(dockerfile))
    assert spelling.doubtful_bases(notes) == ({name} if wrong else set())


def test_an_image_that_the_notes_make_is_called_as_they_like() -> None:
    text = "```\ndocker build -t ngnix:1 .\nkubectl run a --image=ngnix:1\n```\n"
    assert found(text, {"ngnix:1"}) == []


@pytest.mark.parametrize(
    ("value", "wrong"),
    [
        ("http//www.example.com/icon.png", True),
        ("https:/www.example.com", True),
        ("htttp://www.example.com", True),
        ("https;//www.example.com", True),
        ("http://www.example.com", False),
        ("http: //a", False),
        ("/srv/http//www.example.com", False),
        ("http//", False),
    ],
)
def test_an_address_that_begins_as_none_is_wrong(value: str, wrong: bool) -> None:
    assert found(f'```yaml\nmetadata:\n  annotations:\n    a/icon: "{value}"\n```\n', set()) == ([4] if wrong else [])
    assert found(f"```\nkubectl annotate pod a icon={value}\n```\n", set()) == ([2] if wrong else [])


def test_what_a_block_gets_wrong_is_told_once_whatever_applies_it() -> None:
    pod = POD.replace("gcr.io/kuar-demo/kuard", "ngnix")
    text = f"a.yaml:\n\n{pod}```\nkubectl apply -f a.yaml\nkubectl get -f a.yaml\n```\n"
    notes = understand.understand(document.parse(text))
    steps = list(plan.plan(notes).steps())
    (one,) = spelling.contradictions(notes, {"ngnix:1"})
    told = list(run._contradicted(notes, [Finding(step, "x", "holds", line=step.line) for step in steps], one))
    assert [(f.line, f.step.subject, f.verdict) for f in told] == [
        (13, "command", "holds"),
        (10, "manifest", "fault"),
        (14, "command", "holds"),
    ]
    assert told[1].unmended
