"""How a line or a manifest may be mended: candidates only, each of which is tried before anybody hears of it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from labkit.notes.document import Document
from labkit.notes.kubectl import Kubectl


@dataclass(frozen=True)
class Edit:
    """Lines of the document that become others; count 0 puts new ones before `line`."""

    line: int
    count: int
    old: tuple[str, ...]
    """As the block has them, without what the document sets before."""
    new: tuple[str, ...]


@dataclass(frozen=True)
class Text:
    """A text that is mended step by step, and where in the document each of its lines is."""

    lines: tuple[str, ...]
    places: tuple[int | None, ...]
    """None for a line that is not in the document."""

    @property
    def text(self) -> str:
        return "\n".join(self.lines) + "\n"

    def become(self, text: str) -> tuple[Text, tuple[Edit, ...]]:
        """Give this text changed, and what that changes in the document."""
        new = tuple(text.rstrip("\n").split("\n"))
        places: list[int | None] = []
        edits = []
        for tag, a, b, c, d in difflib.SequenceMatcher(None, self.lines, new, autojunk=False).get_opcodes():
            if tag == "equal":
                places += self.places[a:b]
                continue
            here = [p for p in self.places[a:b] if p is not None]
            after = next((p for p in self.places[b:] if p is not None), None)
            before = next((p for p in reversed(self.places[:a]) if p is not None), None)
            line = here[0] if here else after if after is not None else before + 1 if before is not None else None
            if line is not None:
                edits.append(Edit(line, len(here), self.lines[a:b], new[c:d]))
            places += [here[i] if i < len(here) else None for i in range(d - c)]
        return Text(new, tuple(places)), tuple(edits)


def diff(document: Document, edits: Iterable[Edit], name: str) -> str:
    """Give mends as a unified diff that `git apply` takes."""
    lines = list(document.lines)
    for edit in sorted(set(edits), key=lambda e: -e.line):
        at = edit.line - 1
        lines[at : at + edit.count] = _as_written(document, edit)
    before = [f"{line}\n" for line in document.lines]
    after = [f"{line}\n" for line in lines]
    return "".join(difflib.unified_diff(before, after, f"a/{name}", f"b/{name}"))


def _as_written(document: Document, edit: Edit) -> list[str]:
    """Set before each new line what the document sets before the old ones: a prompt, a list's depth, a quote's >."""
    source = document.lines[edit.line - 1 : edit.line - 1 + edit.count]
    if len(source) == len(edit.new) == len(edit.old) and all(o in s for o, s in zip(edit.old, source, strict=True)):
        return [line.replace(old, new, 1) for line, old, new in zip(source, edit.old, edit.new, strict=True)]
    prefix = _prefix(document, edit.line)
    # What was tried as a piece of a manifest was set further right than it stands.
    deeper = next(
        (len(o) - len(s.removeprefix(prefix)) for o, s in zip(edit.old, source, strict=False) if o.strip()), 0
    )
    return [f"{prefix}{new[min(deeper, len(new) - len(new.lstrip())) :] if deeper > 0 else new}" for new in edit.new]


def _prefix(document: Document, line: int) -> str:
    """Give what the document sets before each line of the block that a line is in."""
    block = next((b for b in document.blocks if b.line <= line <= b.line + len(b.lines)), None)
    for at, inside in enumerate(block.lines if block else ()):
        source = document.lines[block.line - 1 + at] if block else ""
        if inside.strip() and inside in source:
            return source[: source.index(inside)]
    return ""


# Lines of a shell


def with_dashes(text: str, call: Kubectl) -> str | None:
    """Put -- before the command of an exec."""
    if len(call.words) < 2 or call.inner is not None:
        return None
    pod, program = re.escape(call.words[0]), re.escape(call.words[1])
    found = re.search(rf"(\bexec\b.*?\s{pod}\b.*?\s)({program}(?:\s|$))", text, re.DOTALL)
    return f"{text[: found.start(2)]}-- {text[found.start(2) :]}" if found else None


def without_option(text: str, option: str) -> str:
    """Leave an option out, with its value where that follows an equals sign."""
    return re.sub(rf"\s+{re.escape(option)}(=(\"[^\"]*\"|'[^']*'|\S*))?(?=\s|$)", "", text, count=1)


def with_word(text: str, old: str, new: str) -> str | None:
    """Give a text with one of its words replaced, None where it has no such word."""
    changed = re.sub(rf"(?<![\w\-.]){re.escape(old)}(?![\w\-])", lambda _: new, text, count=1)
    return changed if changed != text else None


def as_deployment(text: str) -> str | None:
    """Make of a `run` what it did before 1.18: a Deployment."""
    changed = re.sub(r"\b(kubectl|k)\s+run\b", r"\1 create deployment", text, count=1)
    if changed == text:
        return None
    for option in ("--generator", "--restart", "--labels", "-l"):
        changed = without_option(changed, option)
    return changed


def with_cluster(text: str) -> str:
    """Give a new context the cluster and the user of the present one."""
    view = "$(kubectl config view --minify -o jsonpath='{.contexts[0].context.%s}')"
    return f'{text} --cluster="{view % "cluster"}" --user="{view % "user"}"'


def nearest(word: str, known: Iterable[str], cutoff: float = 0.75) -> str | None:
    """Give the known word that is spelled most like this one."""
    found = difflib.get_close_matches(word, sorted(set(known) - {word}), 1, cutoff)
    return found[0] if found else None


# Manifests


def without_tabs(text: str) -> Iterator[str]:
    """Make blanks of the tabs before a line's first word, as many as may have been meant."""
    for width in (2, 4, 8):
        changed = "\n".join(_blanks(line, width) for line in text.split("\n"))
        if changed != text and _loads(changed):
            yield changed


