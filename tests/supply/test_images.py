"""Names of images: repository, tag, digest, and a registry's port that is none of them."""

from __future__ import annotations

import pytest

from labkit.supply import images


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("kindest/node:v1.37.0", ("kindest/node", "v1.37.0")),
        ("127.0.0.1:5000/kindest/node:v1.37.0", ("127.0.0.1:5000/kindest/node", "v1.37.0")),
        ("127.0.0.1:5000/kindest/node", ("127.0.0.1:5000/kindest/node", "latest")),
        ("python", ("python", "latest")),
    ],
)
def test_a_name_is_split_at_its_tag(name: str, split: tuple[str, str]) -> None:
    assert images.split_tag(name) == split


def test_containers_of_another_cache_folder_are_not_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = images.building_name("node")
    monkeypatch.setenv("LABS_CACHE", "/elsewhere")
    assert not ours.startswith(images.building_name(""))
