"""A run of mutants on stand-ins for Go, the cluster and pytest: what is tried, what is told, and what is kept."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from labkit import interruption
from labkit.claims import prose
from labkit.claims.claim import load_claims
from labkit.claims.verdicts import Observation
from labkit.cluster import LabCluster, programs, recovery
from labkit.observe.connection import Connection
from labkit.paths import ROOT
from labkit.run import child, mutants
from labkit.supply import toolchain
from labkit.supply.mutation import Built
from labkit.trouble import CannotRun, Inconclusive

CLAIMS = load_claims(ROOT / "labs")
NODEIDS = prose.nodeids(ROOT / "labs")
KUBELET = {
    "sentence": "a probe needs one more failure",
    "program": "kubelet",
    "file": "k8s.io/kubernetes/pkg/worker.go",
    "find": "run <",
    "instead": "run <=",
    "claims": ["health.failure-threshold"],
}
KUBECTL = KUBELET | {"program": "kubectl", "claims": ["labels.modify"]}


class World:
    """Stands for all that is outside: the source, the compiler, the cluster and what labs see on it."""

    def __init__(self, folder: Path) -> None:
        self.cluster = LabCluster(
            "c", folder=folder, kind_path=folder, image="node:1", kubernetes="v1.37.2", origin="here"
        )
        self.cluster.connection = Connection("kubeconfig", "https://127.0.0.1:6443")
        self.source = "run < threshold"
        self.broken = {"health.failure-threshold", "labels.modify"}
        self.broken_anyway: set[str] = set()
        self.unclear: set[str] = set()
        self.does_not_compile: set[str] = set()
        self.does_not_run: set[str] = set()
        self.node_does_not: set[str] = set()
        self.unwell_after = 99
        self.did: list[str] = []
        self.observed: list[tuple[str, int, int]] = []
        """The kubectl that was used, how many labs were run, with how many workers."""

    def observe(self, handle: Mapping[str, Any], nodeids: Sequence[str], *, workers: int = 0, **_: Any) -> list[Any]:
        """See what is broken with a mutant; the first time, which is the control, what is so anyway."""
        self.observed.append((Path(handle["labs"]["kubectl"]).parent.name, len(nodeids), workers))
        ids = {nodeid: id for id, nodeid in NODEIDS.items()}
        broken = self.broken if len(self.observed) > 1 else self.broken_anyway
        return [self._seen(ids[nodeid], nodeid, broken, alone=not workers) for nodeid in nodeids]

    def _seen(self, claim: str, nodeid: str, broken: set[str], *, alone: bool) -> Observation:
        unclear = claim in self.unclear and not alone and len(self.observed) > 1
        outcome: Any = "inconclusive" if unclear else "assertion" if claim in broken else "passed"
        return Observation(claim, nodeid, None, outcome, "why", 1.0, "", alone=alone)

    @contextlib.contextmanager
    def exchanged(self, _cluster: LabCluster, program: str, binary: Path) -> Iterator[None]:
        name = binary.parent.name
        self.did.append(f"in {name}")
        try:
            if name in self.does_not_run:
                raise programs.ProgramDoesNotRun(f"the {program} does not run")
            if name in self.node_does_not:
                raise Inconclusive("node c-worker did not do what was asked of it")
            yield
        finally:
            self.did.append(f"out {name}")

    def wait_well(self, _cluster: LabCluster) -> None:
        self.did.append("well")
        if self.did.count("well") >= self.unwell_after:
            raise recovery.NotWell("nothing answers")


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    world = World(tmp_path / "c")
    world.cluster.path.mkdir()
    (tmp_path / "mutants").mkdir()

    class Compiler:
        def __init__(self, _go: object, tag: str, folder: Path) -> None:
            assert tag == "v1.37.2"
            self._folder = folder

        def source(self, _file: str) -> str:
            return world.source

        def build(self, program: str, _file: str, content: str, name: str) -> Built:
            if name in world.does_not_compile:
                raise CannotRun(f"{program} could not be built from source (worker.go:3: undefined)")
            assert content == "run <= threshold"
            (self._folder / name).mkdir(parents=True)
            (self._folder / name / program).write_text(content)
            return Built(self._folder / name / program, 10.0)

    @contextlib.contextmanager
    def running(*_: object, **__: object) -> Iterator[LabCluster]:
        yield world.cluster

    # As they are, and read once: that takes longer than all the rest of a run on stand-ins.
    monkeypatch.setattr(mutants, "load_claims", lambda _: CLAIMS)
    monkeypatch.setattr(prose, "nodeids", lambda _: NODEIDS)
    monkeypatch.setattr(mutants, "running", running)
    monkeypatch.setattr(mutants, "Mutation", Compiler)
    monkeypatch.setattr(mutants, "FOLDER", tmp_path / "mutants")
    monkeypatch.setattr(toolchain, "find_go", lambda _: None)
    monkeypatch.setattr(programs, "exchanged", world.exchanged)
    monkeypatch.setattr(recovery, "wait_well", world.wait_well)
    monkeypatch.setattr(child, "observe", world.observe)
    monkeypatch.setattr(interruption, "end_in_order", lambda: None)
    monkeypatch.setattr(mutants, "KEPT", tmp_path / "mutants.json")
    return world


def write(tmp_path: Path, **content: dict[str, Any]) -> None:
    for name, told in content.items():
        (tmp_path / "mutants" / f"{name}.yaml").write_text(yaml.safe_dump(told))


def kept(tmp_path: Path) -> dict[str, str]:
    (run,) = json.loads((tmp_path / "mutants.json").read_text())["runs"]
    return {one["name"]: one["verdict"] for one in run["mutants"]}


def of_topic(*topics: str) -> int:
    return sum(c.topic in topics and c.takes_s <= mutants.LONG_S and not c.not_of("v1.37.2") for c in CLAIMS.values())


def test_each_is_put_in_tried_with_its_topic_and_taken_out(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, one=KUBELET, two=KUBECTL)
    assert mutants.main([]) == 0
    assert world.did == ["in one", "well", "out one", "well"]
    assert world.observed == [
        ("c", 2, 2),
        ("c", of_topic("health"), mutants.WORKERS),
        ("two", of_topic("labels"), mutants.WORKERS),
    ]
    assert kept(tmp_path) == {"one": "killed", "two": "killed"}
    assert not (world.cluster.path / "mutants").exists()
    told = capsys.readouterr()
    assert "one     kubelet                  killed" in told.out
    assert "turned by no mutant: " in told.out
    assert "health.failure-threshold" not in told.out
    assert "mutants: 100%" in told.err


def test_one_that_survives_fails_the_run(world: World, tmp_path: Path) -> None:
    write(tmp_path, one=KUBELET)
    world.broken = {"health.period"}
    assert mutants.main([]) == 1
    assert kept(tmp_path) == {"one": "survived"}


def test_what_is_unclear_is_seen_again_alone(world: World, tmp_path: Path) -> None:
    write(tmp_path, one=KUBELET)
    world.unclear = {"health.failure-threshold", "health.period"}
    assert mutants.main([]) == 0
    assert world.observed[2:] == [("c", 2, 0)]


def test_a_claim_that_is_broken_anyway_proves_nothing(world: World, tmp_path: Path) -> None:
    write(tmp_path, one=KUBELET, two=KUBECTL)
    world.broken_anyway = {"health.failure-threshold"}
    assert mutants.main([]) == 2
    assert kept(tmp_path) == {"one": "inconclusive", "two": "killed"}
    assert world.did == []


def test_a_claim_that_a_known_bug_breaks_anyway_need_not_turn(world: World, tmp_path: Path) -> None:
    bug_of_the_patch = "health.startup-after-restart"
    assert CLAIMS[bug_of_the_patch].bug_of("v1.37.2")
    write(tmp_path, one=KUBELET | {"claims": ["health.failure-threshold", bug_of_the_patch]})
    world.broken |= {bug_of_the_patch}
    assert mutants.main([]) == 0
    assert kept(tmp_path) == {"one": "killed"}
    write(tmp_path, one=KUBELET | {"claims": [bug_of_the_patch]})
    assert mutants.main([]) == 0
    assert kept(tmp_path) == {"one": "not-applicable"}


def test_one_that_a_node_keeps_from_being_tried_is_inconclusive_and_the_others_go_on(
    world: World, tmp_path: Path
) -> None:
    write(tmp_path, one=KUBELET, two=KUBECTL)
    world.node_does_not = {"one"}
    assert mutants.main([]) == 2
    assert kept(tmp_path) == {"one": "inconclusive", "two": "killed"}


def test_one_that_does_not_compile_is_told_and_the_others_go_on(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, one=KUBELET, two=KUBELET, three={"sentence": "nothing else"})
    world.does_not_compile = {"one"}
    assert mutants.main([]) == 3
    assert kept(tmp_path) == {"one": "faulty", "two": "killed"}
    told = capsys.readouterr()
    assert "labs/mutants/one.yaml: kubelet could not be built from source (worker.go:3: undefined)" in told.out
    assert told.err.startswith("labs/mutants/three.yaml is no mutant")


@pytest.mark.parametrize(
    ("source", "verdict", "code"),
    [("run > threshold", "not-applicable", 0), ("run < threshold || run < 3", "faulty", 3)],
)
def test_words_that_are_not_there_once_are_told(
    world: World, tmp_path: Path, source: str, verdict: str, code: int
) -> None:
    write(tmp_path, one=KUBELET)
    world.source = source
    assert mutants.main([]) == code
    assert kept(tmp_path) == {"one": verdict}
    assert world.did == []


def test_one_that_is_not_made_for_the_version_is_not_tried(world: World, tmp_path: Path) -> None:
    write(tmp_path, one=KUBELET | {"until": "1.36"}, two=KUBELET | {"claims": ["labels.dash-l-ignored"]})
    assert mutants.main([]) == 0
    assert kept(tmp_path) == {"one": "not-applicable", "two": "not-applicable"}
    assert world.observed == []


def test_one_with_which_the_cluster_does_not_work_is_told(world: World, tmp_path: Path) -> None:
    write(tmp_path, one=KUBELET, two=KUBELET)
    world.does_not_run = {"one"}
    assert mutants.main([]) == 1
    assert kept(tmp_path) == {"one": "unwell", "two": "killed"}
    assert world.did[:3] == ["in one", "out one", "well"]


def test_a_cluster_that_is_not_well_afterwards_ends_the_run(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, one=KUBELET, two=KUBELET)
    world.unwell_after = 2
    assert mutants.main([]) == 3
    assert world.did == ["in one", "well", "out one", "well"]
    assert "the cluster is not well after one, although all programs are its own again" in capsys.readouterr().err


def test_a_look_at_the_named_claims_records_nothing(world: World, tmp_path: Path) -> None:
    write(tmp_path, one=KUBELET, two=KUBECTL)
    assert mutants.main(["--named", "-k", "one"]) == 0
    assert world.observed == [("c", 1, 1), ("c", 1, 1)]
    assert not (tmp_path / "mutants.json").exists()


def test_a_name_that_no_mutant_has_is_told(world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, one=KUBELET)
    assert mutants.main(["-k", "affinity"]) == 3
    assert "cannot run: no mutant is called so: labs/mutants has one" in capsys.readouterr().err
    assert world.did == []
