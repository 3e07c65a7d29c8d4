"""versions.yaml brought up to date: what is asked, what a refusal leaves as it is, and that nothing else moves."""

from __future__ import annotations

from pathlib import Path

import pytest

from labkit.supply import bump, modules, programs, toolchain, versions
from labkit.supply.bump import Found
from labkit.supply.toolchain import Go, Module
from labkit.trouble import CannotRun

OLD, NEW = "sha256:" + "ab" * 32, "sha256:" + "cd" * 32

FILE = f"""# Versions. kind v0.33.0 is not kind v0.33.01.
kubernetes:
  - minor: "1.37"
    published: v1.37.0@{OLD} # by digest
    source: v1.37.0
  - minor: "1.36"
    published: v1.36.4@{OLD}
    source: v1.36.2

kind: v0.33.0
node_repository: kindest/node

# As kind v0.33.0 pins it.
node:
  debian: trixie
  containerd: v2.3.4
  runc: v1.4.3
  cni_plugins: v1.9.1
  crictl: v1.36.0
  local_path_provisioner: v0.0.30

minikube:
  minikube: v1.38.1

python: python:3.13-slim@{OLD}
"""


class Proxy(Go):
    """A module proxy of cardboard: `source` is kind's, `refused` cannot be had, `unlisted` can and is in no list."""

    source: Path
    refused: tuple[str, ...] = ()
    unlisted: tuple[str, ...] = ("v1.36.4", "v1.38.0")
    lists: dict[str, list[str]]

    def download(self, module: str, version: str) -> Module:
        there_is = (*self.lists.get(module, ()), *self.unlisted)
        if f"{module}@{version}" in self.refused or (module == programs.KUBERNETES and version not in there_is):
            raise CannotRun(f"{module} {version} cannot be had")
        return Module(self.source, "2026-11-23T10:00:00Z")


@pytest.fixture
def proxy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Proxy:
    proxy = Proxy(Path("/go"), "go1.26.0", "amd64")
    source = tmp_path / "source"
    values = {
        "source": source,
        "lists": {bump.KIND: ["v0.32.0", "v0.33.0"], programs.KUBERNETES: ["v1.36.1", "v1.37.0", "v1.38.0-alpha.1"]},
    }
    for name, value in values.items():
        object.__setattr__(proxy, name, value)
    for folder in ("pkg/apis/config/defaults", "images/base", "images/local-path-provisioner"):
        (source / folder).mkdir(parents=True)
    (source / "go.mod").write_text("module k8s.io/kubernetes\n\nrequire (\n\tk8s.io/api v0.0.0\n)\n")
    (source / "pkg/apis/config/defaults/image.go").write_text(f'const Image = "kindest/node:v1.37.0@{OLD}"\n')
    (source / "images/base/Dockerfile").write_text(
        'ARG BASE_IMAGE=debian:trixie-slim\nARG CONTAINERD_VERSION="v2.3.4"\nARG RUNC_VERSION="v1.4.3"\n'
        'ARG CNI_PLUGINS_VERSION="v1.9.1"\nARG CRICTL_VERSION="v1.36.0"\n'
    )
    (source / "images/local-path-provisioner/Makefile").write_text("VERSION=v0.0.30\n")

    def listed(go: Proxy, module: str) -> list[str]:
        if module not in go.lists:
            raise CannotRun(f"the versions of {module} cannot be asked for")
        return go.lists[module]

    monkeypatch.setattr(modules, "listed", listed)
    return proxy


@pytest.fixture
def have(tmp_path: Path) -> versions.Versions:
    path = tmp_path / "versions.yaml"
    path.write_text(FILE)
    return versions.read(path)


def refuse(proxy: Proxy, *what: str) -> None:
    object.__setattr__(proxy, "refused", what)


def test_nothing_is_changed_where_nothing_is_newer(proxy: Proxy, have: versions.Versions) -> None:
    refuse(proxy, "k8s.io/kubernetes@v1.36.4")
    found, unanswered = bump.look(proxy, have)
    assert found == Found()
    assert unanswered == ["k8s.io/kubernetes v1.36.4 cannot be had"]
    assert bump.edited(FILE, have, found) == FILE


def test_the_newest_patch_that_can_be_built_is_taken(proxy: Proxy, have: versions.Versions) -> None:
    proxy.lists[programs.KUBERNETES] += ["v1.37.1", "v1.37.2", "v1.37.3-rc.0", "v1.35.9"]
    refuse(proxy, "k8s.io/api@v0.37.2")
    found, unanswered = bump.look(proxy, have)
    assert found.source == {"1.37": "v1.37.1", "1.36": "v1.36.4"}, "the published patch is asked for, listed or not"
    assert unanswered == ["k8s.io/api v0.37.2 cannot be had"]


