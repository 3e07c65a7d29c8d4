"""What the Go module proxy says of versions: which there are, which are newer, and whether one can really be had."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path

from labkit.supply import programs
from labkit.supply.process import Failed, ask
from labkit.supply.toolchain import Go
from labkit.trouble import CannotRun

_VERSION = re.compile(r"v(\d+)\.(\d+)\.(\d+)(?:-(alpha|beta|rc)\.(\d+))?")


def listed(go: Go, module: str) -> list[str]:
    """Give the releases and pre-releases of a module that the proxy lists, oldest first.

    A list need not be whole: a version that is not in it may be served all the same.
    Raises: CannotRun when the list is refused.
    """
    try:
        answer = ask([go.binary, "list", "-m", "-versions", "-json", module], env=go.environment(), cwd=Path("/"))
    except Failed as failed:
        raise CannotRun(
            f"the versions of {module} cannot be asked for ({failed.last_words}):"
            " see that the Go module proxy is in reach and lists them"
        ) from failed
    return sorted(filter(_VERSION.fullmatch, json.loads(answer).get("Versions") or []), key=order)


def order(version: str) -> tuple[int, int, int, str, int]:
    """Give the place of a version among others: v1.38.0-alpha.2, v1.38.0-rc.0, v1.38.0, v1.38.1."""
    found = _VERSION.fullmatch(version)
    if found is None:
        raise ValueError(f"{version!r} is not a version like v1.37.0 or v1.38.0-rc.1")
    major, minor, patch, stage, number = found.groups()
    return int(major), int(minor), int(patch), stage or "released", int(number or 0)


def is_release(version: str) -> bool:
    return "-" not in version


def next_patch(version: str) -> str:
    """Give the patch after a release: v1.37.2 of v1.37.1."""
    major, minor, patch, *_ = order(version)
    return f"v{major}.{minor}.{patch + 1}"


def newest_pre_release(versions: Iterable[str]) -> str | None:
    """Give the newest pre-release of what is not released yet."""
    newest = max(versions, key=order, default=None)
    return newest if newest and not is_release(newest) else None


def need_kubernetes(go: Go, tag: str) -> None:
    """See that a Kubernetes version can be built: its module and all that are published along with it.

    Raises: CannotRun, naming what cannot be had.
    """
    upstream = (go.download(programs.KUBERNETES, tag).folder / "go.mod").read_text()
    for module, version in re.findall(r"=> (k8s\.io/\S+) (\S+)", programs.kubernetes_go_mod(upstream, tag)):
        go.download(module, version)
