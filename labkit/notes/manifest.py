"""A block of YAML or JSON: a whole manifest, a piece of one, or none at all; and what objects it names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import yaml

from labkit.notes import kubectl
from labkit.notes.kubectl import Object

_FILE_COMMENT = re.compile(
    r"\s*(?:#|//)\s*(?:file(?:name)?\s*:?\s*)?[`\"']?((?:[\w.\-]+/)*[\w.\-]+\.(?:ya?ml|json|sh|txt|conf|properties))\b",
    re.IGNORECASE,
)

_IMAGE = re.compile(r"^\s*(?:-\s+)?image\s*:\s*[\"']?([\w./:@\-]+)", re.MULTILINE)

MOST_ALIASES = 50
"""Of one block; more of them may unfold to gigabytes."""

Form = Literal["whole", "fragment", "no manifest"]

_TOP = re.compile(r"^(apiVersion|kind)\s*:", re.MULTILINE)
_PODS_OWN = {"containers", "volumes", "initContainers", "nodeSelector", "tolerations", "affinity", "serviceAccountName"}
_KNOWN_KEYS = _PODS_OWN | {
    *("metadata", "spec", "data", "template", "selector", "ports", "env", "envFrom", "resources", "volumeMounts"),
    *("livenessProbe", "readinessProbe", "startupProbe", "annotations", "labels", "image", "command", "args", "rules"),
    *("subjects", "roleRef", "strategy", "replicas", "limits", "requests", "securityContext", "matchLabels", "ingress"),
    *("egress", "podSelector", "namespaceSelector", "stringData", "status", "type", "name", "configMap", "secret"),
    *("nodeAffinity", "podAffinity", "podAntiAffinity", "lifecycle", "valueFrom", "apiVersion", "kind", "hostPath"),
}
"""Keys of Kubernetes by which a piece of a manifest is known."""


@dataclass(frozen=True)
class Manifest:
    """A block read as YAML."""

    form: Form
    objects: tuple[Object, ...] = ()
    """With a name each; of a broken one as far as its lines say."""
    namespaces: tuple[str, ...] = ()
    documents: tuple[Any, ...] = ()
    error: str = ""
    """Why it is no YAML, in the parser's words."""
    images: tuple[str, ...] = ()
    """Of its containers; of a broken one by their lines."""


def read(text: str) -> Manifest:
    """Read a block of YAML or JSON."""
    looks_whole = len(set(_TOP.findall(text))) == 2
    if left_out(text):
        return Manifest("fragment" if looks_like_yaml(text) else "no manifest", _told_objects(text))
    documents, error = _load(text)
    if error:
        form: Form = "whole" if looks_whole else "fragment" if _keys_by_sight(text) else "no manifest"
        return Manifest(form, _told_objects(text), error=error, images=tuple(dict.fromkeys(_IMAGE.findall(text))))
    things = [thing for document in documents for thing in _items(document)]
    if things and all(isinstance(t, dict) and t.get("kind") and t.get("apiVersion") for t in things):
        named = [
            (kubectl.kind_of(str(t["kind"])), str((t.get("metadata") or {}).get("name") or ""))
            for t in things
            if _has_metadata(t)
        ]
        spaces = {str((t.get("metadata") or {}).get("namespace") or "") for t in things if _has_metadata(t)} - {""}
        images = dict.fromkeys(image for thing in things for image in _images(thing))
        return Manifest(
            "whole", tuple(o for o in named if o[1]), tuple(sorted(spaces)), tuple(things), images=tuple(images)
        )
    if any(_is_fragment(thing) for thing in documents):
        return Manifest("fragment", documents=tuple(documents))
    return Manifest("no manifest", documents=tuple(documents))


def left_out(text: str) -> bool:
    """Tell whether something is left out of a block with three dots."""
    lines = text.strip().split("\n")
    return any(re.fullmatch(r"\s*(#\s*)?(-\s*)?(\[?\.{3}\]?|…)\s*", line) for line in lines) or any(
        re.search(r":\s*(\.{3}|…)\s*$", line) for line in lines
    )


def looks_like_yaml(text: str) -> bool:
    """Tell whether most lines are keys, items of lists, or comments."""
    lines = [line for line in text.split("\n") if line.strip()]
    like = [
        line
        for line in lines
        if re.match(r"\s*(-\s+)*[\"']?[\w./\-$<>{}]+[\"']?\s*:(\s|$)|\s*- |\s*#|---|\s*\.\.\.", line)
    ]
    return bool(lines) and len(like) >= 0.6 * len(lines)


def _load(text: str) -> tuple[list[Any], str]:
    try:
        aliases = 0
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            aliases += isinstance(event, yaml.AliasEvent)
            if aliases > MOST_ALIASES:
                return [], "it has more aliases than notes need"
        return [d for d in yaml.load_all(text, Loader=_Plain) if d is not None], ""
    except yaml.YAMLError as error:
        return [], told(error)
    except (ValueError, RecursionError) as error:
        return [], str(error) or "it is nested too deep"


class _Plain(yaml.SafeLoader):
    """YAML in which dates stay text: no manifest means one."""


_Plain.add_constructor("tag:yaml.org,2002:timestamp", lambda _, node: node.value)
_Plain.add_constructor("tag:yaml.org,2002:value", lambda _, node: node.value)


def told(error: yaml.YAMLError) -> str:
    """Give a YAML error in one line."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem:
        where = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        return f"{error.problem}{where}"
    return " ".join(str(error).split())


def _items(document: Any) -> Iterator[Any]:
    if isinstance(document, dict) and document.get("kind") == "List" and isinstance(document.get("items"), list):
        yield from document["items"]
    else:
        yield document


def _has_metadata(thing: dict[str, Any]) -> bool:
    return isinstance(thing.get("metadata") or {}, dict)


def _is_fragment(thing: Any) -> bool:
    if isinstance(thing, list):
        return any(_is_fragment(one) for one in thing)
    return isinstance(thing, dict) and bool({str(key) for key in thing} & _KNOWN_KEYS)


def _keys_by_sight(text: str) -> bool:
    return bool({found[1] for found in re.finditer(r"^\s*(?:- )?(\w+):", text, re.MULTILINE)} & _KNOWN_KEYS)


def _told_objects(text: str) -> tuple[Object, ...]:
    """Name the objects of what is no YAML, by their lines."""
    objects = []
    for part in re.split(r"^---\s*$", text, flags=re.MULTILINE):
        kind = re.search(r"^kind\s*:\s*(\w+)", part, re.MULTILINE)
        name = re.search(r"^metadata\s*:.*\n(?:\s+.*\n)*?\s+name\s*:\s*\"?([\w.\-]+)", part, re.MULTILINE)
        if kind and name:
            objects.append((kubectl.kind_of(kind[1]), name[1]))
    return tuple(objects)


def _images(thing: Any, depth: int = 0) -> Iterator[str]:
    if depth > 30:
        return
    if isinstance(thing, dict):
        for key, value in thing.items():
            if key in ("containers", "initContainers") and isinstance(value, list):
                yield from (str(c["image"]) for c in value if isinstance(c, dict) and c.get("image"))
            else:
                yield from _images(value, depth + 1)
    elif isinstance(thing, list):
        for one in thing:
            yield from _images(one, depth + 1)


def named_in_comment(lines: Sequence[str]) -> str | None:
    """Give the file that a block's first comment names."""
    for line in lines[:3]:
        if not line.strip():
            continue
        found = _FILE_COMMENT.match(line)
        return found[1] if found else None
    return None
