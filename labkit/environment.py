"""What other programs get of the user's environment: listed here by name, and nothing else of it.

A verdict may depend on nothing that this project did not put there: not on KUBECTL_EXTERNAL_DIFF, BUILDX_BUILDER,
PYTEST_ADDOPTS, PYTHONOPTIMIZE, EDITOR, PAGER, a locale. What is missing here is missed by somebody who then says so;
what is let through by default is missed by nobody until a claim is broken by it.

Standard library only: the noxfile reads this module before there is an environment with anything else.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

PROGRAMS = (
    *("PATH", "LD_LIBRARY_PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "SSH_AUTH_SOCK"),
    *("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR"),
    *("LABS_CACHE", "LABS_NODE_REPOSITORY"),
)
"""Where programs and their files are; LD_LIBRARY_PATH is how GitHub's Python finds its own library."""

PROXIES = tuple(
    spelled for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY") for spelled in (name, name.lower())
)

CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "NIX_SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
"""Whom this machine trusts: Go and Python, nixpkgs' builds of them, pip and docker's Python."""

ENGINE = ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "DOCKER_CERT_PATH", "DOCKER_TLS", "DOCKER_TLS_VERIFY")
"""What leads to the container engine; labkit.supply.endpoint makes of it what docker and kind get."""

GO = (
    *("GOPROXY", "GONOPROXY", "GOSUMDB", "GONOSUMDB", "GOPRIVATE", "GOINSECURE", "GOVCS", "GOAUTH", "GOTOOLCHAIN"),
    "NETRC",
)
"""Where modules come from, and which Go; never what is made of them (GOFLAGS, GOAMD64, CGO_CFLAGS)."""

PIP = (
    *("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_TRUSTED_HOST", "PIP_FIND_LINKS", "PIP_NO_INDEX", "PIP_PROXY"),
    *("PIP_CERT", "PIP_CLIENT_CERT", "PIP_CONFIG_FILE", "PIP_CACHE_DIR", "PIP_DEFAULT_TIMEOUT", "PIP_RETRIES"),
)
"""Where packages come from; never where they go (PIP_TARGET, PIP_USER)."""

MACHINE = (
    *("TERM", "COLORTERM", "NO_COLOR", "FORCE_COLOR", "PY_COLORS", "COLUMNS", "LINES"),
    *("CI", "GITHUB_ACTIONS", "GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "GITHUB_WORKSPACE"),
    *("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID", "GITHUB_TOKEN", "GH_TOKEN", "GH_HOST"),
    *("PLAYWRIGHT_BROWSERS_PATH", "KUBECONFIG"),
)
"""Whom a run tells and how; the browser of the page's tests; the user's clusters, for --context alone."""

CREDENTIALS = ("DBUS_SESSION_BUS_ADDRESS", "GNUPGHOME", "PASSWORD_STORE_DIR")
CREDENTIALS_OF = ("AAD_", "ALIBABA_", "ARM_", "AWS_", "AZURE_", "CLOUDSDK_", "GOOGLE_", "OCI_", "OS_", "USE_GKE_")
"""What the programs read that a kubeconfig or `docker login` names for credentials: names, and how names begin."""

OURS = {"LC_ALL": "C.UTF-8", "TZ": "UTC", "SHELL": "/bin/sh", "TERM": "dumb"}
"""What every program gets in place of the user's: kubectl translates its messages, tells local time, and gives an
editor's line to $SHELL, and a record shows what it printed to readers of English."""


PLACES = {"PIP_USER": "0", "PIP_REQUIRE_HASHES": "0"}
"""What pip gets in place of its configuration file: an environment has no user's folder, and ours no hashes."""


def of_lab(outer: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Give what kubectl, kind, docker, minikube and a lab's shell get, beside what their cluster adds to it."""
    return _named(outer, PROGRAMS, PROXIES, CERTIFICATES) | OURS


def of_build(outer: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Give what the programs get that fetch, install and build: Go, pip, a compiler, apt.

    `go env -w` keeps a file: what it says of where modules come from counts, and the rest of it does not.
    """
    kept = _named(_of_go(outer), GO) | proxies(outer) | _named(outer, PROGRAMS, CERTIFICATES, GO, PIP)
    return kept | OURS | PLACES | {"GOENV": "off"}


def of_run(outer: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Give what a command of this project gets, and may hand on; for the noxfile, and a run's own Python."""
    names = (PROGRAMS, PROXIES, CERTIFICATES, ENGINE, GO, ("GOENV",), PIP, MACHINE)
    return _named(outer, *names) | credentials(outer) | PLACES | {"LC_ALL": "C.UTF-8", "PYTHONUTF8": "1"}


def credentials(outer: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Give what the user's own credential programs read, for the one cluster or registry that asks for them."""
    return {name: value for name, value in outer.items() if name in CREDENTIALS or name.startswith(CREDENTIALS_OF)}


def proxies(outer: Mapping[str, str]) -> dict[str, str]:
    """Give the user's proxies in both spellings: apt reads only the small one, and waits for minutes without it."""
    given = _named(outer, PROXIES)
    return {name: given[one] for name in PROXIES for one in (name.swapcase(), name) if one in given}


def standard_first(path: str) -> str:
    """Give a PATH with the system's own utilities before all else: `kubectl diff` runs diff, and people have others.

    Not for docker, which is the user's own wherever it is. Source: confstr(3), _CS_PATH.
    """
    standard = (os.confstr("CS_PATH") or "/bin:/usr/bin").split(os.pathsep)
    return os.pathsep.join([*standard, *(folder for folder in path.split(os.pathsep) if folder not in standard)])


def _named(outer: Mapping[str, str], *groups: tuple[str, ...]) -> dict[str, str]:
    given = {name: outer[name] for group in groups for name in group if name in outer}
    if not Path(given.get("TMPDIR", "/")).is_dir():
        del given["TMPDIR"]  # as Python does, which then takes /tmp; others fail
    return given


def _of_go(outer: Mapping[str, str]) -> dict[str, str]:
    """Read the file of `go env -w`, where there is one: lines of NAME=value."""
    folder = outer.get("XDG_CONFIG_HOME") or f"{outer.get('HOME', '')}/.config"
    named = outer.get("GOENV") or f"{folder}/go/env"
    try:
        lines = [] if named == "off" else Path(named).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return {}
    return {name: value for name, equals, value in (line.partition("=") for line in lines) if equals}
