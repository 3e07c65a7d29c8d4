"""Releases of Kubernetes in their order, read from their tags."""

from __future__ import annotations

import re

_TAG = re.compile(r"v1\.(\d+)\.(\d+)(?:-(alpha|beta|rc)\.(\d+))?")
_VERSION = re.compile(r"v?1\.(\d+)(?:\.\d+.*)?")


def minor_number(version: str) -> int:
    """Give 36 of "1.36" or "v1.36.4". Raises ValueError for what is no version of Kubernetes 1."""
    found = _VERSION.fullmatch(version)
    if found is None:
        raise ValueError(f"{version!r} is not a version like 1.36 or v1.36.4")
    return int(found[1])


def is_tag(version: str) -> bool:
    """Tell whether this is a release's whole tag: v1.36.4, v1.38.0-alpha.1."""
    return _TAG.fullmatch(version) is not None


def age(tag: str) -> tuple[int, ...]:
    """Give a key that sorts tags as they were released: alphas before betas, candidates and the release."""
    found = _TAG.fullmatch(tag)
    if not found:
        raise ValueError(f"{tag!r} is not a Kubernetes tag")
    minor, patch, stage, number = found.groups()
    return int(minor), int(patch), ("alpha", "beta", "rc", None).index(stage), int(number or 0)
