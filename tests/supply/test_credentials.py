"""Credentials of the user's for one registry, from docker's files and helpers; what is wrong in a sentence."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import Any

import pytest

from labkit.supply import credentials
from labkit.supply.credentials import Unusable, of_image

PUBLIC, OWN = "python:3.13-slim@sha256:0", "registry.example:5000/team/web:1"


@pytest.fixture
def user(tmp_path: Path) -> dict[str, str]:
    return {"DOCKER_CONFIG": str(tmp_path)}


def settle(user: dict[str, str], content: Any) -> None:
    (Path(user["DOCKER_CONFIG"]) / "config.json").write_text(json.dumps(content))


def helper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    path = tmp_path / "docker-credential-keys"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")


def test_who_never_logged_in_has_none(user: dict[str, str]) -> None:
    assert of_image(PUBLIC, user) is None
    settle(user, {"auths": {"other.example": {}}})
    assert of_image(PUBLIC, user) is of_image(OWN, user) is None


def test_what_a_login_has_left_in_the_file(user: dict[str, str]) -> None:
    auth = base64.b64encode(b"me:pass:word").decode()
    settle(user, {"auths": {credentials.HUB: {"auth": auth}, "registry.example:5000": {"identitytoken": "t"}}})
    assert of_image(PUBLIC, user) == {"username": "me", "password": "pass:word"}
    assert of_image(OWN, user) == {"identitytoken": "t"}


def test_a_helper_is_asked_for_one_registry(
    user: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    helper(tmp_path, monkeypatch, """printf '{"Username": "%s", "Secret": "%s"}' "$1" "$(cat)" """)
    settle(user, {"credsStore": "keys", "credHelpers": {"registry.example:5000": "gone"}})
    assert of_image(PUBLIC, user) == {"username": "get", "password": credentials.HUB}


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("echo 'gpg: no secret key' >&2; exit 2", "docker-credential-keys says: gpg: no secret key"),
        ("exit 3", "exit code 3"),
        ("echo nonsense", "Expecting value"),
        ("echo '{}'", "Username"),
        ("cat >/dev/null; read never </proc/self/fd/1", ""),
    ],
)
def test_a_helper_that_fails_is_told_with_its_file(
    user: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, told: str
) -> None:
    monkeypatch.setattr(credentials, "HELPER_S", 0.5)
    helper(tmp_path, monkeypatch, script)
    settle(user, {"credsStore": "keys"})
    with pytest.raises(Unusable, match=f"config.json names credentials for {credentials.HUB} .*{told}"):
        of_image(PUBLIC, user)


def test_a_helper_that_knows_of_none_is_no_trouble(
    user: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    helper(tmp_path, monkeypatch, "echo credentials not found in native keychain; exit 1")
    settle(user, {"credsStore": "keys"})
    assert of_image(PUBLIC, user) is None


@pytest.mark.parametrize(
    "content",
    [{"credsStore": "gone"}, {"auths": {credentials.HUB: {"auth": "???"}}}, {"auths": {credentials.HUB: "x"}}],
)
def test_settings_that_make_no_sense_are_told(user: dict[str, str], content: Any) -> None:
    settle(user, content)
    with pytest.raises(Unusable, match=r"config\.json names credentials for"):
        of_image(PUBLIC, user)
