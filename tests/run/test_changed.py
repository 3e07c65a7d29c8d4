"""What --changed chooses, in a checkout of two labs."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from labkit.run import changed
from labkit.trouble import CannotRun

LABS = '''
def test_one(lab):
    """One."""
    lab.apply("topic/one.yaml")


def test_two(lab):
    """Two."""
    lab.kubectl("get pods")
'''
ACTS = """
class Acts:
    def apply(self, file):
        self._typed(file)

    def kubectl(self, line):
        self._typed(line)

    def _typed(self, line):
        return line
"""


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(changed, "ROOT", tmp_path)
    monkeypatch.setattr(changed, "WORDS", ("labkit/lab/acts.py",))
    for file, text in (
        ("labs/test_topic.py", LABS),
        ("labkit/lab/acts.py", ACTS),
        ("manifests/topic/one.yaml", "kind: Pod\n"),
    ):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text(text)
    who = ("-c", "user.name=nobody", "-c", "user.email=nobody@example.com")
    for words in (("init", "-q"), ("add", "."), (*who, "commit", "-q", "-m", "labs: begin")):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    return tmp_path


def edit(path: Path, before: str, after: str) -> None:
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))


def test_what_does_not_differ_is_not_chosen(checkout: Path) -> None:
    assert checkout.exists()
    assert changed.reasons("HEAD") == {}


def test_a_lab_differs_by_its_source_and_by_what_it_applies(checkout: Path) -> None:
    edit(checkout / "labs" / "test_topic.py", '"get pods"', '"get nodes"')
    edit(checkout / "manifests" / "topic" / "one.yaml", "Pod", "Service")
    assert changed.reasons("HEAD") == {
        "labs/test_topic.py::test_one": ["topic/one.yaml"],
        "labs/test_topic.py::test_two": ["its source"],
    }


def test_a_new_lab_is_new(checkout: Path) -> None:
    edit(checkout / "labs" / "test_topic.py", "def test_two", "def test_three")
    assert changed.reasons("HEAD") == {"labs/test_topic.py::test_three": ["it is new"]}


def test_a_word_concerns_those_who_say_it_and_what_is_below_a_word_concerns_the_word(checkout: Path) -> None:
    edit(checkout / "labkit" / "lab" / "acts.py", "self._typed(file)", "self._typed(file + '.yaml')")
    assert changed.reasons("HEAD") == {"labs/test_topic.py::test_one": ["the word apply"]}
    edit(checkout / "labkit" / "lab" / "acts.py", "return line", "return line.strip()")
    assert set(changed.reasons("HEAD")) == {"labs/test_topic.py::test_one", "labs/test_topic.py::test_two"}


def test_a_commit_that_is_not_there_is_one_sentence(checkout: Path) -> None:
    assert checkout.exists()
    with pytest.raises(CannotRun, match="name a commit of this checkout"):
        changed.reasons("nowhere")
