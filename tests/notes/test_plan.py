"""What is tried together, on what ground, and what is not run."""

from __future__ import annotations

import pytest

from labkit.notes import document, plan, understand
from labkit.notes.scenario import Plan

POD = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: web\nspec:\n  containers:\n  - name: a\n    image: b\n"


def planned(text: str, heading: str = "") -> Plan:
    return plan.plan(understand.understand(document.parse(text)), heading=heading)


def commands(*lines: str) -> str:
    return "```\n" + "\n".join(lines) + "\n```\n"


def scripts(made: Plan) -> list[list[str]]:
    return [[step.script for step in scenario.steps] for scenario in made.scenarios]


def test_sections_are_scenarios_and_join_what_they_need() -> None:
    text = (
        "# A\n"
        + commands("kubectl run web --image=a")
        + "# B\n"
        + commands("kubectl get ns")
        + "# C\n"
        + commands("kubectl logs web")
    )
    assert scripts(planned(text)) == [["kubectl run web --image=a", "kubectl logs web"], ["kubectl get ns"]]


def test_a_name_made_again_begins_an_alternative() -> None:
    made = planned(commands("kubectl run web --image=a", "kubectl get pods", "kubectl run web --image=b"))
    assert scripts(made) == [["kubectl run web --image=a", "kubectl get pods"], ["kubectl run web --image=b"]]
    again = planned(commands("kubectl run web --image=a", "kubectl delete pod web", "kubectl run web --image=b"))
    assert len(again.scenarios) == 1


def test_what_the_notes_never_make_is_stood_in_for() -> None:
    (scenario,) = planned(commands("kubectl label deployment web a=b", "kubectl get svc -n shop")).scenarios
    assert scenario.stand_ins == (("", ("Deployment", "web")), ("", ("Namespace", "shop")))
    assert scenario.namespaces == ("shop",)


def test_what_a_later_line_makes_is_not_stood_in_for() -> None:
    (scenario,) = planned(commands("kubectl logs web", "kubectl run web --image=a")).scenarios
    assert scenario.stand_ins == ()


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("minikube start", "out of reach: minikube"),
        ("eval $(minikube docker-env)", "out of reach: minikube"),
        ("kubectl apply -f gone.yaml", "file gone.yaml is in no block"),
        ("kubectl apply -f https://example.com/a.yaml", "it needs the network: https://example.com/a.yaml"),
        ("kubectl logs <pod-name>", "nothing says what <pod-name> is"),
        ("kubectl logs $POD", "$POD is never set"),
        ("vi a.yaml", "done by hand: vi"),
        ("curl http://10.1.2.3", "it needs the network: curl"),
        ("kubectl debug node/n1 -it --image=busybox", "it would reach the machine: kubectl debug of a node"),
        ("kubectl run a --image=b --privileged", "it would reach the machine through its node"),
    ],
)
def test_what_is_not_run_says_why(line: str, reason: str) -> None:
    made = planned(commands(line))
    assert (made.scenarios, [step.not_run for step in made.left]) == ((), [reason])


@pytest.mark.parametrize("field", ["hostNetwork: true", "hostPID: true", "volumes: [{name: a, hostPath: {path: /}}]"])
def test_what_reaches_the_machine_is_refused(field: str) -> None:
    text = f"web.yaml:\n```\n{POD}  {field}\n```\n" + commands("kubectl apply -f web.yaml")
    assert planned(text).left[0].not_run.startswith("it would reach the machine: pod/web has host")


def test_a_placeholder_is_filled_where_one_thing_fits() -> None:
    (scenario,) = planned(commands("kubectl run web --image=a", "kubectl logs <pod-name>")).scenarios
    assert scenario.steps[1].script == "kubectl logs web"
    assert scenario.steps[1].told == ("<pod-name> is taken to be web",)


def test_a_placeholder_for_a_kind_is_filled_with_its_plural() -> None:
    (scenario,) = planned(commands("kubectl run web --image=a", "kubectl get <resource-type>")).scenarios
    assert scenario.steps[1].script == "kubectl get pods"


def test_a_manifest_that_no_command_applies_is_tried_dry() -> None:
    (scenario,) = planned(f"```\n{POD}```\n").scenarios
    assert scenario.steps[0].script == "kubectl apply --dry-run=server -f line-2.yaml"


def test_a_piece_is_made_whole_around_its_own_lines() -> None:
    (scenario,) = planned("```yaml\ncontainers:\n- name: a\n  image: b\n```\n").scenarios
    assert scenario.steps[0].files[0].text.endswith("spec:\n  containers:\n  - name: a\n    image: b\n")


@pytest.mark.parametrize(
    "line",
    ["kubectl cordon n1", "kubectl label node n1 a=b", "kubectl create clusterrole r --verb=get --resource=pods"],
)
def test_what_touches_what_all_share_is_alone(line: str) -> None:
    assert planned(commands(line)).scenarios[0].alone


def test_nothing_is_left_out_silently() -> None:
    text = (
        commands("kubectl get pods", "minikube start", "kubectl apply -f a.yaml")
        + "```Dockerfile\nFROM a\nRUN b\n```\n"
    )
    assert [(s.line, s.subject) for s in planned(text).steps()] == [
        (2, "command"),
        (3, "command"),
        (4, "command"),
        (7, "Dockerfile"),
    ]


def test_a_heading_picks_its_sections() -> None:
    text = "# Pods\n" + commands("kubectl get pods") + "# Nodes\n" + commands("kubectl get nodes")
    assert scripts(planned(text, "node")) == [["kubectl get nodes"]]


REFUSED = 'Error from server (AlreadyExists): pods "web" already exists'


def test_a_line_that_must_fail_makes_nothing_and_begins_no_alternative() -> None:
    made = planned(commands("$ kubectl run web --image=a", "pod/web created", "$ kubectl run web --image=b", REFUSED))
    assert scripts(made) == [["kubectl run web --image=a", "kubectl run web --image=b"]]


def test_nothing_is_made_for_a_line_that_must_fail() -> None:
    gone = 'Error from server (NotFound): pods "web" not found'
    (scenario,) = planned(commands("$ kubectl get pod web", gone)).scenarios
    assert scenario.stand_ins == ()


def test_a_namespace_that_should_not_have_come_is_cleaned_up() -> None:
    (scenario,) = planned(commands("kubectl create ns shop  # should be refused")).scenarios
    assert scenario.namespaces == ("shop",)
