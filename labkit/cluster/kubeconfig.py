"""What a context of the user's kubeconfig names, read and never written, and a kubectl to use it with."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from labkit.addresses import is_loopback
from labkit.cluster.labcluster import last_lines
from labkit.environment import of_lab
from labkit.paths import cache_dir
from labkit.trouble import CannotRun

CONFIG_S = 60.0
"""Seconds for kubectl to read the user's kubeconfig."""


def read(context: str) -> dict[str, Any]:
    """Read what the user's kubeconfig says of one context, whole in itself. Raises CannotRun.

    All files of $KUBECONFIG count, paths in them mean what they mean there, and certificates come along.
    """
    kubectl = any_kubectl()
    told = _config(kubectl, "view", "--raw", "--flatten", "--minify", f"--context={context}", "-o", "json")
    if told.returncode:
        names = _config(kubectl, "get-contexts", "-o", "name").stdout.split()
        if context not in names:
            there = f"there are {', '.join(sorted(names))}" if names else "it has none at all"
            raise CannotRun(f"the kubeconfig has no context {context}: {there}")
        raise CannotRun(f"kubectl cannot read the kubeconfig: {last_lines(told.stderr, 1)}")
    config: dict[str, Any] = json.loads(told.stdout)
    if not config.get("clusters"):
        raise CannotRun(f"context {context} names no cluster that is in the kubeconfig")
    config["users"] = config.get("users") or [{"name": "nobody", "user": {}}]
    if any(word.startswith("as") for word in config["users"][0]["user"]):
        raise CannotRun(f"the user of context {context} acts as another one: name a context without impersonation")
    config["contexts"][0]["context"]["user"] = config["users"][0]["name"]
    return config


def write(config: Mapping[str, Any], folder: Path) -> None:
    """Write a kubeconfig of ours, for nobody else to read."""
    path = folder / "kubeconfig"
    path.touch(mode=0o600)
    path.write_text(json.dumps(config), encoding="utf-8")


def hidden(config: Mapping[str, Any]) -> dict[str, str]:
    """Give what no record may show of a server that is not this machine, and what stands for it there."""
    url = str(config["clusters"][0]["cluster"].get("server", ""))
    host = urlsplit(url).hostname or ""
    if not host or is_loopback(host):
        return {}
    return {url: "https://the-api-server", host: "the-api-server"}


def any_kubectl() -> Path:
    """Give a kubectl to read a kubeconfig with, whatever its version."""
    if found := shutil.which("kubectl") or next(map(str, _built("*")), None):
        return Path(found)
    raise CannotRun("there is no kubectl: have one on PATH to use a context")


def kubectl_for(kubernetes: str) -> Path:
    """Give the kubectl of a version where one was built here, else the one on PATH."""
    return next(iter(_built(kubernetes)), None) or any_kubectl()


def _built(kubernetes: str) -> list[Path]:
    return sorted((cache_dir() / "parts").glob(f"kubernetes-{kubernetes}-{'[0-9a-f]' * 12}/kubectl"), reverse=True)


def _config(kubectl: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run kubectl config on the user's own kubeconfig; its words change nothing there."""
    try:
        return subprocess.run(
            [kubectl, "config", *words],
            capture_output=True,
            text=True,
            check=False,
            timeout=CONFIG_S,
            env=_environment(),
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CannotRun(f"kubectl cannot read the kubeconfig: {type(error).__name__}") from error


def _environment() -> dict[str, str]:
    """Give what kubectl reads the user's own kubeconfig by."""
    theirs = {"KUBECONFIG": os.environ["KUBECONFIG"]} if "KUBECONFIG" in os.environ else {}
    return of_lab() | theirs | {"KUBECTL_KUBERC": "false"}
