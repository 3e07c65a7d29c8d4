"""The verdict on each mutant, and the file that keeps them: results/mutants.json, checked by a schema."""

from __future__ import annotations

import functools
import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, Literal

import jsonschema

from labkit.claims import results_file
from labkit.claims.verdicts import EXIT_BROKEN, EXIT_HOLDS, EXIT_INCONCLUSIVE, Observation
from labkit.mutants.mutant import Mutant
from labkit.trouble import EXIT_COULD_NOT_RUN, CannotRun

PATH = results_file.FOLDER / "mutants.json"
SCHEMA = 1

Verdict = Literal["killed", "survived", "collateral", "unwell", "inconclusive", "not-applicable", "faulty"]
"""killed: every claim that must turn is broken, and no other. survived: one that must turn holds. collateral: one that
need not turn is broken. unwell: the cluster itself does not work with it. faulty: its file is wrong, or what comes of
it does not compile."""

BAD = ("survived", "collateral", "unwell")

Record = dict[str, Any]


def judge(
    mutant: Mutant,
    observations: Iterable[Observation],
    *,
    required: Collection[str],
    broken_anyway: Collection[str] = (),
) -> Record:
    """Give a mutant's record from what was observed with it, in the order in which it was.

    `required` are those of its claims that are about the version and hold on it. An inconclusive observation is
    superseded by the one that was made alone. What is not applicable there says nothing, and neither do claims that are
    `broken_anyway`, by a known bug of that version, in whatever way they are broken with the mutant.
    """
    last = {o.claim: o for o in observations}
    turned = [_told(o) for o in last.values() if o.outcome == "assertion"]
    held = sorted(id for id in required if id in last and last[id].outcome == "passed")
    unclear = {o.claim: o.message for o in last.values() if o.outcome == "inconclusive"}
    told = ("passed", "assertion", "inconclusive")
    unseen = [id for id in required if id not in last or last[id].outcome not in told]
    collateral = [one["claim"] for one in turned if one["claim"] not in {*required, *mutant.may_turn, *broken_anyway}]
    verdict, reason = _verdict(sorted(required), held, unclear, unseen, collateral)
    return record(
        mutant,
        verdict,
        reason,
        required=required,
        turned=turned,
        held=held,
        collateral=collateral,
        unclear=[{"claim": id, "message": message} for id, message in unclear.items()],
        claims_seen=sum(o.outcome in ("passed", "assertion") for o in last.values()),
    )


def record(mutant: Mutant, verdict: Verdict, reason: str = "", *, required: Collection[str], **seen: Any) -> Record:
    """Give the record of a mutant; without `seen`, of one that no claim was tried with."""
    nothing: Record = {"turned": [], "held": [], "collateral": [], "unclear": [], "claims_seen": 0}
    return {
        "name": mutant.name,
        "sentence": mutant.sentence,
        **mutant.change,
        "required": sorted(required),
        "verdict": verdict,
        "reason": reason,
        "started": "",
        "build_s": 0.0,
        "swap_s": 0.0,
        "labs_s": 0.0,
        **nothing,
        **seen,
    }


def read(path: Path = PATH) -> list[Record]:
    """Read the runs of a file, newest version first; none where there is no file. Raises CannotRun."""
    if not path.exists():
        return []
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        _checker().validate(content)
    except (OSError, ValueError, RecursionError) as error:
        raise CannotRun(f"{path} is no file of mutants ({error}); delete it and run `nox -s mutants` again") from error
    except jsonschema.ValidationError as error:
        raise CannotRun(
            f"{path} is of another schema ({error.message[:200]}); delete it and run `nox -s mutants` again"
        ) from error
    runs: list[Record] = content["runs"]
    return runs


def merged(runs: Sequence[Record], run: Record, known: Collection[Mutant]) -> list[Record]:
    """Give the runs with one more, that of a version, whose earlier records of other mutants stay.

    Unless they are of mutants that are no more, or that were worded otherwise then.
    """
    version = run["kubernetes"]
    changes = {one.name: one.change for one in known}
    kept = [
        old
        for earlier in runs
        if earlier["kubernetes"] == version
        for old in earlier["mutants"]
        if changes.get(old["name"]) == {key: old[key] for key in ("program", "file", "find", "instead")}
    ]
    by_name = {one["name"]: one for one in [*kept, *run["mutants"]]}
    whole = run | {"mutants": [by_name[name] for name in sorted(by_name)]}
    others = [one for one in runs if one["kubernetes"] != version]
    return sorted([*others, whole], key=lambda one: _age(one["kubernetes"]), reverse=True)


