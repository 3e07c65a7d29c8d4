"""The names of the labs' own images: one for every reader, and the one by which an engine or a cluster has them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

NOWHERE = "localhost:1"
"""The registry in the names of all that is made here: a port of whoever is asked itself, at which nobody listens.

An image that is missing then stays missing: without a registry, a resolver or a proxy being asked for it, and at once.
Names such as labs/web are somebody else's on the public registry.
"""

OURS = f"{NOWHERE}/labs"

WEB = f"{OURS}/web:1"
"""The instrument: what Pods of labs run, and what stands in for images that cannot be had. Source: images/web."""

Names = Mapping[str, str]
"""By the names that manifests and lines say (localhost:1/labs/web:1), those that are meant: made of the content, or a
registry's."""


def in_text(text: str, names: Names) -> str:
    """Put the names that are meant into a line or a file."""
    for said, meant in names.items():
        text = re.sub(rf"(?<![\w./-]){re.escape(said)}(?![\w.-])", meant, text)
    return text


def in_objects(value: Any, names: Names) -> Any:
    """Put the names that are meant into all texts of objects; the same objects where there are none."""
    if not names:
        return value
    if isinstance(value, dict):
        return {key: in_objects(inner, names) for key, inner in value.items()}
    if isinstance(value, list):
        return [in_objects(inner, names) for inner in value]
    return in_text(value, names) if isinstance(value, str) else value
