"""The way to the container engine that the user's docker command speaks to, and nothing else of what the user has set.

A context leads there as DOCKER_HOST does. What else stands in Docker's config.json (helpers for credentials, proxies
for containers, a builder, aliases) decides nothing: children and docker's Python read one of ours in its place.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import docker

from labkit.addresses import is_loopback
from labkit.manifests import naming
from labkit.paths import cache_dir
from labkit.supply.cache import write_whole
from labkit.trouble import CannotRun

_VARIABLES = ("DOCKER_HOST", "DOCKER_CERT_PATH", "DOCKER_TLS", "DOCKER_TLS_VERIFY")

_configuring = threading.Lock()


@dataclass(frozen=True)
class Endpoint:
    """Where an engine is."""

    named: str
    """What the user chose it by, for sentences; "" for the default socket."""
    variables: Mapping[str, str]
    """What leads the docker command and docker's Python there."""

    @property
    def host(self) -> str:
        """The address: unix:///run/docker.sock, tcp://10.0.0.2:2376, ssh://me@there; "" for the default socket."""
        return self.variables.get("DOCKER_HOST", "")

    @property
    def machine(self) -> str:
        """The name or address of the machine that is spoken to by network; "" for a socket of this one."""
        return urlsplit(self.host).hostname or "" if self.host.startswith(("tcp://", "http", "ssh://")) else ""


def chosen(environment: Mapping[str, str] = os.environ) -> Endpoint:
    """Give the engine that the docker command speaks to: by DOCKER_HOST, DOCKER_CONTEXT or the current context.

    Source of the order: docs.docker.com/engine/manage-resources/contexts. Raises CannotRun for a context that is not
    there.
    """
    ours = {"DOCKER_CONFIG": str(_folder())}
    if host := environment.get("DOCKER_HOST"):
        given = {name: environment[name] for name in _VARIABLES if name in environment}
        if {"DOCKER_TLS", "DOCKER_TLS_VERIFY"} & given.keys():
            given.setdefault("DOCKER_CERT_PATH", str(users_folder(environment)))
        return Endpoint(f"DOCKER_HOST={host}", {**given, **ours})
    name = environment.get("DOCKER_CONTEXT") or str(settings(environment).get("currentContext") or "default")
    if name == "default":
        return Endpoint("", ours)
    return Endpoint(f"docker context {name}", {**_of_context(name, users_folder(environment)), **ours})


def _of_context(name: str, folder: Path) -> dict[str, str]:
    """Read the docker command's own files of a context."""
    key = hashlib.sha256(name.encode()).hexdigest()
    path = folder / "contexts" / "meta" / key / "meta.json"
    try:
        engine = json.loads(path.read_text(encoding="utf-8"))["Endpoints"]["docker"]
        variables = {"DOCKER_HOST": str(engine["Host"])}
        skipped = bool(engine.get("SkipTLSVerify"))
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise CannotRun(
            f"docker's context {name} cannot be read from {path} ({type(error).__name__}): choose another one with"
            " docker context use, or with DOCKER_CONTEXT"
        ) from error
    certificates = folder / "contexts" / "tls" / key / "docker"
    if certificates.is_dir():
        variables |= {"DOCKER_CERT_PATH": str(certificates), "DOCKER_TLS" if skipped else "DOCKER_TLS_VERIFY": "1"}
    return variables


def users_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Give the folder in which the user's docker command has its settings."""
    return Path(environment.get("DOCKER_CONFIG") or Path(environment.get("HOME") or Path.home()) / ".docker")


def settings(environment: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """Read the user's config.json; what cannot be read is nothing, as to the docker command itself."""
    with contextlib.suppress(OSError, ValueError):
        content = json.loads((users_folder(environment) / "config.json").read_text(encoding="utf-8"))
        if isinstance(content, dict):
            return content
    return {}


def unreadable(environment: Mapping[str, str] = os.environ) -> str:
    """Say what is wrong with the user's config.json; "" where nothing is."""
    path = users_folder(environment) / "config.json"
    try:
        if isinstance(json.loads(path.read_text(encoding="utf-8")), dict):
            return ""
        why = "it holds no object"
    except FileNotFoundError:
        return ""
    except OSError as error:
        why = str(error.strerror)
    except ValueError as error:
        why = f"no JSON: {error}"
    return f"{path} cannot be read ({why}): going on without it"


def connect(timeout_s: float) -> docker.DockerClient:
    """Connect to the engine; `timeout_s` seconds without a byte end a call.

    Raises: docker.errors.DockerException where none answers, CannotRun for a context that is not there.
    """
    way = chosen()
    with _configuring, _settings_of_ours(way):
        client = docker.from_env(
            timeout=int(timeout_s), environment=dict(way.variables), use_context=False, use_ssh_client=True
        )
    if is_loopback(way.machine):
        client.api.trust_env = False  # HTTP_PROXY is for what is out there
    return client


@contextlib.contextmanager
def _settings_of_ours(way: Endpoint) -> Iterator[None]:
    """Have docker's Python read settings of ours: it reads a config.json by itself, and fails by what is in there."""
    ours = Path(way.variables["DOCKER_CONFIG"])
    if not (ours / "config.json").exists():
        prepare()
    before = os.environ.get("DOCKER_CONFIG")
    os.environ["DOCKER_CONFIG"] = str(ours)
    try:
        yield
    finally:
        if before is None:
            del os.environ["DOCKER_CONFIG"]
        else:
            os.environ["DOCKER_CONFIG"] = before


def prepare(environment: Mapping[str, str] = os.environ) -> None:
    """Write the settings that children get in place of the user's: where his plugins are, such as buildx.

    Raises: CannotRun where they cannot be written.
    """
    folders = [str(users_folder(environment) / "cli-plugins")]
    theirs = settings(environment).get("cliPluginsExtraDirs")
    folders += [str(folder) for folder in theirs] if isinstance(theirs, list) else []
    path = _folder() / "config.json"
    try:
        # Where it finds no credentials at all, docker's Python goes back to the user's file for each pull and build.
        write_whole(path, json.dumps({"cliPluginsExtraDirs": folders, "auths": {naming.NOWHERE: {}}}))
    except OSError as error:
        raise CannotRun(f"{path} cannot be written ({error.strerror}): set LABS_CACHE to a folder of yours") from error


def _folder() -> Path:
    return cache_dir() / "docker"