def write(runs: Sequence[Record], path: Path = PATH) -> None:
    """Write the file whole or not at all. Raises CannotRun where it cannot be written."""
    content = {"schema": SCHEMA, "runs": list(runs)}
    _checker().validate(content)
    results_file.put(path, content)


def caught(runs: Iterable[Record]) -> dict[str, list[dict[str, str]]]:
    """Give for each claim the changes that it was seen to catch: `mutant`, `sentence`, `kubernetes`, `message`.

    Of a mutant that several versions saw, the newest version's.
    """
    told: dict[str, dict[str, dict[str, str]]] = {}
    for run in runs:
        for one in run["mutants"]:
            for turn in one["turned"]:
                if turn["claim"] in one["collateral"]:
                    continue  # nobody knows yet why it turned
                seen = {
                    "mutant": one["name"],
                    "sentence": one["sentence"],
                    "kubernetes": run["kubernetes"],
                    "message": turn["message"],
                }
                told.setdefault(turn["claim"], {}).setdefault(one["name"], seen)
    return {id: [changes[name] for name in sorted(changes)] for id, changes in told.items()}


def exit_code(records: Iterable[Record], *, faults: Collection[str] = (), trouble: str | None = None) -> int:
    """Give the exit code: what could not run first, then what was not killed, then what nobody knows."""
    verdicts = Counter(one["verdict"] for one in records)
    if trouble or faults or verdicts["faulty"]:
        return EXIT_COULD_NOT_RUN
    if any(verdicts[bad] for bad in BAD):
        return EXIT_BROKEN
    return EXIT_INCONCLUSIVE if verdicts["inconclusive"] else EXIT_HOLDS


def table(records: Sequence[Record]) -> list[str]:
    """Give the table that ends a run: a line a mutant, then what is to be said of those that were not killed."""
    width = max(len("mutant"), *(len(one["name"]) for one in records), 0)
    head = f"{'mutant':<{width}}  {'program':<23}  {'verdict':<14}  turned   seen  build  swap  labs"
    lines = ["", head] if records else []
    for one in records:
        times = "  ".join(f"{one[key]:3.0f} s" for key in ("build_s", "swap_s", "labs_s"))
        must = sum(turn["claim"] in one["required"] for turn in one["turned"])
        lines.append(
            f"{one['name']:<{width}}  {one['program']:<23}  {one['verdict']:<14}"
            f"  {must:>2} of {len(one['required']):<2} {one['claims_seen']:>3}  {times}"
        )
    for one in records:
        if one["verdict"] != "killed":
            lines += ["", f"{one['verdict']}: {one['name']}: {one['sentence']}", f"  {one['reason']}"]
        for turn in one["turned"]:
            if turn["claim"] in one["collateral"]:
                lines += [f"  {turn['claim']}: {line}" for line in turn["message"].splitlines()[:3]]
    return lines


def _verdict(
    required: list[str], held: list[str], unclear: Mapping[str, str], unseen: list[str], collateral: list[str]
) -> tuple[Verdict, str]:
    if held:
        return "survived", f"{_joined(held)} {'holds' if len(held) == 1 else 'hold'} all the same"
    if unknown := [id for id in required if id in unclear]:
        return "inconclusive", "; ".join(f"{id}: {unclear[id]}" for id in unknown)
    if unseen:
        return "inconclusive", f"{_joined(unseen)} could not be tried"
    if collateral:
        return "collateral", f"{_joined(collateral)} turned, and need not"
    return "killed", ""


def _joined(ids: Sequence[str]) -> str:
    return ", ".join(ids)


def _told(observation: Observation) -> dict[str, str]:
    return {"claim": observation.claim, "message": observation.message}


def _age(tag: str) -> tuple[int, ...]:
    return tuple(int(number) for number in tag.removeprefix("v").partition("-")[0].split("."))


@functools.cache
def _checker() -> jsonschema.Draft202012Validator:
    schema = resources.files("labkit.mutants").joinpath("results.schema.json").read_text("utf-8")
    return jsonschema.Draft202012Validator(json.loads(schema))
