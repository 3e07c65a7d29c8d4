"""What clusters, commands and labs said is untrusted: here it becomes plain visible text, before all else."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime
from typing import Any

_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff]"
)
"""Characters that a reader cannot see, or that change what others look like: controls, direction marks, halves."""


def cleaned(value: Any) -> Any:
    """Give JSON with every text in it as `clean` gives it, also in the keys."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [cleaned(inner) for inner in value]
    if isinstance(value, dict):
        return {clean(str(key)): cleaned(inner) for key, inner in value.items()}
    return value


def clean(text: str) -> str:
    """Put a visible sign in the place of each character that cannot be seen; lines and tabs stay."""
    return _UNSEEN.sub(_shown, text.replace("\r\n", "\n"))


def one_line(text: str) -> str:
    return " ".join(text.split())


def cut(text: str, most: int) -> str:
    """Give a text of at most so many characters and a mark of what is left out."""
    return text if len(text) <= most else f"{text[:most].rstrip()}\n[{len(text) - most} more characters]"


def moment(text: str) -> datetime | None:
    """Read a time, in UTC where it does not say; None where it is none."""
    try:
        read = datetime.fromisoformat(text)
        return (read if read.tzinfo else read.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def date(at: datetime) -> str:
    """Give a time as people write it: 23 November 2026, 13:37 UTC."""
    # Not strftime's %B: that speaks the language of the machine.
    return f"{at.day} {_MONTHS[at.month - 1]} {at.year}, {at:%H:%M} UTC"


def joined(words: list[str]) -> str:
    """Give "a", "a and b" or "a, b and c"."""
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _shown(match: re.Match[str]) -> str:
    code = ord(match[0])
    if 0xD800 <= code <= 0xDFFF:
        return "\N{REPLACEMENT CHARACTER}"
    if code < 0x20:
        return chr(0x2400 + code)
    return f"[{unicodedata.name(match[0], f'U+{code:04X}').lower()}]"


_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
