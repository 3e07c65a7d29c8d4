"""What labs leave on the engine: what is marked goes, in an order in which it can, and nothing else."""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from docker.errors import APIError, ImageNotFound

from labkit.cluster import engine_objects, nodes

LISTING = """\
REF                      TYPE  DIGEST    SIZE
registry.example/lab-a/app:1    x     sha256:1  1 MiB
registry.example/lab-b/app:1    x     sha256:2  1 MiB
registry.example/lab-d/web:1    x     sha256:3  1 MiB
registry.example/labs/web:1     x     sha256:3  1 MiB
import-today@sha256:4    x     sha256:4  1 MiB
import-today@sha256:5    x     sha256:5  1 MiB
sha256:11                x     sha256:1  1 MiB
sha256:22                x     sha256:2  1 MiB
sha256:33                x     sha256:3  1 MiB
"""


IMPORTED = """\
import-today@sha256:4 {"manifests":[{"annotations":{"io.containerd.image.name":"registry.example/lab-a/app:1"}}]}
import-today@sha256:5 {"manifests":[{"annotations":{"io.containerd.image.name":"registry.example/lab-b/app:1"}}]}
"""


class Engine:
    """Stands for the engine's API: containers, volumes and images with a label each, images built on images."""

    def __init__(self) -> None:
        self.labels = {"c1": "labs/namespace=a", "c2": "labs/namespace=b", "sha256:i1": "labs/namespace=a"}
        self.labels |= {"v1": "labs/namespace=a", "v2": "labs/namespace=b"}
        self.labels |= {
            "sha256:i2": "labs/namespace=a",
            "sha256:i3": "labs/namespace=b",
            "sha256:u1": "",
            "sha256:u2": "",
        }
        self.built_on = {"sha256:i2": "sha256:i1"}
        self.gone: list[str] = []

    def containers(self, *, filters: dict[str, str], **_: object) -> list[dict[str, str]]:
        return self._with(filters["label"], "c")

    def images(self, *, filters: dict[str, Any]) -> list[dict[str, str]]:
        return self._with(filters["label"], "sha256:i") if "label" in filters else self._with("", "sha256:u")

    def volumes(self, *, filters: dict[str, str]) -> list[SimpleNamespace]:
        found = self._with(filters["label"], "v")
        return [SimpleNamespace(remove=partial(self.gone.append, one["Id"])) for one in found]

    def remove_container(self, name: str, **_: object) -> None:
        self.gone.append(name)

    def remove_image(self, name: str, **_: object) -> None:
        if name in self.gone:
            raise ImageNotFound("gone")
        if any(base == name and image not in self.gone for image, base in self.built_on.items()):
            raise APIError("in use", SimpleNamespace(status_code=requests.codes.conflict))  # type: ignore[arg-type]
        self.gone.append(name)

    def _with(self, label: str, kind: str) -> list[dict[str, str]]:
        return [{"Id": name} for name, has in self.labels.items() if has == label and name.startswith(kind)]


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    engine = Engine()
    volumes = SimpleNamespace(list=engine.volumes)
    monkeypatch.setattr(engine_objects, "engine", lambda: SimpleNamespace(api=engine, volumes=volumes))
    return engine


def test_volumes_go_after_containers_and_images_after_those_that_were_built_on_them(engine: Engine) -> None:
    engine_objects.remove_of_lab("a")
    assert engine.gone == ["c1", "v1", "sha256:i2", "sha256:i1"]


def test_of_what_has_no_mark_only_the_unnamed_steps_of_the_lab_go(engine: Engine) -> None:
    engine_objects.remove_of_lab("none", {"u1", "i3"})
    assert engine.gone == ["sha256:u1"]


def test_what_cannot_be_removed_is_left(engine: Engine) -> None:
    engine.built_on["sha256:i3"] = "sha256:i1"
    engine_objects.remove_of_lab("a")
    assert engine.gone == ["c1", "v1", "sha256:i2"]


def test_a_node_forgets_a_labs_images_and_what_they_alone_have_brought(monkeypatch: pytest.MonkeyPatch) -> None:
    typed: list[str] = []

    def execute(_: str, script: str) -> tuple[int, str]:
        if "remove" in script:
            typed.append(script)
        return 0, IMPORTED if "content get" in script else LISTING

    monkeypatch.setattr(nodes, "execute", execute)
    engine_objects.forget("worker", "lab-a")
    assert typed == [
        "ctr --namespace k8s.io images remove import-today@sha256:4 registry.example/lab-a/app:1 sha256:11"
    ]
    engine_objects.forget("worker", "lab-c")
    assert len(typed) == 1
    engine_objects.forget("worker", "lab-d")
    assert typed[1:] == ["ctr --namespace k8s.io images remove registry.example/lab-d/web:1"], (
        "others have that image, too"
    )
