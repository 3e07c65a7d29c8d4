"""What each minor of Kubernetes changed: claims that are true since then, beside those that were true before it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from labkit.claims import known_bugs
from labkit.claims.releases import minor_number
from labkit.report.matrix import Claim, Matrix, Topic


@dataclass(frozen=True)
class Border:
    """One thing that a minor changed, seen from one side at least."""

    since: Claim | None
    """What is true since that minor."""
    before: Claim | None
    """What was true before it."""


@dataclass(frozen=True)
class Minor:
    """One minor: the borders to the one before it, by topic, and the claims that known bugs of its patches break."""

    name: str
    """Such as "1.37"."""
    topics: tuple[tuple[Topic, tuple[Border, ...]], ...]
    bugs: tuple[Claim, ...]

    @property
    def borders(self) -> int:
        return sum(len(borders) for _, borders in self.topics)


def by_minor(matrix: Matrix) -> list[Minor]:
    """Give every minor that changed something or has known bugs, newest first."""
    minors = {minor for claim in matrix.claims for minor in (claim.since, claim.until) if minor}
    minors |= {
        minor
        for minor in {f"1.{version.minor}" for version in matrix.versions}
        if any(_has_bug(claim, minor) for claim in matrix.claims)
    }
    told = []
    for name in sorted(minors, key=minor_number, reverse=True):
        topics = [(topic, tuple(_borders(topic, name))) for topic in matrix.topics]
        bugs = tuple(claim for claim in matrix.claims if _has_bug(claim, name))
        told.append(Minor(name, tuple((topic, borders) for topic, borders in topics if borders), bugs))
    return told


def other_sides(minors: Iterable[Minor]) -> dict[str, list[tuple[str, Claim]]]:
    """Give for a claim's id what was before it and what is since: [("Before 1.36", claim), ("Since 1.38", claim)]."""
    told: dict[str, list[tuple[str, Claim]]] = {}
    for minor in minors:
        for _, borders in minor.topics:
            for border in borders:
                if border.since and border.before:
                    told.setdefault(border.since.id, []).append((f"Before {minor.name}", border.before))
                    told.setdefault(border.before.id, []).append((f"Since {minor.name}", border.since))
    return told


def _borders(topic: Topic, minor: str) -> list[Border]:
    """Pair the claims on either side of a minor: in their module each stands next to its other side."""
    claims = topic.claims
    told: list[Border] = []
    paired: set[str] = set()
    for place, claim in enumerate(claims):
        if claim.since != minor:
            continue
        beside = (*claims[place + 1 : place + 2], *claims[max(place - 1, 0) : place])
        before = next((other for other in beside if other.until == minor and other.id not in paired), None)
        paired |= {before.id} if before else set()
        told.append(Border(claim, before))
    return told + [Border(None, claim) for claim in claims if claim.until == minor and claim.id not in paired]


def _has_bug(claim: Claim, minor: str) -> bool:
    return known_bugs.touch(claim.bug_patches, minor_number(minor))
