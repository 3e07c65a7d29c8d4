"""A scenario tried line by line, with a cluster that answers what a test says."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from types import SimpleNamespace
from typing import Any, cast

import pytest

from labkit.cluster import LabCluster
from labkit.notes import attempt, document, facts, mend, plan, run, trial, understand
from labkit.notes.findings import Finding
from labkit.notes.judge import CONTEXT, FAULT, HOLDS, NOT_RUN
from labkit.notes.sandbox import STEP_S, Said, Sandboxes

Fails = Mapping[str, str | Callable[[str], str]]
"""What each line says that fails, or how that follows from the file written last; all others succeed."""
Try = Callable[[str, Fails], list[Finding]]
"""Notes, and what fails of them."""


@pytest.fixture
def given_s() -> dict[str, float]:
    """The seconds that each line got."""
    return {}


@pytest.fixture
def tried(monkeypatch: pytest.MonkeyPatch, given_s: dict[str, float]) -> Try:
    @contextlib.contextmanager
    def nowhere(*_: Any) -> Iterator[Any]:
        yield SimpleNamespace(namespace="ns", settle=lambda *_: "", make=lambda *_: None)

    monkeypatch.setattr(trial, "place", nowhere)
    monkeypatch.setattr(run._Runner, "provide_images", lambda *_: None)

    def to(text: str, fails: Fails) -> list[Finding]:
        class Shell:
            written = ""

            def write(self, _path: str, content: str) -> None:
                self.written = content

            def type(self, script: str, *, timeout_s: float = 0.0, **_: Any) -> Said:
                given_s[script] = timeout_s
                told = fails.get(script, "")
                said = told if isinstance(told, str) else told(self.written)
                return Said(1 if said else 0, "", said, 0.0)

        @contextlib.contextmanager
        def one(_namespace: str) -> Iterator[Any]:
            yield Shell()

        notes = understand.understand(document.parse(text))
        cluster = SimpleNamespace(kubectl=lambda *_, **__: SimpleNamespace(rc=1, stdout="", stderr=""))
        many = cast(Sandboxes, SimpleNamespace(one=one))
        return list(run.run(notes, plan.plan(notes), cast(LabCluster, cluster), many))

    return to


def commands(*lines: str) -> str:
    return "```\n" + "\n".join(lines) + "\n```\n"


FORBIDDEN = 'Error from server (Forbidden): pods is forbidden: User "bob" cannot list resource "pods"'


def test_a_line_that_must_fail_and_succeeds_is_at_fault(tried: Try) -> None:
    (found,) = tried(commands("$ kubectl get pods --as=bob", FORBIDDEN), {})
    assert (found.verdict, found.proven) == (FAULT, False)
    assert found.reason == "the notes have it fail (Forbidden), and it succeeds"
    assert "what is wrong is that the notes have it fail" in found.unmended
    assert found.evidence[0].rc == 0


def test_a_remark_behind_a_line_counts_as_its_output_does(tried: Try) -> None:
    text = commands("kubectl get pods --as=bob # should be refused")
    assert tried(text, {})[0].verdict == FAULT
    assert tried(text, {"kubectl get pods --as=bob": FORBIDDEN})[0].verdict == HOLDS


@pytest.mark.parametrize(
    ("lines", "fails", "lacks"),
    [
        (["$ kubectl run a --image=b", 'Error from server (AlreadyExists): pods "a" already exists'], {}, "moment"),
        (["$ kubectl describe pod a", "$ kubectl get pod a", "Error from server (NotFound): x"], {}, "Pod a"),
        (["$ kubectl apply -f gone.yaml", "$ kubectl get pods --as=bob", FORBIDDEN], {}, "line 2"),
        (
            ["$ kubectl get nodes", "$ kubectl get pods --as=bob", FORBIDDEN],
            {"kubectl get nodes": "error: Metrics API not available"},
            "line 2",
        ),
    ],
)
def test_a_line_that_succeeds_because_something_lacks_is_not(
    tried: Try, lines: list[str], fails: dict[str, str], lacks: str
) -> None:
    found = tried(commands(*lines), fails)[-1]
    assert found.verdict == CONTEXT
    assert lacks in found.reason


def test_a_line_that_fails_for_a_reason_of_its_own_is_mended_to_fail_as_the_notes_have_it(tried: Try) -> None:
    fails = {
        "kubcetl get pods --as=bob": "bash: line 1: kubcetl: command not found",
        "kubectl get pods --as=bob": FORBIDDEN,
    }
    (found,) = tried(commands("$ kubcetl get pods --as=bob", FORBIDDEN), fails)
    assert (found.verdict, found.mended) == (FAULT, "kubectl get pods --as=bob")


def test_a_line_that_would_reach_the_machine_is_not_run_whatever_it_should_do(tried: Try) -> None:
    said = 'pods "a" is forbidden: violates PodSecurity "baseline:latest": privileged (container "a" ...)'
    (found,) = tried(commands("kubectl run a --image=b # fails"), {"kubectl run a --image=b": said})
    assert found.verdict == NOT_RUN


def test_a_fault_is_kept_when_a_later_one_has_all_tried_again(tried: Try) -> None:
    fails = {
        "kubcetl get pods": "bash: line 1: kubcetl: command not found",
        "kubectl config set-context a --namespace=b": "",
        "kubectl get pods -o wide": "The connection to the server localhost:8080 was refused",
    }
    lines = ["kubcetl get pods", "kubectl config set-context a --namespace=b", "kubectl get pods -o wide"]
    found = tried(commands(*lines), fails)
    assert found[0].verdict == FAULT


@pytest.mark.parametrize(
    ("grace", "seconds"),
    [
        ("", attempt.GRACE_S),
        ("terminationGracePeriodSeconds: 5", attempt.GRACE_S),  # other Pods of the scenario may have the usual one
        ("terminationGracePeriodSeconds: 60", 60),
        ("terminationGracePeriodSeconds: 86400", attempt.MOST_GRACE_S),
    ],
)
def test_a_line_that_waits_for_the_end_of_pods_gets_the_time_that_they_have(
    grace: str, seconds: float, tried: Try, given_s: dict[str, float]
) -> None:
    manifest = f"apiVersion: v1\nkind: Pod\nmetadata: {{name: web}}\nspec:\n  containers: []\n  {grace}\n"
    lines = commands("kubectl create -f web.yaml", "kubectl delete pod web")
    tried(f"web.yaml:\n\n```yaml\n{manifest}```\n\n{lines}", {})
    assert given_s == {"kubectl create -f web.yaml": STEP_S, "kubectl delete pod web": STEP_S + seconds}


CONFIG = """\
```
apiVersion: v1
kind: ConfigMap
metadata:
  name: web
dat:
  a: b
```

