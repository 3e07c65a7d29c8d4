"""A claim that is true of some versions only says so of the others."""

from __future__ import annotations

import pytest

from labkit.claims.claim import claim, claim_of, sabotage
from labkit.claims.releases import minor_number


def _claim(**range: str) -> object:
    @claim("pods.numbers", source="https://kubernetes.io/", twin="none", **range)  # type: ignore[arg-type]
    @sabotage("none")
    def lab() -> None:
        """A Pod has numbers."""

    return lab


@pytest.mark.parametrize(
    ("version", "reason"),
    [
        ("v1.34.4", "true since Kubernetes 1.35"),
        ("v1.35.0", None),
        ("1.36", None),
        ("v1.37.0-rc.1", "true until Kubernetes 1.37"),
    ],
)
def test_a_claim_is_of_the_versions_between_since_and_until(version: str, reason: str | None) -> None:
    declared = claim_of(_claim(since="1.35", until="1.37"))
    assert declared is not None
    assert declared.not_of(version) == reason


def test_a_claim_is_of_all_versions_where_nothing_is_said() -> None:
    declared = claim_of(_claim())
    assert declared is not None
    assert declared.not_of("v1.99.0") is None


@pytest.mark.parametrize("since", ["35", "v1.35", "1.35.2"])
def test_since_is_a_minor(since: str) -> None:
    with pytest.raises(ValueError, match=r"minors such as 1\.35"):
        _claim(since=since)


def test_what_is_no_version_is_none() -> None:
    with pytest.raises(ValueError, match="is not a version"):
        minor_number("2.0")
