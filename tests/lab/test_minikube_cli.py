"""The words of a lab about minikube, against programs that are shell scripts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from labkit.claims.sabotage import Sabotage, skip
from labkit.cluster.minikube_profile import Profile
from labkit.lab.errors import Accepted, Failed, NotSetUp
from labkit.lab.lab import Lab
from labkit.lab.minikube_cli import Minikube

Make = Callable[..., Minikube]


@pytest.fixture
def minikube_of(tmp_path: Path, lab_of: Callable[..., Lab]) -> Make:
    def make(script: str, sabotage: Sabotage | None = None) -> Minikube:
        (tmp_path / "bin").mkdir()
        for program in ("minikube", "kubectl"):
            (tmp_path / "bin" / program).write_text(f"#!/bin/sh\necho $0 $* >> {tmp_path}/typed\n{script}\n")
            (tmp_path / "bin" / program).chmod(0o755)
        return Minikube(Profile("labs-0123abcd", tmp_path, {}), lab_of("exit 0", sabotage))

    return make


def typed(tmp_path: Path) -> list[str]:
    return [line.removeprefix(f"{tmp_path}/bin/") for line in (tmp_path / "typed").read_text().splitlines()]


def test_a_command_is_recorded_as_a_reader_types_it(minikube_of: Make, tmp_path: Path) -> None:
    minikube = minikube_of("echo 192.168.49.2")
    assert minikube("ip").stdout == "192.168.49.2\n"
    assert minikube.shell("echo $(minikube ip)").stdout == "192.168.49.2\n"
    assert typed(tmp_path) == ["minikube ip", "minikube ip"]


def test_what_must_work_and_what_must_be_refused(minikube_of: Make) -> None:
    minikube = minikube_of("echo no such profile >&2; exit 85")
    with pytest.raises(Failed, match=r"minikube ip: exit 85\n  no such profile"):
        minikube("ip")
    assert minikube.refused("ip").rc == minikube.tried("ip").rc == 85


def test_what_is_accepted_although_it_must_be_refused(minikube_of: Make) -> None:
    with pytest.raises(Accepted, match="minikube docker-env: was accepted"):
        minikube_of("exit 0").refused("docker-env")


@pytest.mark.parametrize(
    ("status", "then"),
    [
        (0, "update-context"),
        (4, "update-context"),
        (2, "start --container-runtime=docker"),
        (7, "start --container-runtime=docker"),
        (85, "start --container-runtime=docker"),
    ],
)
def test_as_a_given_it_is_started_only_where_it_does_not_run(
    minikube_of: Make, tmp_path: Path, status: int, then: str
) -> None:
    minikube_of(f'test "$1" != status || exit {status}', Sabotage("no start", (skip("start"),))).started()
    assert typed(tmp_path)[:2] == ["minikube status", f"minikube {then}"]


def test_a_start_that_fails_as_a_given_says_nothing_about_the_claim(minikube_of: Make) -> None:
    with pytest.raises(NotSetUp, match="exit 1"):
        minikube_of("exit 1").started()


def test_as_a_given_there_is_none(minikube_of: Make, tmp_path: Path) -> None:
    minikube_of("exit 0", Sabotage("it is kept", (skip("delete"),))).absent()
    assert typed(tmp_path) == ["minikube delete"]


def test_one_that_stays_as_a_given_says_nothing_about_the_claim(minikube_of: Make) -> None:
    with pytest.raises(NotSetUp, match="minikube delete: exit 1"):
        minikube_of("exit 1").absent()


def test_a_sabotage_leaves_a_command_out(minikube_of: Make, tmp_path: Path) -> None:
    minikube = minikube_of("exit 0", Sabotage("no stop", (skip("stop"),)))
    minikube("stop")
    minikube("status")
    assert typed(tmp_path) == ["minikube status"]


def test_what_serves_says_where(minikube_of: Make) -> None:
    minikube = minikube_of("echo Verifying ...; echo http://127.0.0.1:4711/ui/; sleep 60")
    with minikube.serving("dashboard --url") as url:
        assert url == "http://127.0.0.1:4711/ui/"


def test_what_names_no_url_does_not_serve(minikube_of: Make) -> None:
    with pytest.raises(Failed, match="names no URL"), minikube_of("echo a table").serving("service list"):
        pass
