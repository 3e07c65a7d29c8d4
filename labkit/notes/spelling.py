"""What notes themselves contradict: an image spelled in two ways, and a copy that goes another way than its sentence.

Read from the notes alone. Where an image can be pulled as it is spelled, nothing is said of it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from labkit.notes import mend
from labkit.notes.understand import Command, Notes

_IMAGE = re.compile(r"(?:--image[= ]|^\s*(?:- )?image:\s*)[\"']?([\w./:\-]*[/.][\w./:\-]*)")
"""With a registry or an owner before its name: short names are spelled alike by chance."""

ALIKE = 0.9
"""How alike two spellings of one image are."""

_INTO = re.compile(r"\b(?:local|host|machine)\b.*\b(?:in)?to\b.*\b(?:pod|container)\b", re.IGNORECASE)
_OUT_OF = re.compile(r"\b(?:pod|container)\b.*\bto\b.*\b(?:local|host|machine)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Contradiction:
    """A line that the notes contradict."""

    line: int
    text: str
    """The line as written."""
    reason: str
    in_command: bool


def contradictions(notes: Notes, unpullable: Collection[str]) -> Iterator[Contradiction]:
    """Find them; `unpullable` are the images that no registry has given here."""
    yield from _images(notes, unpullable)
    for command in notes.commands:
        if reason := _copies_the_other_way(notes, command):
            yield Contradiction(command.line, command.text, reason, True)


def _images(notes: Notes, unpullable: Collection[str]) -> Iterator[Contradiction]:
    used = list(_used(notes))
    count = Counter(image.rpartition(":")[0] or image for _, image, _ in used)
    for line, image, in_command in used:
        name = image.rpartition(":")[0] or image
        other = mend.nearest(name, (n for n in count if count[n] > count[name]), ALIKE)
        if other and image in unpullable:
            yield Contradiction(
                line,
                notes.document.lines[line - 1].strip(),
                f"image {name} cannot be pulled; elsewhere it is spelled {other}, which cannot be pulled here either",
                in_command,
            )


def _used(notes: Notes) -> Iterator[tuple[int, str, bool]]:
    for index, block in enumerate(notes.document.blocks):
        if notes.kinds[index] in ("commands", "manifest"):
            for at, line in enumerate(block.lines):
                if found := _IMAGE.search(line):
                    yield block.line + at, found[1], notes.kinds[index] == "commands"


def _copies_the_other_way(notes: Notes, command: Command) -> str:
    """Hold a `kubectl cp` against the sentence that announces it."""
    call = next((c for c in command.kubectls if c.verb == "cp" and len(c.words) == 2), None)
    block = notes.document.blocks[command.block]
    above = block.above[0] if block.above else ""
    if call is None:
        return ""
    from_pod, to_pod = (":" in word for word in call.words)
    if _INTO.search(above) and from_pod and not to_pod:
        return "the sentence above copies into the container, and the line out of it: its two paths are swapped"
    if _OUT_OF.search(above) and to_pod and not from_pod:
        return "the sentence above copies out of the container, and the line into it: its two paths are swapped"
    return ""
