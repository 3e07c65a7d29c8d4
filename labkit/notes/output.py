"""What the notes show under a line against what it really printed: compared by meaning, where there is one.

Ages, addresses, generated letters and identifiers are free. What cannot be compared is not: a difference that means
nothing costs a reader more than one that is missed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

SAME, FORMAT, DIFFERENT, UNCOMPARED = "same", "format changed", "different", ""

_MEANT = ("READY", "STATUS", "TYPE", "DESIRED", "REPLICAS", "COMPLETIONS")
"""Columns of a table that a reader looks at; the others hold what every run has otherwise."""

_OLD_FORM = re.compile(
    r'^(\S+) "([^"]+)" (created|deleted|configured|exposed|labeled|scaled|annotated|patched|replaced)'
)
_NEW_FORM = re.compile(
    r"^\S+/(\S+) (created|deleted|configured|exposed|labeled|scaled|annotated|patched|replaced|unchanged)"
)
_FREE = re.compile(
    r"\d+\.\d+\.\d+\.\d+|\b[0-9a-f]{8,}\b|\d{4}-\d\d-\d\d|\d\d:\d\d:\d\d|\b\d+[smhd]\b|\.\.\.|…"
    r"|-[bcdf-hj-np-tv-z2456789]{5,10}\b|<[a-z]+>"
)
"""What differs from run to run, or stands for something left out."""

MOST_LINES = 6
"""Of an output that is compared word by word; a longer one has something of its own run in it."""


def must_fail(shown: Sequence[str]) -> str:
    """Give why the notes show a line failing: the server's reason or the error's words; "" where they do not."""
    for line in shown[:3]:
        if found := re.match(r"\s*[Ee]rror from server \((\w+)\)", line):
            return found[1]
        if found := re.match(r"\s*(?:[Ee]rror|The \S+ \"[^\"]*\" is invalid): ?(.*)", line):
            return "invalid" if "is invalid" in line else (found[1].strip() or "error")
    return ""


ANY_REASON = "whatever the reason"
"""Why a line fails of which the notes say only that it does."""

OF_THE_MOMENT = frozenset({
    "AlreadyExists", "Conflict", "InternalError", "ServerTimeout", "ServiceUnavailable", "Timeout", "TooManyRequests",
    "Unauthorized",
})  # fmt: skip
"""The server's reasons that hang on what was there when the notes were written: that they are not met is no fault."""

_REFUSED = r"(?:refused|rejected|denied|forbidden)"
_REMARK = re.compile(
    r"(?:this |it |that |which )?(?:"
    rf"fails\b|(?:will|should|must|is expected to|expected to) fail\b"
    rf"|(?:(?:will|should|must) be |is )?{_REFUSED}(?:\s+by\b.*|\s*(?:[.,:;!(].*)?$)|errors?\s*(?:[.,:;!(].*)?$)",
    re.IGNORECASE,
)
_ANNOUNCED = re.compile(
    rf"\b(?:(?:will|should|must|is expected to) (?:fail|be {_REFUSED})|is {_REFUSED}|this fails|which fails)\b[^.]*:$",
    re.IGNORECASE,
)
_IN_DOUBT = re.compile(
    r"\b(?:not|never|if|unless|until|when|otherwise|may|might|no longer|sometimes)\b"
    r"|n['\N{RIGHT SINGLE QUOTATION MARK}]t\b",
    re.IGNORECASE,
)


def said_to_fail(remark: str, sentence: str) -> str:
    """Give ANY_REASON, or Forbidden, where words of the notes say that a line fails; "" where they do not.

    remark: the comment behind the line; sentence: the text right above, where it announces this line and no other.
    """
    words = remark if _REMARK.match(remark.strip()) else sentence if _ANNOUNCED.search(sentence.strip()) else ""
    if not words or _IN_DOUBT.search(words):
        return ""
    return "Forbidden" if re.search(r"\bforbidden\b", words, re.IGNORECASE) else ANY_REASON


def fails_alike(wanted: str, said: str) -> bool:
    """Tell whether a failure is the one that the notes show."""
    if wanted == ANY_REASON:
        return True
    if re.fullmatch(r"[A-Z]\w+", wanted):
        return f"({wanted})" in said
    if wanted == "invalid":
        return "is invalid" in said
    words = set(re.findall(r"[a-z]{3,}", wanted.lower()))
    return bool(words) and len(words & set(re.findall(r"[a-z]{3,}", said.lower()))) >= 0.7 * len(words)


def compare(shown: Sequence[str], printed: str) -> tuple[str, str]:
    """Give what became of an output, and in what it differs."""
    wanted = [line.rstrip() for line in shown if line.strip()]
    real = [line.rstrip() for line in printed.split("\n") if line.strip()]
    if not wanted or not real:
        return UNCOMPARED, ""
    if _columns(wanted[0]) and _columns(real[0]):
        return _tables(wanted, real)
    if changed := _forms(wanted, real):
        return changed, ""
    if len(wanted) <= MOST_LINES and not any(_FREE.search(line) for line in wanted):
        plain = {_words(line) for line in real}
        missing = [line.strip() for line in wanted if _words(line) not in plain]
        return (DIFFERENT, f"it does not print {missing[0]}") if missing else (SAME, "")
    return UNCOMPARED, ""


def _forms(wanted: Sequence[str], real: Sequence[str]) -> str:
    """Compare what kubectl says that it has done: it said so otherwise before 1.12."""
    old = [m for line in wanted if (m := _OLD_FORM.match(line))]
    new = {(m[1], m[2]) for line in real if (m := _NEW_FORM.match(line))}
    if old and new:
        return FORMAT if all((m[2], m[3]) in new for m in old) else UNCOMPARED
    told = [m for line in wanted if (m := _NEW_FORM.match(line))]
    return SAME if told and all((m[1], m[2]) in new for m in told) else ""


def _tables(wanted: Sequence[str], real: Sequence[str]) -> tuple[str, str]:
    rows = list(_rows(real))
    for expected in _rows(wanted):
        name = next(iter(expected.values()), "")
        row = next((r for r in rows if _alike(name, next(iter(r.values()), ""))), None)
        if row is None:
            continue  # the author's cluster has more in it than this one
        for column in _MEANT:
            if column in expected and column in row and expected[column] != row[column] and "<" not in expected[column]:
                return DIFFERENT, f"{column} of {name} is {row[column]}, and {expected[column]} in the notes"
    return (SAME if _columns(wanted[0]) == _columns(real[0]) else FORMAT), ""


def _columns(line: str) -> list[str]:
    words = re.split(r"\s{2,}|\t", line.strip())
    return words if len(words) > 1 and all(re.fullmatch(r"[A-Z][A-Z0-9()/_ \-]*", word) for word in words) else []


def _rows(lines: Sequence[str]) -> list[Mapping[str, str]]:
    columns = _columns(lines[0])
    return [dict(zip(columns, re.split(r"\s{2,}|\t", line.strip()), strict=False)) for line in lines[1:]]


def _alike(one: str, other: str) -> bool:
    """Tell whether two names are one, but for the letters that a controller puts behind it."""
    return _stem(one) == _stem(other)


def _stem(name: str) -> str:
    letters = "[bcdf-hj-np-tv-z0-9]"
    return re.sub(rf"-(?:{letters}{{6,10}}-)?{letters}{{5}}$", "", name.rpartition("/")[2])


def _words(line: str) -> str:
    return " ".join(line.split())
