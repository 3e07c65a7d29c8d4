"""Bugs of single patches: which releases have them, and how an outcome is read there."""

from __future__ import annotations

from typing import Any

import pytest

from labkit.claims import known_bugs
from labkit.claims.claim import claim, claim_of, load_claims, sabotage
from labkit.claims.known_bugs import known_bug
from labkit.paths import ROOT

ADDRESS = "https://github.com/kubernetes/kubernetes/issues/1"
BUG = known_bug(ADDRESS, "1.35.0 to 1.35.8", "1.36.3 to 1.36.5", "1.37.1", sign="it was Ready to the last")


@pytest.mark.parametrize(
    ("release", "has_it"),
    [
        ("v1.34.12", False),
        ("v1.35.0-rc.1", False),
        ("v1.35.0", True),
        ("v1.35.8", True),
        ("v1.35.10", False),
        ("v1.36.2", False),
        ("v1.36.4", True),
        ("v1.36.10", False),
        ("v1.37.0", False),
        ("v1.37.1", True),
    ],
)
def test_ranges_of_patches_have_both_their_ends(release: str, has_it: bool) -> None:
    assert BUG.is_of(release) is has_it


def test_a_pre_release_can_end_a_range() -> None:
    bug = known_bug(ADDRESS, "1.35.0 to 1.38.0-alpha.2", sign="no")
    assert [bug.is_of(f"v1.38.0-alpha.{n}") for n in (2, 3)] == [True, False]


@pytest.mark.parametrize(
    ("address", "patches", "sign", "said"),
    [
        ("#140881", ("1.35.0",), "no", "not an https address"),
        ("https://x/<script>", ("1.35.0",), "no", "not an https address"),
        (ADDRESS, (), "no", "names no patches"),
        (ADDRESS, ("1.35",), "no", "write 1.36.3, or 1.36.3 to 1.36.5"),
        (ADDRESS, ("v1.35.0 to v1.35.8",), "no", "write 1.36.3, or 1.36.3 to 1.36.5"),
        (ADDRESS, ("1.35.8 to 1.35.0",), "no", "ends before it begins"),
        (ADDRESS, ("1.35.0",), " ", "its sign is empty"),
    ],
)
def test_a_bug_is_told_whole(address: str, patches: tuple[str, ...], sign: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        known_bug(address, *patches, sign=sign)


@pytest.mark.parametrize(
    ("outcome", "message", "sabotaged", "read"),
    [
        ("assertion", "it was Ready to the last\nassert 1 == 2", False, "known-bug"),
        ("assertion", "nobody answered", False, "assertion"),  # another fault does not hide behind the bug
        ("passed", "", False, "bug-not-seen"),
        ("inconclusive", "it was Ready to the last", False, "inconclusive"),
        ("not-applicable", "no minikube", False, "not-applicable"),
        ("assertion", "it was Ready to the last", True, "known-bug"),
        ("assertion", "nobody answered", True, "assertion"),
        ("passed", "", True, "passed"),
    ],
)
def test_an_outcome_is_read_with_the_bug_in_mind(outcome: Any, message: str, sabotaged: bool, read: str) -> None:
    now, said = known_bugs.read(BUG, outcome, message, kubernetes="v1.36.4", sabotaged=sabotaged)
    assert now == read
    assert message in said
    assert (ADDRESS in said) is (read in ("known-bug", "bug-not-seen"))


def test_a_claim_knows_its_bug() -> None:
    @claim("pods.numbers", source="https://kubernetes.io/", twin="none", bug=BUG)
    @sabotage("none")
    def lab() -> None:
        """A Pod has numbers."""

    declared = claim_of(lab)
    assert declared
    assert (declared.bug_of("v1.36.4"), declared.bug_of("v1.36.0")) == (BUG, None)


@pytest.mark.parametrize(
    "told", [one for one in load_claims(ROOT / "labs").values() if one.bug], ids=lambda one: one.id
)
def test_the_sign_of_a_bug_is_what_its_lab_can_say(told: Any) -> None:
    source = (ROOT / "labs" / f"test_{told.topic}.py").read_text(encoding="utf-8")
    words = told.bug.sign.partition(": not within")[0]
    # Once where the claim names it, and at the assertion.
    assert source.count(f'"{words}') >= 2, f"no assertion of {told.id} says {words!r}"
