"""pytest's own JUnit file, brought to say what the verdicts say.

pytest writes its file test by test, as each is seen for the first time. A claim that was inconclusive is observed once
more, and JUnit knows more words than pytest uses for us:

    holds, killed                  nothing
    broken, bug-not-seen, vacuous  <failure>: Kubernetes, or the lab, is not as claimed
    inconclusive, not run          <error>: something else went wrong, and nobody may read it as green
    known-bug, not-applicable      <skipped> with the reason
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence

from labkit.claims.verdicts import Observation

CLAIM, SABOTAGE = "claim", "sabotage"
"""Under these names a test case tells which observation is its own."""

ENDS = ("failure", "error", "skipped")
"""What a test case that did not pass has inside, one of them."""

_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold, not even escaped."""


def finish(
    text: str,
    observations: Sequence[Observation],
    verdicts: Mapping[str, str],
    *,
    missing: Sequence[str] = (),
    trouble: str | None = None,
) -> str:
    """Give pytest's file with each test case as it was last observed, and with the verdict on its claim.

    `verdicts` are those of the claims by id. What kept the whole run from coming off is a test case of its own.
    """
    root = ET.fromstring(text)
    suite = root if root.tag == "testsuite" else root[0]
    told = {(o.claim, o.sabotage): o for o in observations}
    first = {(o.claim, o.sabotage): o for o in reversed(observations)}
    for case in suite.iter("testcase"):
        properties = {p.get("name"): p.get("value") for p in case.iter("property")}
        key = (properties.get(CLAIM) or "", properties.get(SABOTAGE))
        if key not in told:
            continue
        _end(case, told[key], again=told[key] is not first[key])
        if key[1] is None and key[0] in verdicts:
            _property(case, "verdict", verdicts[key[0]])
        if told[key] is not first[key]:
            _property(case, "first observation", f"{first[key].outcome}: {first[key].message}")
    if wrong := "; ".join(filter(None, (f"cannot run: {trouble}" if trouble else "", _not_run(missing)))):
        case = ET.SubElement(suite, "testcase", {"classname": "labs", "name": "the run", "time": "0"})
        ET.SubElement(case, "error", {"message": legal(wrong)}).text = legal(wrong)
    _count(suite)
    return ET.tostring(root, encoding="unicode", xml_declaration=True)


def _end(case: ET.Element, observation: Observation, *, again: bool) -> None:
    tag, message = _said(observation)
    there = [child for child in case if child.tag in ENDS]
    if not again and tag and [child.tag for child in there] == [tag]:
        return  # pytest's own says more: it has the traceback
    for child in there:
        case.remove(child)
    if again:
        case.set("time", f"{observation.seconds:.3f}")
    if tag:
        attributes = {"message": legal(message)} | ({"type": "pytest.skip"} if tag == "skipped" else {})
        end = ET.SubElement(case, tag, attributes)
        end.text = legal(message)


def _said(observation: Observation) -> tuple[str, str]:
    """Give the end of an observation's test case, "" where it passed, and why."""
    wanted = "assertion" if observation.sabotage else "passed"
    if observation.outcome == wanted:
        return "", ""
    if observation.outcome == "passed":
        return "failure", f"vacuous: {observation.claim} stays green under its sabotage {observation.sabotage!r}"
    if observation.outcome in ("assertion", "bug-not-seen"):
        return "failure", observation.message
    if observation.outcome in ("known-bug", "not-applicable"):
        return "skipped", observation.message
    return "error", f"inconclusive: {observation.message}"


def _not_run(missing: Sequence[str]) -> str:
    return f"not run: {len(missing)} of the labs that were asked for, the first is {missing[0]}" if missing else ""


def _property(case: ET.Element, name: str, value: str) -> None:
    there = case.find("properties")
    properties = ET.SubElement(case, "properties") if there is None else there
    ET.SubElement(properties, "property", {"name": name, "value": legal(value)})


def _count(suite: ET.Element) -> None:
    cases = list(suite.iter("testcase"))
    counts = {"tests": len(cases)}
    for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        counts[attribute] = sum(case.find(tag) is not None for case in cases)
    for attribute, count in counts.items():
        suite.set(attribute, str(count))


def legal(text: str) -> str:
    """Give a text in which XML can hold every character."""
    return _ILLEGAL.sub(lambda found: f"#x{ord(found[0]):02X}", text)
