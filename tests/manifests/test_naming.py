"""Our images under the names of a registry: in lines, in files, in objects, and nothing else."""

from __future__ import annotations

import pytest

from labkit import sample_images
from labkit.manifests import naming


@pytest.mark.parametrize(
    ("text", "there"),
    [
        ("run web --image=labs/web:1", "run web --image=host/team/web:1"),
        ("set image deployments rolling web=labs/web:none", "set image deployments rolling web=host/team/web:none"),
        ('{"image": "labs/guitar-practice:1"}', '{"image": "host/team/guitar-practice:1"}'),
        ("docker.io/labs/web:1 labs/spare:NoSchedule labs/web", "docker.io/labs/web:1 labs/spare:NoSchedule labs/web"),
    ],
)
def test_names_in_a_text(text: str, there: str) -> None:
    assert naming.in_text(text, "host/team") == there
    assert naming.in_text(text, "") == text


def test_names_in_objects() -> None:
    pod = {"spec": {"containers": [{"image": "labs/web:1", "ports": [8080]}]}}
    assert naming.in_objects(pod, "host")["spec"]["containers"] == [{"image": "host/web:1", "ports": [8080]}]
    assert naming.in_objects(pod, "") is pod


def test_every_image_of_ours_has_a_name_there() -> None:
    assert tuple(image.tag.partition(":")[0] for image in sample_images.IMAGES) == naming.REPOSITORIES
