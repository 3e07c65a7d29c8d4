"""What the user's `docker login` left for a registry; asked for one at a time, and of no need for public images."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from collections.abc import Mapping
from typing import Any

from labkit.supply import endpoint

HUB = "https://index.docker.io/v1/"
"""How docker login calls the public registry."""

HELPER_S = 20.0
"""Seconds for a helper to answer: some ask a keychain, and one may ask a person who is not there."""

_TOKEN = "<token>"


class Unusable(Exception):
    """The user's settings name credentials that cannot be had; the message names the file and what is wrong."""


def of_image(name: str, environment: Mapping[str, str] = os.environ) -> dict[str, str] | None:
    """Give what the engine is told to pull or push an image with; None where the user has nothing for its registry.

    Raises: Unusable.
    """
    first = name.partition("/")[0]
    registry = first if "/" in name and (set(first) & {".", ":"} or first == "localhost") else HUB
    try:
        return _of(registry, endpoint.settings(environment))
    except (OSError, ValueError, LookupError, TypeError, AttributeError, subprocess.SubprocessError) as error:
        path = endpoint.users_folder(environment) / "config.json"
        raise Unusable(f"{path} names credentials for {registry} that cannot be had ({_why(error)})") from error


def _of(registry: str, settings: Mapping[str, Any]) -> dict[str, str] | None:
    helper = (settings.get("credHelpers") or {}).get(registry) or settings.get("credsStore")
    if helper:
        return _asked(str(helper), registry)
    entry = (settings.get("auths") or {}).get(registry) or {}
    if token := entry.get("identitytoken"):
        return {"identitytoken": token}
    if encoded := entry.get("auth"):
        user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
        return {"username": user, "password": password.strip("\0")}
    return None


def _asked(helper: str, registry: str) -> dict[str, str] | None:
    """Ask a program of docker's protocol for helpers: a registry in, JSON out."""
    asked = subprocess.run(
        [f"docker-credential-{helper}", "get"],
        input=registry,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=HELPER_S,
        check=False,
    )
    said = " ".join(f"{asked.stdout} {asked.stderr}".split())
    if asked.returncode:
        if "credentials not found" in said:
            return None
        raise ValueError(f"docker-credential-{helper} says: {said[-200:] or f'exit code {asked.returncode}'}")
    answer = json.loads(asked.stdout)
    if answer["Username"] == _TOKEN:
        return {"identitytoken": answer["Secret"]}
    return {"username": answer["Username"], "password": answer["Secret"]}


def _why(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return f"there is no {error.filename} on PATH"
    if isinstance(error, subprocess.TimeoutExpired):
        return f"{error.cmd[0]} says nothing for {HELPER_S:.0f} s"
    return str(error) or type(error).__name__
