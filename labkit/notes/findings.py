"""What a check says: one finding for each thing that it looked at, with all that it hangs on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from labkit.notes.judge import CONTEXT, FAULT, HOLDS, NOT_RUN, WARNS
from labkit.notes.mend import Edit
from labkit.notes.scenario import Step


@dataclass(frozen=True)
class Evidence:
    """One thing typed, and what really came."""

    when: str
    """as written, mended, or control: the whole scenario again, mended."""
    typed: str
    rc: int
    stdout: str
    stderr: str
    seconds: float


@dataclass(frozen=True)
class Finding:
    """The verdict on one line, or on one block, on one version."""

    step: Step
    text: str
    """The line as written; of a manifest the line that is to blame."""
    verdict: str
    reason: str = ""
    line: int = 0
    mended: str = ""
    """How the line reads mended, where a mend was seen to work."""
    edits: tuple[Edit, ...] = ()
    told: tuple[str, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    unmended: str = ""
    """Why a fault has no mend, where that is known."""

    @property
    def proven(self) -> bool:
        """Whether the scenario passed with this mended, and with nothing else changed but other mends."""
        return bool(self.edits)


@dataclass(frozen=True)
class Judged:
    """A document on one version."""

    kubernetes: str
    findings: tuple[Finding, ...]
    seconds: float = 0.0


def counts(findings: Iterable[Finding]) -> Counter[str]:
    """Count findings by verdict."""
    return Counter(finding.verdict for finding in findings)


def summary(findings: Sequence[Finding]) -> str:
    """Give the numbers in one line: 31 hold, 1 warns, 2 faults (both with a proven mend), 5 not run."""
    count = counts(findings)
    parts = [f"{count[HOLDS]} hold", f"{count[WARNS]} warn{'s' if count[WARNS] == 1 else ''}"]
    proven = sum(f.proven for f in findings if f.verdict == FAULT)
    faults = count[FAULT]
    told = ""
    if faults:
        share = (
            "both"
            if faults == 2 == proven
            else "all"
            if proven == faults > 1
            else "it"
            if proven == faults
            else str(proven)
        )
        told = (
            " (with a proven mend)"
            if share == "it"
            else f" ({share} with a proven mend)"
            if proven
            else " (no mend found)"
        )
    parts.append(f"{faults} fault{'' if faults == 1 else 's'}{told}")
    parts.append(f"{count[CONTEXT]} context")
    parts.append(f"{count[NOT_RUN]} not run")
    return ", ".join(parts)
