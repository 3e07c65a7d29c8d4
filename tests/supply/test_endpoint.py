"""The way to the engine: what leads there, in docker's own order, and that nothing else of the user's comes along."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import docker
import pytest
from docker import auth

from labkit.addresses import is_here, is_loopback
from labkit.paths import cache_dir
from labkit.supply import endpoint
from labkit.trouble import CannotRun


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The user's folder of docker, with a context called far that has certificates, and one called desktop."""
    for name, host, skipped in (("far", "tcp://10.0.0.2:2376", False), ("desktop", "unix:///run/desktop.sock", True)):
        key = hashlib.sha256(name.encode()).hexdigest()
        meta = tmp_path / "contexts" / "meta" / key / "meta.json"
        meta.parent.mkdir(parents=True)
        engine = {"Host": host, "SkipTLSVerify": skipped}
        meta.write_text(json.dumps({"Name": name, "Endpoints": {"docker": engine}}))
    (tmp_path / "contexts" / "tls" / hashlib.sha256(b"far").hexdigest() / "docker").mkdir(parents=True)
    return tmp_path


def settle(folder: Path, content: object) -> None:
    (folder / "config.json").write_text(content if isinstance(content, str) else json.dumps(content))


def test_the_order_is_dockers_own(folder: Path) -> None:
    user = {"DOCKER_CONFIG": str(folder), "HOME": str(folder)}
    assert (endpoint.chosen(user).named, endpoint.chosen(user).host) == ("", "")
    settle(folder, {"currentContext": "desktop"})
    assert endpoint.chosen(user).host == "unix:///run/desktop.sock"
    far = endpoint.chosen(user | {"DOCKER_CONTEXT": "far"})
    assert (far.named, far.host, far.machine) == ("docker context far", "tcp://10.0.0.2:2376", "10.0.0.2")
    assert far.variables["DOCKER_TLS_VERIFY"] == "1"
    assert Path(far.variables["DOCKER_CERT_PATH"]).is_dir()
    both = endpoint.chosen(user | {"DOCKER_CONTEXT": "far", "DOCKER_HOST": "ssh://me@there"})
    assert (both.named, both.host, both.machine) == ("DOCKER_HOST=ssh://me@there", "ssh://me@there", "there")
    assert endpoint.chosen(user | {"DOCKER_CONTEXT": "default"}).host == ""


def test_children_get_settings_of_ours_whatever_leads_to_the_engine(folder: Path) -> None:
    user = {"DOCKER_CONFIG": str(folder)}
    for more in ({}, {"DOCKER_HOST": "tcp://h:2376", "DOCKER_TLS_VERIFY": "1"}, {"DOCKER_CONTEXT": "far"}):
        variables = endpoint.chosen(user | more).variables
        assert variables["DOCKER_CONFIG"] == str(cache_dir() / "docker")
        assert "DOCKER_CONTEXT" not in variables
    assert endpoint.chosen(user | {"DOCKER_HOST": "tcp://h:2376", "DOCKER_TLS_VERIFY": "1"}).variables[
        "DOCKER_CERT_PATH"
    ] == str(folder), "docker looks for certificates in the folder of its settings"
    settle(folder, {"cliPluginsExtraDirs": ["/opt/plugins"], "credsStore": "gone", "proxies": {"default": {}}})
    endpoint.prepare(user)
    ours = json.loads((cache_dir() / "docker" / "config.json").read_text())
    assert ours["cliPluginsExtraDirs"] == [str(folder / "cli-plugins"), "/opt/plugins"]


def test_dockers_python_asks_no_helper_of_the_users(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settle(folder, {"credsStore": "gone", "HttpHeaders": {"X-Mine": "1"}, "proxies": {"default": {"httpProxy": "p"}}})
    monkeypatch.setenv("DOCKER_CONFIG", str(folder))
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    # Nobody is connected to: the version is not asked for.
    real = docker.from_env
    monkeypatch.setattr(docker, "from_env", lambda **words: real(version="1.44", **words))
    api: Any = endpoint.connect(5).api
    headers: dict[str, str] = {}
    api._set_auth_headers(headers)
    assert auth.get_config_header(api, "registry.example") is None
    assert api._proxy_configs.get_environment() == {}
    assert "X-Mine" not in api.headers
    assert "gone" not in str(headers)


@pytest.mark.parametrize("content", ["{", "[]", '"x"', ""])
def test_settings_that_cannot_be_read_are_none(folder: Path, content: str) -> None:
    settle(folder, content)
    user = {"DOCKER_CONFIG": str(folder)}
    assert endpoint.settings(user) == {}
    assert endpoint.chosen(user).named == ""
    assert "config.json cannot be read" in endpoint.unreadable(user)


def test_settings_that_are_not_there_are_no_trouble(tmp_path: Path) -> None:
    assert endpoint.unreadable({"DOCKER_CONFIG": str(tmp_path)}) == ""


def test_a_context_that_is_not_there_is_told(folder: Path) -> None:
    with pytest.raises(CannotRun, match=r"context gone cannot be read .*docker context use"):
        endpoint.chosen({"DOCKER_CONFIG": str(folder), "DOCKER_CONTEXT": "gone"})


def test_which_machines_are_this_one() -> None:
    assert all(map(is_loopback, ("127.0.0.1", "127.1.2.3", "::1", "localhost")))
    assert not any(map(is_loopback, ("10.0.0.1", "example", "")))
    assert is_here("127.0.0.1")
    assert not is_here("203.0.113.7")
