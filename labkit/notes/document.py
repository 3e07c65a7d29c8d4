"""A document as CommonMark has it: its sections, and its blocks of code with the lines that they are in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from markdown_it import MarkdownIt
from markdown_it.token import Token

from labkit.trouble import CannotRun

MOST_BYTES = 8_000_000
"""Of one document. The longest of 40 public ones had 3,000 lines."""

_FENCE = re.compile(r"^\s*(?:>\s*)*(`{3,}|~{3,})")
_BOX = re.compile(r"^\s*(\?\?\?\+?|!!!|===)\s")
"""How boxes begin that MkDocs draws; what is in them is indented, and code to CommonMark."""

MOST_DEPTH = 3
"""Boxes in boxes that are opened."""


@dataclass(frozen=True)
class Section:
    """What stands under one heading, up to the next."""

    line: int
    level: int
    path: tuple[str, ...]
    """Its heading below those that it stands under."""

    @property
    def title(self) -> str:
        return self.path[-1] if self.path else ""


@dataclass(frozen=True)
class Block:
    """Code that stands for itself: between fences, indented, or alone in its paragraph."""

    line: int
    """Of the document, from 1, where its first line of code is; the fence is one above."""
    lines: tuple[str, ...]
    """As the document means them: without what a list or a quotation sets before them."""
    language: str
    form: Literal["fence", "indented", "inline"]
    section: int
    """Which of the document's sections it stands in."""
    above: tuple[str, ...] = ()
    """The text before it in its section, nearest first: sentences as written, and the heading."""

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


@dataclass(frozen=True)
class Document:
    """One file, read."""

    path: Path
    lines: tuple[str, ...]
    sections: tuple[Section, ...] = ()
    blocks: tuple[Block, ...] = ()
    paragraphs: tuple[tuple[int, str], ...] = ()
    """Its sentences' paragraphs: the line from 1, and the text in one line."""
    mentions: int = 0
    """Code inside sentences, which is seen and not run."""
    remarks: tuple[str, ...] = field(default=())
    """What is odd about the file itself."""


