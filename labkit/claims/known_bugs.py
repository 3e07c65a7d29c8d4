"""Bugs of Kubernetes itself: which patches break a claim that is right, and what a lab sees of that.

On such a patch an outcome is read otherwise. Broken with the bug's own sign is a known bug. Not broken is a finding:
the patch is mended, or the bug was wrongly told. Broken in any other way is broken.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from labkit.claims.releases import age

Outcome = Literal["passed", "assertion", "inconclusive", "not-applicable", "known-bug", "bug-not-seen"]
"""How one run of a lab ended. "assertion": one of the lab's failed. "known-bug": with the sign of a bug that this
patch is known to have. "bug-not-seen": none failed, although the patch should have the bug."""

_ADDRESS = re.compile(r"https://[!-;=?-~]+")
_RANGE = re.compile(r"(1\.\d+\.\d+(?:-\w+\.\d+)?)(?: to (1\.\d+\.\d+(?:-\w+\.\d+)?))?")


@dataclass(frozen=True)
class KnownBug:
    """A bug of Kubernetes that breaks one claim on some patches."""

    address: str
    """Of the issue about it."""
    patches: tuple[str, ...]
    """Ranges of patches that have it, both ends included: "1.35.0 to 1.35.8", or one alone: "1.37.0"."""
    sign: str
    """Words of the lab's assertion that the bug makes fail: a lab that fails without them has seen something else."""

    def is_of(self, kubernetes: str) -> bool:
        """Tell whether a release, such as "v1.35.8", has the bug."""
        return any(first <= age(kubernetes) <= last for first, last in map(_ends, self.patches))

    @property
    def told(self) -> str:
        """Give its address and its patches in one line."""
        return f"{self.address} (of Kubernetes {' and '.join(self.patches)})"


def known_bug(address: str, *patches: str, sign: str) -> KnownBug:
    """Name a bug of Kubernetes that breaks a claim: where it is told, the patches that have it, what a lab sees of it.

    Raises ValueError for a bug that is not whole.
    """
    for wanting, what in (
        (not _ADDRESS.fullmatch(address), "its address is not an https address"),
        (not patches, "it names no patches that have it"),
        (not sign.strip(), "its sign is empty: put words of the assertion that it makes fail"),
    ):
        if wanting:
            raise ValueError(f"known bug {address}: {what}")
    for patch in patches:
        first, last = _ends(patch)
        if first > last:
            raise ValueError(f"known bug {address}: {patch!r} ends before it begins")
    return KnownBug(address, patches, sign)


def touch(patches: Sequence[str], minor: int) -> bool:
    """Tell whether ranges of patches have any of a minor, such as 37. Raises ValueError for what is no range."""
    return any(first[0] <= minor <= last[0] for first, last in map(_ends, patches))


def read(bug: KnownBug, outcome: Outcome, message: str, *, kubernetes: str, sabotaged: bool) -> tuple[Outcome, str]:
    """Read a lab's outcome on a release that has the bug; give it, and the message, as they are to be told.

    A sabotaged lab that fails as the bug makes it fail proves nothing there, and is a known bug too.
    """
    if outcome == "assertion" and bug.sign in message:
        return "known-bug", f"a bug of Kubernetes, {bug.told}\n{message}"
    if outcome == "passed" and not sabotaged:
        return "bug-not-seen", (
            f"it holds on {kubernetes}, which should have the bug {bug.told}:"
            " it is mended there, or was wrongly told; mend the patches that the claim names"
        )
    return outcome, message


def _ends(patches: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Give the first and the last release of a range. Raises ValueError for what is none."""
    found = _RANGE.fullmatch(patches)
    if found is None:
        raise ValueError(f"{patches!r} names no patches: write 1.36.3, or 1.36.3 to 1.36.5")
    return age(f"v{found[1]}"), age(f"v{found[2] or found[1]}")