def _blanks(line: str, width: int) -> str:
    words = line.lstrip(" \t")
    return line[: len(line) - len(words)].replace("\t", " " * width) + words


def with_kind(text: str, old: str, new: str) -> str:
    return re.sub(rf"^(\s*kind\s*:\s*[\"']?){re.escape(old)}\b", rf"\g<1>{new}", text, count=1, flags=re.MULTILINE)


def with_version(text: str, kind: str, old: str, new: str) -> str:
    """Give the object of a kind another apiVersion."""
    parts = re.split(r"(^---[^\n]*\n)", text, flags=re.MULTILINE)
    for index, part in enumerate(parts):
        if re.search(rf"^kind\s*:\s*[\"']?{re.escape(kind)}\b", part, re.MULTILINE):
            changed = re.sub(
                rf"^(apiVersion\s*:\s*[\"']?){re.escape(old)}(?=[\"']?\s*(?:#|$))", rf"\g<1>{new}", part, count=1,
                flags=re.MULTILINE,
            )  # fmt: skip
            if changed != part:
                parts[index] = changed
                break
    return "".join(parts)


def with_selector(text: str, kind: str, name: str) -> str | None:
    """Give an object the selector that its template's labels ask for."""
    root = _object(text, kind, name)
    spec = _child(root, "spec")
    template = _key(spec, "template")
    labels = _child(_child(_child(spec, "template"), "metadata"), "labels")
    if template is None or not isinstance(labels, yaml.MappingNode) or _key(spec, "selector") is not None:
        return None
    indent = " " * template.start_mark.column
    lines = text.split("\n")
    told = lines[labels.value[0][0].start_mark.line : labels.value[-1][1].end_mark.line + 1]
    if labels.flow_style:
        return None
    width = len(told[0]) - len(told[0].lstrip())
    inner = [f"{indent}    {line[width:]}" for line in told if line.strip()]
    at = template.start_mark.line
    return "\n".join([*lines[:at], f"{indent}selector:", f"{indent}  matchLabels:", *inner, *lines[at:]])


def with_value(text: str, kind: str, name: str, path: str, value: str) -> str | None:
    """Put another scalar at a path of an object, as the API server names paths: spec.containers[0].image."""
    node = _at(_object(text, kind, name), path)
    if not isinstance(node, yaml.ScalarNode) or node.start_mark.line != node.end_mark.line:
        return None
    lines = text.split("\n")
    line = lines[node.start_mark.line]
    quote = node.style if node.style in ("'", '"') else ""
    lines[node.start_mark.line] = f"{line[: node.start_mark.column]}{quote}{value}{quote}{line[node.end_mark.column :]}"
    return "\n".join(lines)


def with_key(text: str, kind: str, name: str, path: str, key: str) -> str | None:
    """Spell the last key of a path otherwise."""
    above, _, old = path.rpartition(".")
    node = _key(_at(_object(text, kind, name), above), old)
    if node is None:
        return None
    lines = text.split("\n")
    line = lines[node.start_mark.line]
    lines[node.start_mark.line] = f"{line[: node.start_mark.column]}{key}{line[node.end_mark.column :]}"
    return "\n".join(lines)


def as_list(text: str, path: str) -> str | None:
    """Make a list of one of the mapping at a path."""
    for root in _roots(text):
        node = _at(root, path)
        if isinstance(node, yaml.MappingNode) and not node.flow_style:
            first, last = node.start_mark, node.value[-1][1].end_mark
            lines = text.split("\n")
            end = last.line if last.column == 0 else last.line + 1
            body = [f"  {line}" if line.strip() else line for line in lines[first.line : end]]
            body[0] = f"{' ' * first.column}- {lines[first.line][first.column :]}"
            return "\n".join([*lines[: first.line], *body, *lines[end:]])
    return None


