"""Which versions there are and what a person means by "1.37": versions.yaml, read and checked in one place."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from labkit.paths import ROOT
from labkit.trouble import CannotRun

FILE = ROOT / "versions.yaml"

_TAG = re.compile(r"v(?P<major>\d+)\.(?P<minor>\d+)\.\d+(-(?:alpha|beta|rc)\.\d+)?")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True)
class Version:
    """One Kubernetes version that can be asked for."""

    tag: str
    """What a published node image of it is called: v1.37.0."""
    digest: str | None
    """The published node image's digest; None for a tag that versions.yaml does not pin."""
    source: str
    """The tag that is built where the published image cannot be had; another patch of the same minor at most."""

    @property
    def minor(self) -> str:
        """The minor that both tags belong to: 1.37."""
        return minor_of(self.tag)


@dataclass(frozen=True)
class Versions:
    """The content of versions.yaml."""

    kubernetes: tuple[Version, ...]
    """Newest first."""
    kind: str
    node_repository: str
    node: dict[str, str]
    """What a node is made of besides Kubernetes: component to version."""
    minikube: dict[str, str]
    """minikube, and what its node holds besides that: component to version."""
    python: str
    """The sample images' base, by digest."""

    def resolve(self, wanted: str) -> Version:
        """Give the version meant by a minor, a full tag (with or without v) or "latest".

        Raises: CannotRun, listing what there is, when it is neither in the file nor a full tag.
        """
        if wanted == "latest":
            return self.kubernetes[0]
        bare = wanted.strip().removeprefix("v")
        tag = f"v{bare}"
        for version in self.kubernetes:
            if bare == version.minor:
                return version
            if tag == version.tag:  # who names a patch gets that one or none
                return replace(version, source=tag)
        if _TAG.fullmatch(tag):
            return Version(tag=tag, digest=None, source=tag)
        there_is = ", ".join(version.minor for version in self.kubernetes)
        raise CannotRun(
            f"Kubernetes {wanted} is not in {FILE.name}: ask for {there_is}, latest,"
            " or a full tag such as 1.37.2 or 1.38.0-alpha.1"
        )


def minor_of(tag: str) -> str:
    """Give the minor of a full tag: 1.37 of v1.37.0."""
    match = _TAG.fullmatch(tag)
    if not match:
        raise ValueError(f"{tag!r} is not a Kubernetes tag like v1.37.0")
    return f"{match['major']}.{match['minor']}"


@functools.cache
def read(path: Path = FILE) -> Versions:
    """Read versions.yaml.

    Raises: CannotRun that names the row when the file says something that cannot be.
    """
    try:
        content = yaml.safe_load(path.read_text())
        return Versions(
            kubernetes=tuple(_row(row) for row in content["kubernetes"]),
            kind=content["kind"],
            node_repository=content["node_repository"],
            node=dict(content["node"]),
            minikube=dict(content["minikube"]),
            python=content["python"],
        )
    except OSError as error:
        raise CannotRun(f"{path} cannot be read: {error.strerror}") from error
    except KeyError as error:
        raise CannotRun(f"{path} lacks {error}") from error
    except (yaml.YAMLError, ValueError, TypeError) as error:
        raise CannotRun(f"{path} is not as it should be: {' '.join(str(error).split())}") from error


def resolve(wanted: str) -> Version:
    """Give the version that versions.yaml has for `wanted`; see Versions.resolve."""
    return read().resolve(wanted)


def _row(row: dict[str, Any]) -> Version:
    tag, _, digest = row["published"].partition("@")
    if not _DIGEST.fullmatch(digest):
        raise ValueError(f"{row['published']!r} is not a tag with a digest, v1.37.0@sha256:...")
    version = Version(tag=tag, digest=digest, source=row["source"])
    if not row["minor"] == version.minor == minor_of(version.source):
        raise ValueError(f"the row of {row['minor']!r} names {version.tag} and {version.source}")
    return version