```
kubectl apply -f config.yaml
```
"""
UNKNOWN = (
    'Error from server (BadRequest): error when creating "config.yaml": ConfigMap in version "v1" cannot be handled as'
    ' a ConfigMap: strict decoding error: unknown field "dat"'
)


@pytest.mark.parametrize(
    ("with_data", "proven"),
    [("", True), ("json: cannot unmarshal object into Go struct field ConfigMap.data of type string", False)],
)
def test_what_a_candidate_breaks_itself_is_no_fault_of_the_notes(
    tried: Try, monkeypatch: pytest.MonkeyPatch, with_data: str, proven: bool
) -> None:
    monkeypatch.setattr(facts.ClusterFacts, "fields", lambda *_: ("data", "metadata"))
    monkeypatch.setattr(mend, "nearest", lambda *_: "data")
    found = tried(CONFIG, {"kubectl apply -f config.yaml": lambda text: UNKNOWN if "\ndat:" in text else with_data})
    faults = [(one.line, one.reason, one.proven) for one in found if one.verdict == FAULT]
    assert faults == [(6 if proven else 2, "a ConfigMap has no field dat", proven)]


def test_a_piece_that_the_check_has_named_is_judged_by_what_it_says_itself(
    tried: Try, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(facts.ClusterFacts, "fields", lambda *_: ())
    unknown = UNKNOWN.replace("config.yaml", "line-2.yaml").replace('"dat"', '"metadata.label"')

    def said(text: str) -> str:
        return unknown if "name: piece" in text else "error: resource name may not be empty"

    piece = "```yaml\nmetadata:\n  label:\n    a: b\n```\n"
    found = tried(piece, {"kubectl apply --dry-run=server -f line-2.yaml": said})
    assert [(one.verdict, one.reason) for one in found] == [(FAULT, "a ConfigMap has no field metadata.label")]