def test_patches_that_the_list_does_not_name_are_asked_for_one_by_one(proxy: Proxy, have: versions.Versions) -> None:
    object.__setattr__(proxy, "unlisted", ("v1.36.3", "v1.36.4", "v1.36.5", "v1.37.1", "v1.37.2", "v1.37.4"))
    found, unanswered = bump.look(proxy, have)
    assert found.source == {"1.37": "v1.37.2", "1.36": "v1.36.5"}, "after the first that is refused nothing is asked"
    assert unanswered == []


def test_a_new_kind_brings_its_own_node_image_and_what_that_is_made_of(proxy: Proxy, have: versions.Versions) -> None:
    proxy.lists[bump.KIND] += ["v0.34.0", "v0.35.0-alpha.1"]
    image = proxy.source / "pkg/apis/config/defaults/image.go"
    image.write_text(f'const Image = "kindest/node:v1.38.0@{NEW}"\n')
    dockerfile = proxy.source / "images/base/Dockerfile"
    dockerfile.write_text(dockerfile.read_text().replace("v2.3.4", "v2.4.0"))
    refuse(proxy, "k8s.io/kubernetes@v1.36.4")
    found, unanswered = bump.look(proxy, have)
    assert bump.edited(FILE, have, found) == (
        FILE.replace("kind v0.33.0 is", "kind v0.34.0 is")
        .replace("kind v0.33.0 pins", "kind v0.34.0 pins")
        .replace("kind: v0.33.0", "kind: v0.34.0")
        .replace("containerd: v2.3.4", "containerd: v2.4.0")
        .replace(
            '  - minor: "1.37"',
            f'  - minor: "1.38"\n    published: v1.38.0@{NEW}\n    source: v1.38.0\n  - minor: "1.37"',
        )
    )
    assert "the node images of other minors, which kind v0.34.0 may publish anew" in unanswered[-1]


def test_a_row_never_goes_back(proxy: Proxy, have: versions.Versions) -> None:
    image = proxy.source / "pkg/apis/config/defaults/image.go"
    image.write_text(f'const Image = "kindest/node:v1.36.1@{NEW}"\n')
    proxy.lists[bump.KIND] = ["v0.32.0"]
    refuse(proxy, "k8s.io/kubernetes@v1.36.4")
    assert bump.look(proxy, have)[0] == Found()


def test_an_image_that_was_published_anew_gets_its_new_digest_and_keeps_its_remark(
    proxy: Proxy, have: versions.Versions
) -> None:
    image = proxy.source / "pkg/apis/config/defaults/image.go"
    image.write_text(f'const Image = "kindest/node:v1.37.0@{NEW}"\n')
    found, _ = bump.look(proxy, have)
    assert f"    published: v1.37.0@{NEW} # by digest\n" in bump.edited(FILE, have, found)


def test_what_is_refused_stays_and_is_told(proxy: Proxy, have: versions.Versions) -> None:
    proxy.lists.clear()
    found, unanswered = bump.look(proxy, have)
    assert found.source == {"1.36": "v1.36.4"}
    assert unanswered == [f"the versions of {m} cannot be asked for" for m in (bump.KIND, programs.KUBERNETES)]


def test_a_source_of_kind_that_is_told_otherwise_is_no_reason_to_guess(proxy: Proxy, have: versions.Versions) -> None:
    (proxy.source / "images/base/Dockerfile").write_text("FROM scratch\n")
    found, unanswered = bump.look(proxy, have)
    assert found.node == {}
    assert "images/base/Dockerfile of kind v0.33.0 no longer says runc as it did" in " ".join(unanswered)


@pytest.fixture
def file(tmp_path: Path, proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "versions.yaml"
    path.write_text(FILE)
    monkeypatch.setattr(bump, "FILE", path)
    versions.read.cache_clear()
    monkeypatch.setattr(toolchain, "find_go", lambda _: proxy)
    return path


def test_check_shows_and_lets_be_and_without_it_the_file_is_written(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bump.main(["--check"]) == 1
    assert "-    source: v1.36.2\n+    source: v1.36.4\n" in capsys.readouterr().out
    assert file.read_text() == FILE
    assert bump.main([]) == 0
    assert file.read_text() == FILE.replace("v1.36.2", "v1.36.4")
    versions.read.cache_clear()
    assert bump.main(["--check"]) == 0
    assert "up to date" in capsys.readouterr().out


def test_without_any_answer_it_is_one_sentence(
    file: Path, proxy: Proxy, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def nothing(*_: object) -> Module:
        raise CannotRun("the proxy is out of reach")

    monkeypatch.setattr(Proxy, "download", nothing)
    proxy.lists.clear()
    assert bump.main([]) == 3
    assert capsys.readouterr().err == f"cannot run: the versions of {bump.KIND} cannot be asked for\n"
    assert file.read_text() == FILE
