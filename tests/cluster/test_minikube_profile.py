"""A minikube of ours: what it reads and where it writes, and that all of it goes with its lease."""

from __future__ import annotations

from pathlib import Path

import pytest

from labkit.cluster import engine_objects, lease, minikube_lease, nodes, removal
from labkit.cluster.minikube_lease import Source
from labkit.cluster.minikube_profile import Profile
from labkit.progress import Progress


@pytest.fixture
def removed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was removed, where nothing is left of the containers."""
    names: list[str] = []

    def is_free(name: str, *_: str) -> bool:
        names.append(f"free: {name}")
        return True

    monkeypatch.setattr(nodes, "remove", names.append)
    monkeypatch.setattr(nodes, "of", lambda _: [])
    monkeypatch.setattr(nodes, "name_is_free", is_free)
    monkeypatch.setattr(nodes, "remove_network", lambda name: names.append(f"network: {name}"))
    monkeypatch.setattr(nodes, "remove_volumes", lambda name: names.append(f"volumes: {name}"))
    monkeypatch.setattr(engine_objects, "remove_of_cluster", lambda name: names.append(f"of labs: {name}"))
    return names


@pytest.fixture
def built(tmp_path: Path) -> Source:
    """A minikube with a cache of what it starts."""
    cache = tmp_path / "part"
    (cache / "linux" / "amd64").mkdir(parents=True)
    (cache / "linux" / "amd64" / "kubelet").write_text("a kubelet")
    return Source(tmp_path / "minikube", "v1.37.0", "labs/minikube-base:1", cache)


def test_a_profile_lives_in_the_folder_of_its_lease_and_goes_with_it(
    built: Source, progress: Progress, removed: list[str], tmp_path: Path
) -> None:
    with minikube_lease.leased(built, tmp_path / "kubectl", progress) as profile:
        (record,) = lease.records()
        assert (record.cluster, record.maker, record.kept) == (profile.name, lease.MINIKUBE, False)
        assert profile.folder == lease.folder_of(profile.name)
        assert (profile.programs / "minikube").readlink() == built.binary
        kubelet = profile.folder / ".minikube" / "cache" / "linux" / "amd64" / "kubelet"
        assert kubelet.read_text() == "a kubelet"
        assert not kubelet.parent.is_symlink(), "what minikube writes beside it would be in the part"
    name = profile.name
    assert removed == [name, f"free: {name}", f"of labs: {name}", f"network: {name}", f"volumes: {name}"]
    assert lease.records() == []
    assert built.cache
    assert (built.cache / "linux" / "amd64" / "kubelet").exists()


def test_what_a_killed_run_left_is_removed(
    built: Source, progress: Progress, removed: list[str], tmp_path: Path
) -> None:
    held = lease.grant(
        kubernetes="v1.37.0", node_image="labs/minikube-base:1", origin="built", kind="x", maker=lease.MINIKUBE
    )
    minikube_lease.set_up(built, held, tmp_path / "kubectl")
    held.release()
    removal.remove_stale(progress)
    assert f"volumes: {held.record.cluster}" in removed
    assert lease.records() == []


def test_nothing_of_the_users_own_minikube_gets_through(
    built: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MINIKUBE_HOME", "/home/somebody")
    monkeypatch.setenv("MINIKUBE_MEMORY", "512")
    profile = Profile("labs-0123abcd", tmp_path, minikube_lease.settings(built, "labs-0123abcd", tmp_path))
    env = profile.environment(tmp_path / "kubeconfig")
    assert (env["MINIKUBE_HOME"], env["MINIKUBE_PROFILE"]) == (str(tmp_path), "labs-0123abcd")
    assert (env["KUBECONFIG"], env["LABS_LEASE"]) == (str(tmp_path / "kubeconfig"), "labs-0123abcd")
    assert "MINIKUBE_MEMORY" not in env
    assert env["PATH"].startswith(f"{tmp_path / 'bin'}:")
    assert Profile.attach(profile.describe()) == profile


def test_a_minikube_on_path_keeps_what_it_downloads(
    progress: Progress, removed: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "minikube").write_text("#!/bin/sh\n")
    (tmp_path / "minikube").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    source = minikube_lease.source("1.37", build=False, progress=progress)
    assert source == Source(tmp_path / "minikube", "v1.37.0")
    for _ in range(2):
        with minikube_lease.leased(source, tmp_path / "kubectl", progress) as profile:
            (profile.folder / ".minikube" / "cache" / "download").touch()
            assert "MINIKUBE_BASE_IMAGE" not in profile.settings
    assert (tmp_path / "minikube-downloads" / "download").exists()
    assert len({line.rpartition(": ")[2] for line in removed}) == 2, "a profile is still there"


def test_no_minikube_is_no_error(progress: Progress, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not minikube_lease.is_on_path()
    assert minikube_lease.source("1.37", build=False, progress=progress) is None
