"""The words of a lab that type kubectl, against a kubectl that is a shell script."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from labkit.budgets import Window
from labkit.claims import Claim, imprecise
from labkit.cluster import LabCluster
from labkit.history import Act
from labkit.lab import Failed, Lab
from labkit.load import Load
from labkit.sabotage import Sabotage, instead

CONFIG = {
    "apiVersion": "v1",
    "kind": "Config",
    "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:9"}}],
    "users": [{"name": "u", "user": {}}],
    "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
    "current-context": "x",
}


@pytest.fixture
def lab_of(tmp_path: Path) -> Iterator[Callable[..., Lab]]:
    load = Load()

    def make(script: str, sabotage: Sabotage | None = None) -> Lab:
        (tmp_path / "kubeconfig").write_text(yaml.safe_dump(CONFIG))
        (tmp_path / "kubectl").write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "kubectl").chmod(0o755)
        cluster = LabCluster(
            "c", folder=tmp_path, kind_path=tmp_path, image="none", kubernetes="v1.37.0", origin="here"
        )
        claim = Claim("topic.one", "It is so.", (), "", imprecise("so", "not so"), None, "a test", 1, False)
        return Lab(cluster, claim, sabotage, load)

    yield make
    load.stop()


@pytest.mark.parametrize(
    "said",
    [
        "Forwarding from 127.0.0.1:4711 -> 8080",
        "Forwarding from 0.0.0.0:4711 -> 80",
        "Starting to serve on 127.0.0.1:4711",
    ],
)
def test_a_kubectl_that_listens_gives_its_url(lab_of: Callable[..., Lab], said: str) -> None:
    lab = lab_of(f"echo '{said}'; sleep 60")
    with lab.listening("port-forward web :80") as url:
        assert url == "http://127.0.0.1:4711"
    (command,) = lab.evidence.commands
    assert (command["command"], command["exit"]) == ("kubectl port-forward web :80", 0)


def test_a_kubectl_that_does_not_listen_has_failed(lab_of: Callable[..., Lab]) -> None:
    lab = lab_of("echo no such pod >&2; exit 1")
    with pytest.raises(Failed, match="no such pod"), lab.listening("port-forward web :80"):
        pass


def test_what_is_typed_at_a_terminal_can_be_sabotaged(lab_of: Callable[..., Lab]) -> None:
    lab = lab_of('test -t 0 && read line && echo "$2 says $line"', Sabotage("other", (instead("web", "db"),)))
    assert "db says hello" in lab.terminal("exec web", "hello").stdout
    assert lab.missed() == []


def test_a_kubectl_that_fails_at_a_terminal_has_failed(lab_of: Callable[..., Lab]) -> None:
    lab = lab_of("exit 2")
    with pytest.raises(Failed, match="exit 2"):
        lab.terminal("exec web")


def test_a_window_keeps_what_was_allowed_and_when_it_was_seen(lab_of: Callable[..., Lab]) -> None:
    lab = lab_of("exit 0")
    lab.poll("it is so", lambda: True, until=bool, within=Window(0, 3), since=Act(0.0, "the act"))
    (window,) = lab.evidence.windows
    assert 0 <= window.pop("seen_s") < 3
    assert window == {"goal": "it is so", "from_s": 0.0, "earliest_s": 0, "latest_s": 3}
    assert (lab.evidence.floor_s, lab.evidence.ceiling_s) == (0, 3)


def test_a_placed_manifest_goes_by_its_own_name(lab_of: Callable[..., Lab], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LabCluster, "workers", (SimpleNamespace(name="worker"),))
    lab = lab_of('echo "cannot read $3" >&2; exit 1')
    with pytest.raises(Failed):
        lab.apply("replicasets/no-pods-from-the-controller.yaml")
    (command,) = lab.evidence.commands
    assert command["command"] == "kubectl apply -f manifests/replicasets/no-pods-from-the-controller.yaml -o json"
    assert command["stderr"] == "cannot read manifests/replicasets/no-pods-from-the-controller.yaml\n"
    assert "${NAMESPACE}" in lab.evidence.manifests["manifests/replicasets/no-pods-from-the-controller.yaml"]
