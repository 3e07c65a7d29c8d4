"""The verdict on each claim, judged from what was observed of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

from labkit.claims.claim import Claim
from labkit.claims.known_bugs import Outcome
from labkit.trouble import EXIT_COULD_NOT_RUN

Verdict = Literal["holds", "broken", "bug-not-seen", "vacuous", "inconclusive", "known-bug", "not-applicable"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
"""In the order in which they are told."""

FINDINGS: tuple[Verdict, ...] = ("broken", "bug-not-seen", "vacuous")
"""Verdicts that say that something is not as claimed: they fail the run."""

EXIT_HOLDS, EXIT_BROKEN, EXIT_INCONCLUSIVE = 0, 1, 2
"""The exit codes of a run that came off: all hold, but for known bugs; there is a finding; one is inconclusive."""


@dataclass(frozen=True)
class Observation:
    """One run of one lab, clean or sabotaged, as the process that ran it reports it (JSON-able by `asdict`).

    `message` says why for all outcomes but "passed". `cause` says what keeps the whole run from going on, if anything
    does. `line` is where in the lab's file it ended, or else where the lab begins.
    """

    claim: str
    nodeid: str
    sabotage: str | None
    outcome: Outcome
    message: str
    seconds: float
    started: str
    alone: bool = False
    cause: str = ""
    floor_s: float = 0.0
    ceiling_s: float = 0.0
    timeline: list[dict[str, Any]] = field(default_factory=list)
    commands: list[dict[str, Any]] = field(default_factory=list)
    windows: list[dict[str, Any]] = field(default_factory=list)
    manifests: dict[str, str] = field(default_factory=dict)
    latencies_s: list[float] = field(default_factory=list)
    line: int = 0


def hide(observation: Observation, words: Mapping[str, str]) -> Observation:
    """Give the observation with other words for those that no record may show, wherever they are in it."""

    def without(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: without(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [without(inner) for inner in value]
        if isinstance(value, str):
            for word, said in words.items():
                value = value.replace(word, said)
        return value

    return Observation(**without(asdict(observation)))


def judge(claim: Claim, observations: Iterable[Observation], told: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Give a claim's record from all that was observed of it, in the order in which it was.

    `told` is what the lab's source says of it, as `prose.read` gives it.

    An inconclusive observation is superseded by the one that was made alone; both are kept.
    """
    seen = list(observations)
    clean = [o for o in seen if o.sabotage is None]
    last = clean[-1] if clean else None
    sabotages, unclear = _sabotages(claim, seen)
    verdict, reason = _verdict(last)
    shown = verdict in ("holds", "known-bug")
    if shown and (survivors := [s["name"] for s in sabotages if s["result"] == "survived"]):
        verdict, reason = "vacuous", f"stays green under its sabotage: {', '.join(survivors)}"
    elif shown and unclear:
        verdict, reason = "inconclusive", "; ".join(unclear)
    record: dict[str, Any] = {
        "id": claim.id,
        "statement": claim.statement,
        "topic": claim.topic,
        "ledger": list(claim.ledger),
        "source": claim.source,
        "twin": claim.twin or "",
        "no_twin": claim.no_twin or "",
        "verdict": verdict,
        "reason": reason,
        "started": last.started if last else "",
        "seconds": round(last.seconds, 3) if last else 0.0,
        "floor_s": round(last.floor_s, 3) if last else 0.0,
        "ceiling_s": round(last.ceiling_s, 3) if last else 0.0,
        "timeline": last.timeline if last else [],
        "commands": last.commands if last else [],
        "windows": last.windows if last else [],
        "manifests": [{"file": file, "text": text} for file, text in last.manifests.items()] if last else [],
        "observations": [
            {"outcome": o.outcome, "alone": o.alone, "seconds": round(o.seconds, 3), "message": o.message}
            for o in clean
        ],
        "sabotage": sabotages,
        "notes": asdict(claim.notes),
        "since": claim.since,
        "until": claim.until,
        "bug": {"address": claim.bug.address, "patches": list(claim.bug.patches)} if claim.bug else None,
    }
    if told:
        record["lab"] = dict(told)
    return record


def exit_code(records: Iterable[dict[str, Any]], *, missing: Iterable[str] = (), trouble: str | None = None) -> int:
    """Give the run's exit code: trouble and claims that never ran first, then findings, then inconclusive."""
    verdicts = Counter(r["verdict"] for r in records)
    if trouble or list(missing):
        return EXIT_COULD_NOT_RUN
    if any(verdicts[finding] for finding in FINDINGS):
        return EXIT_BROKEN
    return EXIT_INCONCLUSIVE if verdicts["inconclusive"] else EXIT_HOLDS


def _verdict(last: Observation | None) -> tuple[Verdict, str]:
    if last is None:
        return "inconclusive", "was not observed"
    if last.outcome == "passed":
        return "holds", ""
    if last.outcome == "assertion":
        return "broken", last.message
    return last.outcome, last.message


def _sabotages(claim: Claim, seen: list[Observation]) -> tuple[list[dict[str, Any]], list[str]]:
    """Give the sabotages that ended killed or survived, and sentences about those that did not get so far."""
    told: list[dict[str, Any]] = []
    unclear: list[str] = []
    for sabotage in claim.sabotages:
        runs = [o for o in seen if o.sabotage == sabotage.name]
        if not runs:
            continue
        last = runs[-1]
        if last.outcome in ("passed", "assertion"):
            result = "survived" if last.outcome == "passed" else "killed"
            told.append(
                {"name": sabotage.name, "result": result, "seconds": round(last.seconds, 3), "message": last.message}
            )
        elif last.outcome != "known-bug":  # that one proves nothing here: the lab is as red without it
            unclear.append(f"the sabotage {sabotage.name!r} did not get to an assertion: {last.message}")
    return told, unclear