def as_text(text: str, path: str) -> str | None:
    """Quote the numbers and booleans at the end of a path, which may lead through lists."""
    keys = path.split(".")
    spots = []
    for root in _roots(text):
        spots += [
            n
            for n in _all_at(root, keys)
            if n.tag in ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float", "tag:yaml.org,2002:bool")
        ]
    if not spots:
        return None
    lines = text.split("\n")
    for node in spots:
        line = lines[node.start_mark.line]
        lines[node.start_mark.line] = f'{line[: node.start_mark.column]}"{node.value}"{line[node.end_mark.column :]}'
    return "\n".join(lines)


def with_entry(text: str, kind: str, name: str, path: str, entry: str) -> str | None:
    """Put an entry into the mapping at a path, before its first key."""
    node = _at(_object(text, kind, name), path)
    if not isinstance(node, yaml.MappingNode) or node.flow_style or not node.value:
        return None
    lines = text.split("\n")
    at, column = node.start_mark.line, node.start_mark.column
    rest = lines[at][column:]
    return "\n".join([*lines[:at], lines[at][:column] + entry, f"{' ' * column}{rest}", *lines[at + 1 :]])


def with_services(text: str, name: str) -> str | None:
    """Give an Ingress backends as networking.k8s.io/v1 has them: the Service's name and port in one mapping."""
    spots = [node for node in _mappings(_object(text, "Ingress", name)) if _key(node, "serviceName") is not None]
    lines = text.split("\n")
    for node in sorted(spots, key=lambda node: -node.start_mark.line):
        service, port = _child(node, "serviceName"), _child(node, "servicePort")
        if node.flow_style or len(node.value) != 2 or not isinstance(port, yaml.ScalarNode):
            return None
        first, last = node.start_mark, max(service.end_mark, port.end_mark, key=lambda mark: mark.line)
        if any("#" in line for line in lines[first.line : last.line + 1]):
            return None  # the writer's remarks would go
        how = "number" if port.tag == "tag:yaml.org,2002:int" else "name"
        block = ["service:", f"  name: {service.value}", "  port:", f"    {how}: {port.value}"]
        indented = [f"{' ' * first.column}{line}" for line in block]
        lines[first.line : last.line + 1] = [lines[first.line][: first.column] + block[0], *indented[1:]]
    return "\n".join(lines) if spots else None


def siblings(text: str, kind: str, name: str, path: str) -> tuple[str, ...]:
    """Name what the names at a path may mean elsewhere in the object: its volumes."""
    found = _at(_object(text, kind, name), path)
    if not isinstance(found, yaml.SequenceNode):
        return ()
    names = [_child(one, "name") for one in found.value]
    return tuple(n.value for n in names if isinstance(n, yaml.ScalarNode))


def _loads(text: str) -> bool:
    try:
        list(yaml.safe_load_all(text))
    except (yaml.YAMLError, ValueError, RecursionError):
        return False
    return True


def _roots(text: str) -> list[Any]:
    try:
        return [node for node in yaml.compose_all(text, Loader=yaml.SafeLoader) if node is not None]
    except yaml.YAMLError:
        return []


def _object(text: str, kind: str, name: str) -> Any:
    for root in _roots(text):
        told = _child(root, "kind")
        named = _child(_child(root, "metadata"), "name")
        if told is not None and told.value == kind and (named is None or named.value == name or not name):
            return root
    return None


def _key(node: Any, key: str) -> Any:
    if not isinstance(node, yaml.MappingNode):
        return None
    return next((k for k, _ in node.value if k.value == key), None)


def _child(node: Any, key: str) -> Any:
    if not isinstance(node, yaml.MappingNode):
        return None
    return next((v for k, v in node.value if k.value == key), None)


def _mappings(node: Any) -> Iterator[Any]:
    if isinstance(node, yaml.SequenceNode):
        for one in node.value:
            yield from _mappings(one)
    elif isinstance(node, yaml.MappingNode):
        yield node
        for _, value in node.value:
            yield from _mappings(value)


def _at(node: Any, path: str) -> Any:
    for key, index in re.findall(r"([^.\[\]]+)|\[(\d+)\]", path):
        if key:
            node = _child(node, key)
        elif isinstance(node, yaml.SequenceNode) and int(index) < len(node.value):
            node = node.value[int(index)]
        else:
            return None
    return node


def _all_at(node: Any, keys: Sequence[str]) -> Iterator[Any]:
    if isinstance(node, yaml.SequenceNode):
        for one in node.value:
            yield from _all_at(one, keys)
    elif not keys:
        if isinstance(node, yaml.MappingNode):  # labels, annotations: any key of theirs
            yield from (v for _, v in node.value if isinstance(v, yaml.ScalarNode))
        elif isinstance(node, yaml.ScalarNode):
            yield node
    else:
        yield from _all_at(_child(node, keys[0]), keys[1:])
