"""The words of a lab about Docker, against programs that are shell scripts."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from labkit.claims.sabotage import Sabotage, instead, skip
from labkit.cluster import Node, engine_objects
from labkit.lab import evidence
from labkit.lab.docker_cli import Docker
from labkit.lab.errors import Accepted, Failed, NotSetUp
from labkit.lab.lab import Lab
from labkit.manifests import build_contexts
from labkit.paths import ROOT, cache_dir


@pytest.fixture
def removed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was removed from engine and node when the lab was closed."""
    removed: list[str] = []
    monkeypatch.setattr(engine_objects, "remove_of_lab", lambda _, layers: removed.extend(layers))
    monkeypatch.setattr(engine_objects, "forget", lambda node, _: removed.append(node))
    return removed


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Put a docker that runs this script before the real one."""

    def put(script: str) -> None:
        (tmp_path / "bin").mkdir()
        (tmp_path / "bin" / "docker").write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "bin" / "docker").chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")

    return put


def test_what_docker_builds_is_marked_and_goes_with_the_lab(
    lab_of: Callable[..., Lab], engine: Callable[[str], None], removed: list[str]
) -> None:
    engine("echo ' ---> 0123456789ab'")
    lab = lab_of("exit 0")
    docker = Docker(lab)
    docker("build --tag app .")
    docker("build --tag app .", cache=True)
    docker("logs web")
    marks = f"--label=labs/cluster=c --label=labs/namespace={lab.namespace}"
    assert [c["command"] for c in lab.evidence.commands] == [
        f"docker build --force-rm --no-cache {marks} --tag app .",
        f"docker build --force-rm {marks} --tag app .",
        "docker logs web",
    ]
    lab.close()
    assert removed == ["0123456789ab"]


def test_docker_never_asks_a_registry_for_what_it_is_to_run(
    lab_of: Callable[..., Lab], engine: Callable[[str], None], removed: list[str]
) -> None:
    engine("exit 0")
    lab = lab_of("exit 0")
    lab.cluster.images = {"localhost:1/labs/web:1": "localhost:1/labs/web:0123"}
    docker = Docker(lab)
    docker("run --rm localhost:1/labs/web:1")
    docker("create localhost:1/labs/web:2")
    marks = f"--label=labs/cluster=c --label=labs/namespace={lab.namespace}"
    assert [c["command"] for c in lab.evidence.commands] == [
        f"docker run --pull=never {marks} --rm localhost:1/labs/web:0123",
        f"docker create --pull=never {marks} localhost:1/labs/web:2",
    ]
    dockerfile = Path(docker.context("docker/copy")) / "Dockerfile"
    assert dockerfile.read_text().startswith("FROM localhost:1/labs/web:0123\n")
    lab.close()
    assert removed == []


def test_what_only_looks_at_the_engine_has_nothing_to_remove(
    lab_of: Callable[..., Lab], engine: Callable[[str], None], removed: list[str]
) -> None:
    engine("""echo '[{"Id": "sha256:1"}]'; echo ' ---> 0123456789ab'""")
    lab = lab_of("exit 0")
    docker = Docker(lab)
    docker("image ls")
    lab.close()
    assert removed == []


def test_docker_is_judged_as_kubectl_is(lab_of: Callable[..., Lab], engine: Callable[[str], None]) -> None:
    engine('test $1 = inspect && echo \'[{"Id": "sha256:1"}]\' && exit; echo no such image >&2; exit 1')
    lab = lab_of("exit 0", Sabotage("left out", (skip("rmi"),)))
    docker = Docker(lab)
    assert docker.inspect("app") == {"Id": "sha256:1"}
    assert docker.tried("start app").rc == 1
    assert docker.refused("start app").stderr == "no such image\n"
    with pytest.raises(Failed, match="no such image"):
        docker("start app")
    with pytest.raises(Accepted):
        docker.refused("inspect app")
    docker("rmi app")
    assert lab.missed() == []


def test_a_context_is_copied_where_something_differs(lab_of: Callable[..., Lab]) -> None:
    lab = lab_of("exit 0", Sabotage("known", (instead("DIR", "WORKDIR", of="docker/notes/Dockerfile"),)))
    docker = Docker(lab)
    assert docker.context("docker/mended") == str(ROOT / "images" / "docker" / "mended")
    copy = Path(docker.context("docker/notes"))
    assert "WORKDIR ./app" in (copy / "Dockerfile").read_text()
    first, second = (Path(docker.context("docker/cache", VERSION=version)) for version in "12")
    assert (first / "app.txt").read_text() != (second / "app.txt").read_text()
    assert lab.namespace in (first / "requirements.txt").read_text()
    lab.tried(f"get -f {copy}/Dockerfile")
    assert lab.evidence.commands[-1]["command"] == "kubectl get -f images/docker/notes/Dockerfile"
    assert "DIR ./app" in lab.evidence.manifests["images/docker/notes/Dockerfile"]
    lab.close()
    assert not any(path.exists() for path in (copy, first, second))


@pytest.mark.parametrize("name", ["my notes", "o'neil", 'a "b"', "$HOME `id`", "é", "a,b", "x" * 200])
def test_a_context_is_one_word_and_its_record_the_same_wherever_it_is(
    lab_of: Callable[..., Lab],
    engine: Callable[[str], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    engine('test -f "$6" && test -d "$7" && test $# = 7')
    shutil.copytree(ROOT / "images" / "docker" / "mended", tmp_path / name / "images" / "docker" / "mended")
    monkeypatch.setattr(build_contexts, "DIRECTORY", tmp_path / name / "images")
    monkeypatch.setattr(evidence, "ROOT", tmp_path / name)
    lab = lab_of('test -f "$3"')
    docker, context = Docker(lab), Docker(lab).context("docker/mended")
    docker(f"build --file {context}/Dockerfile {context}", cache=True)
    marks = f"--label=labs/cluster=c --label=labs/namespace={lab.namespace}"
    assert [c["command"] for c in lab.evidence.commands] == [
        f"docker build --force-rm {marks} --file images/docker/mended/Dockerfile images/docker/mended"
    ]
    lab.tried(f"get -f {context}/Dockerfile")
    assert lab.evidence.commands[-1]["command"] == "kubectl get -f images/docker/mended/Dockerfile"


def test_what_a_lab_builds_is_the_engines_whatever_its_user_has_chosen(
    lab_of: Callable[..., Lab], engine: Callable[[str], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = {"BUILDX_BUILDER": "remote", "DOCKER_BUILDKIT": "1", "DOCKER_CONFIG": str(tmp_path)}
    (tmp_path / "config.json").write_text('{"credsStore": "gone", "proxies": {"default": {"httpProxy": "http://p"}}}')
    for name, value in {**theirs, "DOCKER_HOST": "unix:///run/docker.sock"}.items():
        monkeypatch.setenv(name, value)
    engine("env | grep -E '^(BUILDX_BUILDER|DOCKER_BUILDKIT|DOCKER_CONFIG|DOCKER_HOST)=' | sort")
    assert Docker(lab_of("exit 0"))("info").stdout.splitlines() == [
        "BUILDX_BUILDER=default",
        f"DOCKER_CONFIG={cache_dir() / 'docker'}",
        "DOCKER_HOST=unix:///run/docker.sock",
    ]


def test_images_are_loaded_as_kind_does_and_taken_off_the_node_again(
    lab_of: Callable[..., Lab], removed: list[str], tmp_path: Path
) -> None:
    lab = lab_of("exit 0")
    docker = Docker(lab)
    lab.cluster.nodes = (Node("c-worker", "worker", "10.0.0.2", "10.244.1.0/24"),)
    lab.cluster.kind_path = tmp_path / "kind"
    lab.cluster.kind_path.write_text("#!/bin/sh\ntest $3 = app:1\n")
    lab.cluster.kind_path.chmod(0o755)
    docker.load("app:1")
    (command,) = lab.evidence.commands
    assert command["command"] == "kind load docker-image app:1 --name c --nodes c-worker"
    with pytest.raises(NotSetUp):
        docker.load("app:2")
    lab.close()
    assert set(removed) == {"c-worker"}
