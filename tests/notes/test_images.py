"""What stands in for images that no registry gives, whatever their tag."""

from __future__ import annotations

from collections.abc import Iterable
from types import SimpleNamespace
from typing import cast

import pytest

from labkit.cluster import LabCluster, nodes
from labkit.notes import document, images, plan, understand
from labkit.notes.images import Images

GIVEN = ("registry.example.com/there",)
"""What a registry gives."""


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    done: list[str] = []

    def execute(_node: str, command: str) -> tuple[int, str]:
        done.append(command)
        refused = "UPPER" in command or ("crictl pull" in command and not any(one in command for one in GIVEN))
        return int(refused), ""

    monkeypatch.setattr(nodes, "execute", execute)
    return done


@pytest.fixture
def cluster() -> LabCluster:
    return cast(LabCluster, SimpleNamespace(nodes=[SimpleNamespace(name="w", role="worker")]))


def provided(cluster: LabCluster, wanted: Iterable[str]) -> Images:
    made = Images(cluster)
    made.provide(wanted)
    return made


@pytest.mark.parametrize(
    ("image", "instead"),
    [
        ("nginx", "nginx:stand-in"),
        ("nginx:latest", "nginx:stand-in"),
        ("nginx:1.29", ""),
        ("localhost:5000/web", "localhost:5000/web:stand-in"),
        ("localhost:5000/web:2", ""),
        ("ghcr.io/a/b@sha256:00ff", "ghcr.io/a/b:stand-in"),
        ("busybox:1@sha256:00ff", "busybox:stand-in"),
    ],
)
def test_what_the_kubelet_would_ask_a_registry_for_each_time_has_another_tag(image: str, instead: str) -> None:
    assert images.instead_of(image) == instead


def test_images_without_a_tag_have_a_stand_in_as_those_with_one(done: list[str], cluster: LabCluster) -> None:
    made = provided(cluster, ["nginx", "redis:8", "registry.example.com/there", "UPPER"])
    assert made.stood_in == {"nginx", "redis:8"}
    assert made.unpullable == {"UPPER"}
    tagged = [command.split()[-1] for command in done if "images tag" in command]
    assert tagged == [
        "docker.io/library/UPPER:stand-in",
        "docker.io/library/nginx:stand-in",
        "docker.io/library/redis:8",
    ]
    assert list(made.told(["nginx", "redis:8", "nginx"])) == [
        "nginx cannot be pulled here: localhost:1/labs/web:1 stands in for it, typed as nginx:stand-in",
        "redis:8 cannot be pulled here: localhost:1/labs/web:1 stands in for it",
    ]


@pytest.mark.usefixtures("done")
@pytest.mark.parametrize(
    ("written", "typed"),
    [
        (
            "kubectl run nginx --image=nginx --labels=app=nginx",
            "kubectl run nginx --image=nginx:stand-in --labels=app=nginx",
        ),
        ("kubectl run nginx --image nginx", "kubectl run nginx --image nginx:stand-in"),
        ("kubectl run nginx --image=nginx:1.29", "kubectl run nginx --image=nginx:1.29"),
        ("kubectl run a --image=nginx-custom", "kubectl run a --image=nginx-custom"),
        ("kubectl set image deploy/nginx nginx=nginx", "kubectl set image deploy/nginx nginx=nginx:stand-in"),
        ("name: nginx\nimage: nginx # a\n", "name: nginx\nimage: nginx:stand-in # a\n"),
        ('{"name":"nginx","image":"nginx:latest"}', '{"name":"nginx","image":"nginx:stand-in"}'),
        ("image: redis:8\nimagePullPolicy: Always\n", "image: redis:8\nimagePullPolicy: IfNotPresent\n"),
        ("image: other\nimagePullPolicy: Always\n", "image: other\nimagePullPolicy: Always\n"),
    ],
)
def test_only_the_image_is_typed_otherwise(cluster: LabCluster, written: str, typed: str) -> None:
    assert provided(cluster, ["nginx", "nginx:latest", "redis:8"]).typed(written) == typed


def test_images_are_found_wherever_a_line_names_one() -> None:
    text = """\
```
kubectl run a --image=one
kubectl set image deploy/web web=two:2 --record
kubectl run b --image=one --overrides='{"spec":{"containers":[{"name":"b","image":"three"}]}}'
cat <<EOF | kubectl apply -f -
apiVersion: v1
kind: Pod
metadata:
  name: c
spec:
  containers:
  - name: c
    image: four
EOF
```
"""
    notes = understand.understand(document.parse(text))
    found = {image for step in plan.plan(notes).steps() for image in images.of_step(step)}
    assert found == {"one", "two:2", "three", "four"}