def read(path: Path) -> Document:
    """Read a file of Markdown. Raises CannotRun where there is none, or what is there is no text."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CannotRun(
            f"{path} cannot be read ({error.strerror}): name a Markdown file or a folder of them"
        ) from error
    if len(content) > MOST_BYTES:
        raise CannotRun(
            f"{path} has {len(content) / 1e6:.0f} MB: notes of more than {MOST_BYTES / 1e6:.0f} MB are not read"
        )
    if b"\0" in content:
        raise CannotRun(f"{path} is no text: name a Markdown file or a folder of them")
    text = content.decode("utf-8-sig", errors="replace")
    remarks = ("it is not UTF-8 throughout: what could not be read is shown as \N{REPLACEMENT CHARACTER}",)
    return parse(text, path, remarks if "\N{REPLACEMENT CHARACTER}" in text and not _is_utf8(content) else ())


def parse(text: str, path: Path = Path("notes.md"), remarks: tuple[str, ...] = ()) -> Document:
    """Read the text of a document."""
    # Not splitlines(): to Markdown and to editors a form feed or U+2028 ends no line.
    lines = re.split(r"\r\n|\n|\r", text)
    if lines and not lines[-1]:
        lines.pop()
    reader = _Reader()
    reader.read(_without_front_matter(lines), 0)
    return Document(
        path,
        tuple(lines),
        tuple(reader.sections),
        tuple(sorted(reader.blocks, key=lambda block: block.line)),
        tuple(reader.paragraphs),
        reader.mentions,
        remarks,
    )


class _Reader:
    """One pass through a document's tokens; boxes are read by another pass, on the same sections."""

    def __init__(self) -> None:
        self.sections = [Section(1, 0, ())]
        self.blocks: list[Block] = []
        self.paragraphs: list[tuple[int, str]] = []
        self.mentions = 0
        self._above: list[str] = []

    def read(self, lines: Sequence[str], offset: int, depth: int = 0) -> None:
        """Read lines of which the first is the document's line `offset` + 1."""
        tokens = _tokens(lines)
        for index, token in enumerate(tokens):
            if token.map is None:
                continue
            line = offset + token.map[0] + 1
            if token.type == "fence":
                inside = token.content.removesuffix("\n").split("\n") if token.content else []
                self._block(line + 1, inside, token.info.strip().split(" ")[0], "fence")
            elif token.type == "code_block":
                self._indented(line, token.content.rstrip("\n").split("\n"), depth)
            elif token.type == "inline":
                self._text(line, token, (tokens[index - 1].type == "heading_open" and tokens[index - 1].tag) or "")

    def _indented(self, line: int, inside: list[str], depth: int) -> None:
        in_box = bool(self._above) and _BOX.match(self._above[0])
        if depth < MOST_DEPTH and (in_box or any(_FENCE.match(one) for one in inside)):
            self.read(inside, line - 1, depth + 1)
        else:
            self._block(line, inside, "", "indented")

    def _text(self, line: int, token: Token, heading: str) -> None:
        words = " ".join(token.content.split())
        if heading:
            level = int(heading[1])
            upper = [s for s in self.sections[1:] if s.level < level]
            path: tuple[str, ...] = ()
            lowest = level
            for section in reversed(upper):
                if section.level < lowest:
                    path, lowest = (section.title, *path), section.level
            self.sections.append(Section(line, level, (*path, words)))
            self._above = [words]
            return
        children = [c for c in token.children or () if c.type not in ("softbreak", "hardbreak") and c.content.strip()]
        codes = [c for c in children if c.type == "code_inline"]
        alone = len(codes) == 1 and all(c is codes[0] or re.fullmatch(r"[\s.:;,]*", c.content) for c in children)
        if alone and "\n" not in token.content.strip():
            self._block(line, [codes[0].content], "", "inline")
            self._above.insert(0, words)
            return
        self.mentions += len(codes)
        self.paragraphs.append((line, words))
        self._above.insert(0, words)

    def _block(self, line: int, lines: list[str], language: str, form: Literal["fence", "indented", "inline"]) -> None:
        self.blocks.append(
            Block(line, tuple(lines), language.lower(), form, len(self.sections) - 1, tuple(self._above[:MOST_ABOVE]))
        )


MOST_ABOVE = 6
"""Sentences before a block that may name its file."""


def _tokens(lines: Sequence[str]) -> list[Token]:
    """Parse Markdown. A fence that HTML swallows, as under a <details>, is freed of it."""
    parser = MarkdownIt("commonmark")
    kept = list(lines)
    for _ in range(MOST_DEPTH):
        tokens = parser.parse("\n".join(kept))
        swallowed = list(_swallowed(tokens, kept))
        if not swallowed:
            break
        for at in swallowed:
            kept[at] = ""
    return tokens


def _swallowed(tokens: Sequence[Token], lines: Sequence[str]) -> Iterator[int]:
    """Name the lines of HTML that stand directly above a fence."""
    for token in tokens:
        if token.type == "html_block" and token.map:
            start, end = token.map
            fence = next((at for at in range(start, end) if _FENCE.match(lines[at])), None)
            if fence is not None and not lines[start].lstrip().startswith(("<!--", "<script", "<style", "<pre")):
                yield from (at for at in range(start, fence) if lines[at].strip())


def _without_front_matter(lines: Sequence[str]) -> list[str]:
    """Blank out the YAML that some sites have at a page's beginning, so that all lines keep their numbers."""
    if lines and lines[0].strip() == "---":
        end = next((at for at, line in enumerate(lines[1:200], 1) if line.strip() in ("---", "...")), 0)
        return ["" if at <= end and end else line for at, line in enumerate(lines)]
    return list(lines)


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True
