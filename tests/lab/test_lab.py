"""The words of a lab that type kubectl, against programs that are shell scripts."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from labkit.claims import budgets
from labkit.claims.budgets import Window
from labkit.claims.sabotage import Sabotage, instead, put, skip
from labkit.cluster import LabCluster
from labkit.lab.errors import Accepted, Failed, NotSetUp
from labkit.lab.lab import Lab
from labkit.lab.looks import LATE_POLL_S
from labkit.lab.place import POLL_S, _for_lab
from labkit.observe.api import Refused
from labkit.observe.history import Act, NeverHappened, Object
from labkit.observe.load import Load
from labkit.observe.views import PodView
from labkit.trouble import Inconclusive


def test_one_of_several_instruments_in_a_pod_is_told_by_its_port(
    lab_of: Callable[..., Lab], monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[object, ...]] = []

    def reach(_: Lab, *request: object) -> tuple[int, str]:
        told.append(request)
        return 200, "{}"

    monkeypatch.setattr(Lab, "_reach", reach)
    lab, pair = lab_of("exit 0"), Object[PodView]("Pod", "pair")
    assert [
        lab.put(pair, "/ready/api", failNext=2).words,
        lab.put(pair, "/ready/api", port=8081, failNext=2).words,
    ] == [
        'PUT pod/pair /ready/api {"failNext": 2}',
        'PUT pod/pair:8081 /ready/api {"failNext": 2}',
    ]
    assert told == [("PUT", "pair", port, "/ready/api", {"failNext": 2}) for port in (8080, 8081)]


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


def test_what_is_looked_at_in_vain_as_a_given_says_nothing_about_the_claim(lab_of: Callable[..., Lab]) -> None:
    lab = lab_of("exit 0")
    assert lab.given("it is there", look=lambda: 1, until=bool) == 1
    with pytest.raises(NotSetUp, match="not given: it is there: not within"):
        lab.given("it is there", look=lambda: 0, until=bool, within=Window(0, -budgets.SLACK_S))


def test_nothing_counts_on_a_machine_that_was_too_busy(
    lab_of: Callable[..., Lab], monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = lab_of("exit 0")
    for load, said in ((budgets.LOADED, None), (7.0, "7.0 tasks per core wanted to run meanwhile, too many to tell")):
        monkeypatch.setattr(Load, "since", lambda *_, load=load: load)
        assert lab.too_busy() == said


@pytest.mark.parametrize(
    ("load", "clean", "sabotaged"),
    [
        (budgets.LOADED, NeverHappened, NeverHappened),
        (7.0, Inconclusive, NeverHappened),
        (budgets.MOST_LOADED, Inconclusive, NeverHappened),
        (9.1, Inconclusive, Inconclusive),
    ],
)
def test_lateness_accuses_a_sabotage_as_long_as_the_slack_grows(
    lab_of: Callable[..., Lab],
    monkeypatch: pytest.MonkeyPatch,
    load: float,
    clean: type[Exception],
    sabotaged: type[Exception],
) -> None:
    monkeypatch.setattr(Load, "since", lambda *_: load)
    over = Window(0, -budgets.MOST_SLACK_S)
    for sabotage, expected in ((None, clean), (Sabotage("one", (skip("it"),)), sabotaged)):
        lab = lab_of("exit 0", sabotage)
        with pytest.raises(expected):
            lab.poll("it is so", lambda: False, until=bool, within=over)
        with pytest.raises(expected):
            lab.eventually("it is so", Object[PodView]("Pod", "web"), until=bool, within=over)
        assert bool(lab.too_busy()) == (load > budgets.LOADED), "and a clean run is told of either way"


def test_a_placed_manifest_goes_by_its_own_name(lab_of: Callable[..., Lab], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LabCluster, "workers", (SimpleNamespace(name="worker"),))
    lab = lab_of('echo "cannot read $3" >&2; exit 1')
    lab.claim = dataclasses.replace(lab.claim, cluster_wide=True)
    with pytest.raises(Failed):
        lab.apply("replicasets/no-pods-from-the-controller.yaml")
    (command,) = lab.evidence.commands
    assert command["command"] == "kubectl apply -f manifests/replicasets/no-pods-from-the-controller.yaml -o json"
    assert command["stderr"] == "cannot read manifests/replicasets/no-pods-from-the-controller.yaml\n"
    assert "${NAMESPACE}" in lab.evidence.manifests["manifests/replicasets/no-pods-from-the-controller.yaml"]


def told(command: dict[str, Any]) -> str:
    """Give what was typed, without where a copy lies."""
    return re.sub(r"\S+/", "", command["command"])


def test_kubectl_validates_only_what_the_server_has_not_taken_by_trial(
    lab_of: Callable[..., Lab], monkeypatch: pytest.MonkeyPatch
) -> None:
    lab, asked = lab_of("exit 1"), []

    def post(path: str, _: object) -> dict[str, Any]:
        asked.append(path)
        if "replicasets" in path:
            raise Refused(400, '{"message": "unknown field"}')
        return {}

    monkeypatch.setattr(lab._api, "post", post)
    for file, verb in (
        ("labels/annotation.yaml", "apply -f"),
        ("labels/annotation.yaml", "create -f"),
        ("labels/annotation.yaml", "apply --validate=strict -f"),
        ("replicasets/copies.yaml", "apply -f"),
    ):
        with pytest.raises(Failed):
            lab.apply(file, verb)
    assert [told(command) for command in lab.evidence.commands] == [
        "kubectl apply -f annotation.yaml --validate=false -o json",
        "kubectl create -f annotation.yaml --validate=false -o json",
        "kubectl apply --validate=strict -f annotation.yaml -o json",
        "kubectl apply -f copies.yaml -o json",
    ]
    assert all(path.endswith("?dryRun=All&fieldValidation=Strict") for path in asked)


@pytest.mark.parametrize("takes_it", [True, False])
def test_what_a_sabotaged_object_would_have_been_is_asked_of_the_server(
    lab_of: Callable[..., Lab], monkeypatch: pytest.MonkeyPatch, takes_it: bool
) -> None:
    """By kubectl where the server does not make it anew, as where it has the object already."""
    kept = {"kind": "ConfigMap", "metadata": {"name": "guitar-api", "uid": "1", "namespace": "one"}}
    changed = Sabotage("another", (put("metadata.annotations", {}),))
    lab = lab_of(f"echo '{json.dumps(kept | {'said': 'by kubectl'})}'", changed)

    def post(_: str, thing: dict[str, Any]) -> dict[str, Any]:
        if not takes_it:
            raise Refused(409, '{"message": "already exists"}')
        return thing | {"said": "by the server"}

    monkeypatch.setattr(lab._api, "post", post)
    applied = lab.apply("labels/annotation.yaml")
    assert applied.manifest["said"] == ("by the server" if takes_it else "by kubectl")
    dry = [command for command in lab.evidence.commands if "--dry-run=server" in command["command"]]
    assert len(dry) == (0 if takes_it else 1)


def test_what_is_late_is_looked_for_less_often(lab_of: Callable[..., Lab], monkeypatch: pytest.MonkeyPatch) -> None:
    lab, now, looked = lab_of("exit 0"), [0.0], []

    def sleep(seconds: float) -> None:
        looked.append((now[0] < 3, seconds))
        now[0] += seconds

    monkeypatch.setattr(lab, "clock", lambda: now[0])
    monkeypatch.setattr(Load, "since", lambda *_: 0.0)
    monkeypatch.setattr(time, "sleep", sleep)
    with pytest.raises(NeverHappened):
        lab.poll("it is so", lambda: False, until=bool, within=Window(0, 3))
    assert set(looked) == {(True, POLL_S), (False, LATE_POLL_S)}


def test_a_line_at_a_shell_finds_the_clusters_kubectl_and_a_folder_of_its_own(lab_of: Callable[..., Lab]) -> None:
    lab = lab_of('echo "$@" from $KUBECONFIG')
    lab.shell("echo strings > guitar")
    assert lab.shell("cat guitar; kubectl get pods; echo $TMPDIR; pwd").stdout.split() == [
        *("strings", "get", "pods", "from"),
        str(lab._kubeconfig),
        *2 * [str(lab._kubeconfig.with_suffix(""))],
    ]
    lab.shell("ls $TMPDIR/guitar")
    assert lab.evidence.commands[0]["command"] == "echo strings > guitar"
    assert lab.evidence.commands[-1]["stdout"] == "guitar\n", "a path of this machine is kept"
    lab.close()
    assert not lab._kubeconfig.with_suffix("").exists()


def test_what_kubectl_and_a_shell_run_is_the_systems_own(
    lab_of: Callable[..., Lab], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "diff").write_text("#!/bin/sh\necho mine\n")
    (tmp_path / "bin" / "diff").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    lab = lab_of("diff /dev/null /dev/null")
    assert lab.kubectl("diff -f x").stdout == ""
    assert lab.shell("diff /dev/null /dev/null").stdout == ""


def test_a_line_at_a_shell_must_end_as_it_should(lab_of: Callable[..., Lab]) -> None:
    lab = lab_of("exit 0", Sabotage("right", (instead("kubcetl", "kubectl"), skip("rm"))))
    lab.shell("exit 3", exits=3)
    lab.shell("exit 4", exits=None)
    with pytest.raises(Failed, match="no editor"):
        lab.shell("echo no editor >&2; exit 2")
    with pytest.raises(Accepted, match="exit 0, not 127"):
        lab.shell("kubcetl edit", exits=127)
    assert lab.shell("rm guitar").rc == 0
    assert lab.missed() == []


def test_the_kubeconfig_of_a_lab_calls_everything_lab() -> None:
    config = _for_lab(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:9"}}],
            "users": [{"name": "u", "user": {}}],
            "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
            "current-context": "x",
        },
        "one",
    )
    assert config["contexts"] == [
        {"name": "lab", "context": {"cluster": "lab", "user": "lab", "namespace": "one"}},
    ]
    cluster = {"server": "http://127.0.0.1:9", "disable-compression": True}
    assert config["clusters"] == [{"name": "lab", "cluster": cluster}]
    assert config["users"] == [{"name": "lab", "user": {}}]
    assert config["current-context"] == "lab"


@pytest.mark.parametrize("finalizers", [[], ["kubernetes.io/pvc-protection"], ["labs.example/hold"]])
def test_what_would_keep_an_object_for_ever_is_taken_away_with_the_lab(
    lab_of: Callable[..., Lab], finalizers: list[str]
) -> None:
    kept = {"kind": "ConfigMap", "metadata": {"name": "a", "uid": "1", "namespace": "one", "finalizers": finalizers}}
    lab = lab_of(f"echo '{json.dumps(kept)}'")
    lab.apply("labels/annotation.yaml")
    lab.close()
    patched = [c["command"] for c in lab.evidence.commands if c["command"].startswith("kubectl patch")]
    assert bool(patched) == ("labs.example/hold" in finalizers)


WIDE = "its claim does not say cluster_wide=True"


@pytest.mark.parametrize("word", ["kubectl", "refused", "tried", "terminal"])
def test_what_reaches_further_than_its_claim_says_is_not_done(lab_of: Callable[..., Lab], word: str) -> None:
    lab = lab_of("exit 0")
    with pytest.raises(NotSetUp, match=WIDE):
        getattr(lab, word)("create namespace other")
    assert lab.evidence.commands == []
    lab.claim = dataclasses.replace(lab.claim, cluster_wide=True)
    lab.kubectl("create namespace other")


def test_neither_a_shell_nor_a_manifest_nor_a_sabotage_reaches_further(lab_of: Callable[..., Lab]) -> None:
    lab = lab_of("exit 0", Sabotage("further", (instead("configmap guitar", "namespace guitar"),)))
    for act in (
        lambda: lab.shell("true; kubectl delete node one"),
        lambda: lab.kubectl("create configmap guitar"),
        lambda: lab.kubectl("apply -f -", stdin="kind: Namespace"),
        lambda: lab.apply("components/second-namespace.yaml"),
    ):
        with pytest.raises(NotSetUp, match=WIDE):
            act()
    with pytest.raises(NotSetUp, match='does not say needs="nodes"'):
        lab.apply("volumes/not-root.yaml")
    assert lab.evidence.commands == []


def test_what_is_of_the_cluster_carries_its_name(lab_of: Callable[..., Lab]) -> None:
    lab = lab_of("cat $3 >&2; exit 1")
    lab.claim = dataclasses.replace(lab.claim, cluster_wide=True)
    with pytest.raises(Failed, match="labs/cluster: c"):
        lab.apply("components/second-namespace.yaml")


def test_images_are_named_as_the_cluster_has_them(lab_of: Callable[..., Lab]) -> None:
    lab = lab_of(
        "cat $3 >&2; exit 1",
        Sabotage("another", (instead("image=localhost:1/labs/web:1", "image=localhost:1/labs/web:2"),)),
    )
    lab.cluster.images = {"localhost:1/labs/web:1": "host/team/web:0123"}
    with pytest.raises(Failed, match="image: host/team/web:0123"):
        lab.apply("health/liveness-twins.yaml")
    assert lab.image("localhost:1/labs/web:1") == "host/team/web:0123"
    lab.tried("run web --image=localhost:1/labs/web:1")
    assert lab.evidence.commands[-1]["command"] == "kubectl run web --image=localhost:1/labs/web:2"
    (text,) = lab.evidence.manifests.values()
    assert "image: host/team/web:0123" in text


def test_a_lab_that_turns_its_kubeconfig_elsewhere_changes_nothing_there(lab_of: Callable[..., Lab]) -> None:
    lab = lab_of("exit 0")
    elsewhere = [{"name": "x", "context": {"cluster": "c", "user": "u", "namespace": "kube-system"}}]
    config = {"contexts": elsewhere, "current-context": "x"}
    lab._kubeconfig.write_text(json.dumps(config))
    lab.kubectl("delete pod web")
    lab.kubectl("config use-context x")
    lab.kubectl("get pods")
    with pytest.raises(NotSetUp, match="goes to namespace kube-system"):
        lab.kubectl("delete pod web")
