"""The names of the labs' own images, where a cluster has them from a registry and so by other names."""

from __future__ import annotations

import re
from typing import Any

REPOSITORIES = ("labs/web", "labs/guitar-practice")
"""The images of `labkit.sample_images`, as manifests and lines name them, without their tags."""

_NAMED = re.compile(rf"(?<![\w./-])labs/({'|'.join(name.removeprefix('labs/') for name in REPOSITORIES)})(?=:)")


def in_text(text: str, registry: str) -> str:
    """Name our images in a line or a file as the registry (host/path) does; "" leaves them as they are."""
    return _NAMED.sub(lambda found: f"{registry}/{found[1]}", text) if registry else text


def in_objects(value: Any, registry: str) -> Any:
    """Name our images in all texts of objects as the registry does; the same objects where it is ""."""
    if not registry:
        return value
    if isinstance(value, dict):
        return {key: in_objects(inner, registry) for key, inner in value.items()}
    if isinstance(value, list):
        return [in_objects(inner, registry) for inner in value]
    return in_text(value, registry) if isinstance(value, str) else value
