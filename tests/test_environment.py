"""What reaches other programs of the user's environment: what is listed, and nothing else."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from labkit import environment
from labkit.environment import credentials, of_build, of_lab, of_run, standard_first
from labkit.paths import ROOT

NOT_LISTED = {
    **{"KUBECTL_EXTERNAL_DIFF": "diff -N -y", "KUBECONFIG": "/home/me/.kube/config", "KUBE_EDITOR": "vi"},
    **{"BUILDX_BUILDER": "mine", "BUILDKIT_PROGRESS": "tty", "DOCKER_BUILDKIT": "1"},
    **{"DOCKER_DEFAULT_PLATFORM": "linux/arm64", "DOCKER_CONTENT_TRUST": "1", "KIND_EXPERIMENTAL_PROVIDER": "podman"},
    **{"PYTEST_ADDOPTS": "--timeout=60", "PYTHONOPTIMIZE": "1", "PYTHONPATH": "/home/me/lib", "NOX_PARALLEL": "4"},
    **{"GIT_DIR": "/home/me/.git", "EDITOR": "vi", "PAGER": "less", "LS_COLORS": "di=1", "MINIKUBE_DRIVER": "kvm2"},
    **{"GOFLAGS": "-race", "GOAMD64": "v4", "CGO_CFLAGS": "-O0", "PIP_TARGET": "/home/me/lib", "PIP_USER": "1"},
    **{"LANG": "de_DE.UTF-8", "BASH_ENV": "/home/me/.env", "GREP_OPTIONS": "-v", "ENV": "/home/me/.shrc"},
}

LISTED = {"PATH": "/usr/bin", "HOME": "/home/me", "https_proxy": "http://p:3128"}


@pytest.mark.parametrize("give", [of_lab, of_build, of_run])
def test_what_is_listed_gets_through_and_nothing_else(give: object) -> None:
    assert callable(give)
    given = give({**NOT_LISTED, **LISTED})
    assert LISTED.items() <= given.items()
    assert {name for name in NOT_LISTED if given.get(name) == NOT_LISTED[name]} <= {"KUBECONFIG"}


def test_labs_get_nothing_of_where_clusters_and_packages_are() -> None:
    given = of_lab({**NOT_LISTED, "GOPROXY": "direct", "PIP_INDEX_URL": "https://i", "AWS_PROFILE": "me", "CI": "true"})
    assert given == environment.OURS


def test_the_systems_own_utilities_come_first_where_that_is_asked_for() -> None:
    standard = os.confstr("CS_PATH") or ""
    assert standard_first(f"/home/me/bin:{standard}:/opt/docker") == f"{standard}:/home/me/bin:/opt/docker"
    assert of_lab({"PATH": "/home/me/bin"})["PATH"] == "/home/me/bin", "docker is the user's own"


def test_a_folder_for_temporary_files_that_is_not_there_is_left_out(tmp_path: Path) -> None:
    assert of_build({"TMPDIR": str(tmp_path)})["TMPDIR"] == str(tmp_path)
    assert "TMPDIR" not in of_lab({"TMPDIR": str(tmp_path / "nowhere")})


def test_locale_time_zone_shell_and_terminal_are_ours() -> None:
    theirs = {"LC_ALL": "de_DE", "TZ": "Asia/Tokyo", "SHELL": "/usr/bin/fish", "TERM": "xterm"}
    assert of_lab(theirs) == of_lab({})
    assert of_lab({}).items() >= environment.OURS.items()


def test_a_build_gets_modules_and_packages_from_where_the_user_has_them() -> None:
    theirs = {"GOPROXY": "https://go.example", "PIP_INDEX_URL": "https://pypi.example", "GOTOOLCHAIN": "local"}
    assert theirs.items() <= of_build(theirs).items()


def test_a_build_gets_a_proxy_in_both_spellings_of_which_apt_reads_one() -> None:
    given = of_build({"HTTP_PROXY": "http://one:8", "HTTPS_PROXY": "http://one:8", "https_proxy": "http://two:8"})
    told = {name: value for name, value in given.items() if name.lower().endswith("_proxy")}
    assert told == {
        **{"HTTP_PROXY": "http://one:8", "http_proxy": "http://one:8"},
        **{"HTTPS_PROXY": "http://one:8", "https_proxy": "http://two:8"},
    }


@pytest.mark.parametrize("give", [of_build, of_run])
def test_pip_is_told_where_not_to_put_things_whatever_its_configuration_says(
    give: Callable[..., dict[str, str]],
) -> None:
    assert {"PIP_USER": "0", "PIP_REQUIRE_HASHES": "0"}.items() <= give({"PIP_USER": "1"}).items()


def test_of_the_file_of_go_env_only_where_modules_come_from_counts(tmp_path: Path) -> None:
    (tmp_path / "go").mkdir()
    (tmp_path / "go" / "env").write_text("GOPROXY=https://go.example\nGOAMD64=v4\n\nGOSUMDB=off\n")
    given = of_build({"XDG_CONFIG_HOME": str(tmp_path), "GOSUMDB": "sum.golang.org"})
    told = {name: value for name, value in given.items() if name.startswith("GO")}
    assert told == {"GOPROXY": "https://go.example", "GOSUMDB": "sum.golang.org", "GOENV": "off"}
    assert "GOPROXY" not in of_build({"XDG_CONFIG_HOME": str(tmp_path), "GOENV": "off"})


def test_credentials_are_for_who_asks_for_them() -> None:
    theirs = {"AWS_PROFILE": "me", "GNUPGHOME": "/home/me/.gnupg", "PATH": "/usr/bin", "AWSOME": "1"}
    assert credentials(theirs) == {"AWS_PROFILE": "me", "GNUPGHOME": "/home/me/.gnupg"}
    assert credentials(theirs).items() <= of_run(theirs).items()


def test_every_variable_that_labkit_reads_gets_to_a_run() -> None:
    read = {
        name
        for path in (ROOT / "labkit").rglob("*.py")
        for name in re.findall(r"""environ(?:\.get\(|\[)["'](\w+)["']""", path.read_text(encoding="utf-8"))
    }
    assert read
    assert read - of_run(dict.fromkeys(read, "x")).keys() == set()


def test_the_noxfile_can_read_it_with_nothing_installed() -> None:
    tree = ast.parse(Path(environment.__file__).read_text(encoding="utf-8"))
    imported = {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
    assert imported == {"__future__", "collections.abc", "pathlib"}
