"""What stands in angle brackets in a line, filled in where only one thing fits."""

from __future__ import annotations

import re
from collections.abc import Sequence

from labkit.manifests.kinds import NAMESPACED
from labkit.notes import kubectl, shell
from labkit.notes.kubectl import Kubectl, Object
from labkit.notes.understand import Command

_MEANT = {
    "pod": "Pod", "deployment": "Deployment", "deploy": "Deployment", "service": "Service", "svc": "Service",
    "node": "Node", "configmap": "ConfigMap", "secret": "Secret", "replicaset": "ReplicaSet", "rs": "ReplicaSet",
    "statefulset": "StatefulSet", "daemonset": "DaemonSet", "job": "Job", "pvc": "PersistentVolumeClaim",
}  # fmt: skip
"""What words in a placeholder ask for."""

_KIND_MARKS = re.compile(r"(resource|object|kind)[\w \-]*(type|name|kind)?|type|kind", re.IGNORECASE)


def filled(command: Command, present: Sequence[Object], told: list[str]) -> tuple[str, str]:
    """Fill in placeholders that only one thing fits; give the script, and what could not be filled."""
    text = command.text
    if not command.placeholders:
        return text, ""
    names = list(dict.fromkeys(o for o in present if o[0] != "Namespace"))
    for mark in command.placeholders:
        value = _fitting(mark, command, names)
        if value is None:
            return text, f"nothing says what {mark} is"
        told.append(f"{mark} is taken to be {value}")
        text = text.replace(mark, value)
    return text, ""


def _fitting(mark: str, command: Command, present: Sequence[Object]) -> str | None:
    """Give the one thing of a scenario that a placeholder can mean; None where there is none, or more than one."""
    inside = mark[1:-1].lower()
    words = re.split(r"[^a-z]+", inside)
    kinds = {_MEANT[w] for w in words if w in _MEANT}
    call: Kubectl | None = command.kubectls[0] if command.kubectls else None
    if call is None:
        return None
    at = next((i for i, w in enumerate(call.words) if _same_mark(w, mark)), None)
    if len(kinds) == 1:
        names = {name for kind, name in present if kind in kinds}
        return names.pop() if len(names) == 1 else None
    if kinds or at is None or len(set(present)) != 1:
        return None
    kind, name = present[0]
    if call.verb in kubectl.VERBS_ON_POD:
        return name if kind == "Pod" and at == 0 else None
    if not _KIND_MARKS.fullmatch(inside):
        return None
    word = NAMESPACED.get(kind, kind.lower()).split()[0]
    return word if at == 0 else name if at == 1 else None


def _same_mark(word: str, mark: str) -> bool:
    return word == shell.parse(f"x {mark}").calls[0].words[-1]
