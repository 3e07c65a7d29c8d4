"""The news: what a reader who comes back wants to know first, in sentences."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from labkit.report.matrix import BAD, NOT_RUN, VERDICTS, Change, Claim, Matrix, Version
from labkit.report.text import counted, joined


@dataclass(frozen=True)
class Changes:
    """All claims whose verdict changed from one version to a newer one."""

    older: Version
    newer: Version
    skipped: tuple[str, ...]
    """Versions between the two that say nothing of these claims."""
    changed: tuple[tuple[Claim, Change], ...]

    def besides(self, told: list[tuple[Claim, str, list[str]]]) -> list[Claim]:
        """Give the claims that are not yet told of as bad or as broken by a bug."""
        known = {claim.id for claim, _, _ in told}
        return [claim for claim, _ in self.changed if claim.id not in known]


def headline(matrix: Matrix) -> str:
    """Say in one sentence how the newest version fares."""
    newest = matrix.newest
    counts = matrix.counts(newest)
    judged = sum(counts.values()) - counts[NOT_RUN]
    tried = " that were run" if counts[NOT_RUN] else ""
    if not judged:
        return f"No claim was run on Kubernetes {newest.name}."
    if counts["holds"] != judged:
        others = [
            f"{counted(counts[v], 'known bug')} of Kubernetes"
            if v == "known-bug"
            else f"{counts[v]} {v.replace('-', ' ')}"
            for v in VERDICTS
            if v not in ("holds", NOT_RUN) and counts[v]
        ]
        verb = "hold" if counts["holds"] != 1 else "holds"
        told = f"{counts['holds']} of {counted(judged, 'claim')}{tried} {verb}"
        return f"{told} on Kubernetes {newest.name}; {joined(others)}."
    if judged == 1:
        return f"The one claim that was run holds on Kubernetes {newest.name}."
    return f"All {judged} claims{tried} hold on Kubernetes {newest.name}."


def changes(matrix: Matrix) -> list[Changes]:
    """Give what changed, the newest first, each between the two versions that show it."""
    pairs: dict[tuple[Version, Version], list[tuple[Claim, Change]]] = {}
    place = {version.name: index for index, version in enumerate(matrix.versions)}
    for claim in matrix.claims:
        for change in claim.changes:
            pairs.setdefault((change.older, change.newer), []).append((claim, change))
    told = []
    for (older, newer), changed in pairs.items():
        between = matrix.versions[place[newer.name] + 1 : place[older.name]]
        told.append(Changes(older, newer, tuple(v.name for v in between), tuple(changed)))
    return sorted(told, key=lambda change: (place[change.newer.name], place[change.older.name]))


def bad(matrix: Matrix) -> list[tuple[Claim, str, list[str]]]:
    """Give the claims of which there is a finding on some version: (claim, verdict, versions)."""
    return [
        (claim, verdict, names)
        for verdict in BAD
        for claim in matrix.claims
        if (names := [cell.version.name for cell in claim.cells if cell.verdict == verdict])
    ]


def known_bugs(matrix: Matrix) -> list[tuple[Claim, str, list[str]]]:
    """Give the claims that a known bug of Kubernetes breaks on some version: (claim, address, versions).

    The address is that of the bug, "" where it is not told.
    """
    told = []
    for claim in matrix.claims:
        cells = [cell for cell in claim.cells if cell.verdict == "known-bug"]
        if cells:
            told.append((claim, cells[0].bug, [cell.version.name for cell in cells]))
    return told


def not_run(matrix: Matrix) -> list[str]:
    """Say which versions are missing, and which were run for a part of the claims only."""
    missing = [version.name for version in matrix.versions if not version.tag]
    lines = [f"{joined(missing)} {'was' if len(missing) == 1 else 'were'} not run."] if missing else []
    for version in matrix.ran:
        counts = matrix.counts(version)
        if counts[NOT_RUN]:
            ran = sum(counts.values()) - counts[NOT_RUN]
            lines.append(f"On {version.name} only {ran} of {sum(counts.values())} claims were run.")
    return lines


def about_the_notes(matrix: Matrix) -> str:
    """Say how many claims correct the notes, and how."""
    kinds = Counter(str(claim.record["notes"]["verdict"]) for claim in matrix.claims)
    corrected = sum(kinds[kind] for kind in ("wrong", "changed", "imprecise"))
    if not corrected:
        return ""
    parts = [
        f"{kinds[kind]} {words}"
        for kind, words in (
            ("wrong", "wrong from the start"),
            ("changed", "overtaken by a release"),
            ("imprecise", "imprecise"),
        )
        if kinds[kind]
    ]
    return f"{corrected} of {counted(len(matrix.claims), 'claim')} correct the notes: {joined(parts)}."


def about_the_mutants(matrix: Matrix) -> str:
    """Say how many changes of Kubernetes the labs were tried with, and how many claims caught one."""
    if not matrix.mutants:
        return ""
    verdicts = Counter(str(one["verdict"]) for one in matrix.mutants)
    tried, killed = sum(verdicts.values()) - verdicts["not-applicable"], verdicts["killed"]
    catching = sum(topic.catching for topic in matrix.topics)
    return (
        f"Of {counted(tried, 'change')} of Kubernetes {killed} {'was' if killed == 1 else 'were'} caught"
        f" by every claim that must; {catching} of {counted(len(matrix.claims), 'claim')} caught one."
    )
