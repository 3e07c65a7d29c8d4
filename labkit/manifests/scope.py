"""What an act changes beyond the lab's own namespace: read from its words and its manifests, before it is done.

What is not known to stay inside is taken to reach further.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import yaml

from labkit.manifests.kinds import NAMESPACED

_INSIDE = {word for kind, names in NAMESPACED.items() for word in (kind.lower(), *names.split())}

_LOOKING = {
    *("api-resources", "api-versions", "attach", "auth", "cluster-info", "completion", "config"),
    *("describe", "diff", "events", "explain", "get", "help", "kustomize", "logs", "options", "plugin", "top"),
    *("version", "wait"),
}
"""Verbs of kubectl that change nothing in a cluster."""

_INTO_PODS = {"cp", "exec", "port-forward", "proxy"}
"""Verbs that reach for what runs in Pods; what they do to it is not read."""

_OF_AN_OBJECT = {"annotate", "autoscale", "delete", "edit", "expose", "label", "patch", "scale"}
"""Verbs whose first words are a kind and names."""

_OF_A_SECOND_VERB = {"rollout", "set"}
"""Verbs with a verb of their own, and then a kind and names."""

_OF_A_FILE = {"apply", "create", "delete", "replace"}

_VALUED = {
    *("-n", "--namespace", "-f", "--filename", "-l", "--selector", "-o", "--output", "-p", "--patch", "-c"),
    *("--container", "--image", "--as", "--server", "--type", "--subresource", "--replicas", "--timeout", "-s"),
}
"""Options whose value is a word of its own where there is no "="."""

_AND = re.compile(r"[;&|]+")
_SETTING = re.compile(r"\w+=.*", re.DOTALL)


def of_objects(objects: Iterable[Any], namespace: str) -> str | None:
    """Say which of some objects, as YAML gives them, is not in the namespace; None where all are."""
    for thing in objects:
        # What is not an object is refused, whatever it holds.
        metadata = thing.get("metadata") or {} if isinstance(thing, dict) else {}
        kind = str(thing.get("kind", "")) if isinstance(thing, dict) else ""
        name = f"{kind.lower()}/{metadata.get('name', '')}"
        if kind == "List":
            if said := of_objects(thing.get("items", ()), namespace):
                return said
        elif kind and kind.lower() not in _INSIDE:
            return f"{name} is an object of the cluster"
        elif (elsewhere := metadata.get("namespace", namespace)) != namespace:
            return f"{name} is in namespace {elsewhere}"
    return None


def of_node(objects: Iterable[Any]) -> str | None:
    """Say which of some objects has Pods that reach into their node's own network, processes or files."""
    for thing in objects:
        if reach := next(_reaches(thing), None):
            return f"{str(thing.get('kind', '')).lower()}/{thing.get('metadata', {}).get('name', '')} has {reach}"
    return None


def _reaches(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in ("hostPath", "hostNetwork", "hostPID", "hostIPC", "privileged", "hostPort") and inner:
                yield str(key)
            yield from _reaches(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _reaches(inner)


def marked(thing: dict[str, Any], labels: dict[str, str]) -> dict[str, Any]:
    """Give an object of the cluster with these labels too, any other as it is."""
    if str(thing.get("kind", "")).lower() in {"", "list", *_INSIDE}:
        return thing
    metadata = thing.get("metadata") or {}
    return thing | {"metadata": metadata | {"labels": (metadata.get("labels") or {}) | labels}}


def of_line(line: str, namespace: str, stdin: str | None = None, *, current: str = "") -> str | None:
    """Say what `kubectl <line>` would change outside the namespace; None where it changes nothing there.

    `current` is the namespace that the kubeconfig gives to a line that names none, where that is another one.
    Files that it names are not read: `apply` and `create` from them are a matter of `of_objects`.
    """
    return of_words(shlex.split(line), namespace, stdin, current=current)


def of_shell(line: str, namespace: str) -> str | None:
    """Say what the kubectl in a line for a shell would change outside the namespace."""
    for part in _AND.split(line):
        words = [word for word in _words(part) if not _SETTING.fullmatch(word)]
        if words[:1] == ["kubectl"] and (said := of_words(words[1:], namespace)):
            return said
    return None


def of_words(words: Sequence[str], namespace: str, stdin: str | None = None, *, current: str = "") -> str | None:
    """Say what kubectl with these words would change outside the namespace."""
    options, said = _parted(words)
    verb = said[0] if said else ""
    tried = any(option == "--list" or option.startswith("--dry-run") for option, _ in options)
    if not said or verb in _LOOKING or tried:
        return None
    given = dict(options)
    if not {"-n", "--namespace", "--raw"} & given.keys():
        given["-n"] = current or namespace
    if elsewhere := _elsewhere(given, namespace):
        return f"kubectl {verb} goes to {elsewhere}"
    if "--raw" in given or verb in _INTO_PODS:
        return None
    if verb in _OF_A_FILE and (file := given.get("-f", given.get("--filename"))):
        return of_objects(yaml.safe_load_all(stdin), namespace) if stdin and file == "-" else None
    changes = _changes(verb, said)
    return next((f"kubectl {verb} {kind} changes the cluster" for kind in changes if not _is_inside(kind)), None)


def _elsewhere(options: dict[str, str], namespace: str) -> str | None:
    """Say where options lead that is not the namespace, if they do."""
    for option, value in options.items():
        if option in ("-n", "--namespace") and value != namespace:
            return f"namespace {value}"
        if option in ("-A", "--all-namespaces"):
            return "all namespaces"
        if option == "--raw" and f"/namespaces/{namespace}/" not in f"{value}/":
            return value
    return None


def _changes(verb: str, said: Sequence[str]) -> list[str]:
    """Name the kinds of what a verb changes; the verb itself where that is not known."""
    if verb == "run":
        return ["pods"]
    if verb == "debug":
        return list(_kinds(said[1:2])) if "/" in "".join(said[1:2]) else ["pods"]
    if verb == "create":
        return list(said[1:2])
    if verb in _OF_AN_OBJECT:
        return list(_kinds(said[1:]))
    if verb in _OF_A_SECOND_VERB:
        return list(_kinds(said[2:]))
    return [verb]


def _kinds(words: Sequence[str]) -> Iterator[str]:
    """Name the kinds among the words: `pods a b`, `pods,services`, `pod/a service/b`, `pods -l app=web`."""
    if words and "/" not in words[0]:
        yield from words[0].split(",")
        return
    yield from (word.partition("/")[0] for word in words if "/" in word and "=" not in word)


def _is_inside(kind: str) -> bool:
    return kind.partition(".")[0].lower() in _INSIDE


def _parted(words: Sequence[str]) -> tuple[list[tuple[str, str]], list[str]]:
    """Part a kubectl's words into its options with their values, and the others; what is after -- is no word of it."""
    options: list[tuple[str, str]] = []
    said: list[str] = []
    left = iter(words)
    for word in left:
        if word == "--":
            break
        if not word.startswith("-") or word == "-":
            said.append(word)
            continue
        option, equals, value = word.partition("=")
        if not equals and option in (*_VALUED, "--raw"):
            value = next(left, "")
        elif not word.startswith("--") and len(word) > 2 and word[:2] in _VALUED:
            option, value = word[:2], word[2:].removeprefix("=")
        options.append((option, value))
    return options, said


def _words(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError:  # cut within quotes
        return line.split()
