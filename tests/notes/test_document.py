"""Where code is in a document: fences, boxes, lists, HTML; and what is no document at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from labkit.notes import document
from labkit.trouble import CannotRun


def blocks(text: str) -> list[tuple[int, str, str]]:
    return [(b.line, b.form, b.text) for b in document.parse(text).blocks]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("```bash\nkubectl get pods\n```\n", [(2, "fence", "kubectl get pods")]),
        ("~~~\na\n\nb\n~~~\n", [(2, "fence", "a\n\nb")]),
        ("- list:\n  ```\n  a\n    b\n  ```\n", [(3, "fence", "a\n  b")]),
        ("> ```\n> a\n> ```\n", [(2, "fence", "a")]),
        ("text\n\n    kubectl get pods\n", [(3, "indented", "kubectl get pods")]),
        ("??? Answer\n\n    Do this:\n\n    ```sh\n    a\n    ```\n", [(6, "fence", "a")]),
        ("<details>\n<summary>x</summary>\n```\na\n\nb\n```\n</details>\n", [(4, "fence", "a\n\nb")]),
        ("Then:\n\n`kubectl get pods`\n", [(3, "inline", "kubectl get pods")]),
        ("1. `kubectl get pods`.\n", [(1, "inline", "kubectl get pods")]),
        ("Type `kubectl get pods` now.\n", []),
        ("---\ntitle: x\n---\n```\na\n```\n", [(5, "fence", "a")]),
        ("```\nnever closed\n", [(2, "fence", "never closed")]),
    ],
)
def test_code_is_found_where_it_is(text: str, found: list[tuple[int, str, str]]) -> None:
    assert blocks(text) == found


def test_blocks_know_their_section_and_what_stands_above() -> None:
    read = document.parse("# A\n## B\nSave it as `web.yaml`:\n\n```\nx\n```\n# C\n```\ny\n```\n")
    assert [read.sections[b.section].path for b in read.blocks] == [("A", "B"), ("C",)]
    assert read.blocks[0].above == ("Save it as `web.yaml`:", "B")
    assert read.mentions == 1


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_lines_end_as_they_end(ending: str) -> None:
    assert blocks(f"a{ending}{ending}```{ending}x\u2028y{ending}```{ending}") == [(4, "fence", "x\u2028y")]


def test_what_is_no_text_is_one_sentence(tmp_path: Path) -> None:
    binary = tmp_path / "a.md"
    binary.write_bytes(b"\x7fELF\0\0")
    with pytest.raises(CannotRun, match=r"a\.md is no text"):
        document.read(binary)
    with pytest.raises(CannotRun, match="cannot be read"):
        document.read(tmp_path / "none.md")


def test_broken_utf_8_is_read_and_said(tmp_path: Path) -> None:
    file = tmp_path / "a.md"
    file.write_bytes(b"caf\xe9\n\n```\nkubectl get pods\n```\n")
    read = document.read(file)
    assert [b.text for b in read.blocks] == ["kubectl get pods"]
    assert read.remarks
