"""Named mutations of a lab's manifests, acts and files: each must turn the lab red, or its claim is vacuous."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from labkit.manifests.manifest_files import Manifest, find, parse_path


class Mutation(Protocol):
    """One change to what a lab does. Each method gives None where the mutation has no say."""

    def on_manifest(self, manifests: list[Manifest]) -> list[Manifest] | None: ...
    def on_act(self, act: str) -> str | None: ...
    def on_file(self, file: str, text: str) -> str | None: ...


class _Nothing:
    def on_manifest(self, manifests: list[Manifest]) -> list[Manifest] | None:  # noqa: ARG002  has no say
        return None

    def on_act(self, act: str) -> str | None:  # noqa: ARG002  has no say
        return None

    def on_file(self, file: str, text: str) -> str | None:  # noqa: ARG002  has no say
        return None


@dataclass(frozen=True)
class remove(_Nothing):  # noqa: N801  read as a verb: @sabotage("no probe", remove("spec..."))
    """Remove the field at `path` from the object `of` ("pod/web"; None: from every object that has it)."""

    path: str
    of: str | None = None

    def on_manifest(self, manifests: list[Manifest]) -> list[Manifest] | None:
        *where, last = parse_path(self.path)

        def removed(manifest: Manifest) -> bool:
            parent = find(manifest, where)
            if find(parent, [last]) is None:
                return False
            del parent[last]
            return True

        return _changed(manifests, self.of, removed)


@dataclass(frozen=True)
class put(_Nothing):  # noqa: N801  read as a verb
    """Set the field at `path` to `value` in the object `of`; the field's parent must be there.

    On a list the last step may be its length: the value is appended.
    """

    path: str
    value: Any
    of: str | None = None

    def on_manifest(self, manifests: list[Manifest]) -> list[Manifest] | None:
        *where, last = parse_path(self.path)

        def set_(manifest: Manifest) -> bool:
            parent = find(manifest, where)
            if isinstance(parent, dict):
                before, parent[str(last)] = parent.get(str(last)), copy.deepcopy(self.value)
                return bool(before != self.value)
            if isinstance(parent, list) and isinstance(last, int):
                before, parent[last : last + 1] = parent[last : last + 1], [copy.deepcopy(self.value)]
                return bool(before != [self.value])
            return False

        return _changed(manifests, self.of, set_)


@dataclass(frozen=True)
class instead(_Nothing):  # noqa: N801  read as a word: instead("app=debug", "tier=debug")
    """Put other words into an act, in every act that holds the `said` ones.

    With `of` into a file of a build context: instead("DIR", "WORKDIR", of="docker/notes/Dockerfile").
    """

    said: str
    say: str
    of: str | None = None

    def on_act(self, act: str) -> str | None:
        return act.replace(self.said, self.say) if self.of is None and self.said in act else None

    def on_file(self, file: str, text: str) -> str | None:
        return text.replace(self.said, self.say) if self.of == file and self.said in text else None


@dataclass(frozen=True)
class skip(_Nothing):  # noqa: N801  read as a verb
    """Leave out every act that holds these words."""

    words: str

    def on_act(self, act: str) -> str | None:
        return "" if self.words in act else None


@dataclass(frozen=True)
class Sabotage:
    """Mutations made together, under the name by which a report speaks of them."""

    name: str
    mutations: tuple[Mutation, ...]


class Saboteur:
    """Apply one sabotage while a lab runs, and know whether each of its mutations found its mark.

    A mutation that touched nothing proves nothing: `missed()` names it and the run counts as an error of the lab.
    """

    def __init__(self, sabotage: Sabotage | None) -> None:
        self._mutations = sabotage.mutations if sabotage else ()
        self._hit: set[int] = set()

    def manifests(self, manifests: list[Manifest]) -> list[Manifest]:
        """Give objects as the sabotage leaves them (the same list where it does not touch them)."""
        for index, mutation in enumerate(self._mutations):
            if (changed := mutation.on_manifest(manifests)) is not None:
                self._hit.add(index)
                manifests = changed
        return manifests

    def files(self, context: str, files: dict[str, str]) -> dict[str, str]:
        """Give the files of a build context as the sabotage leaves them."""
        return {name: self._file(f"{context}/{name}", text) for name, text in files.items()}

    def act(self, act: str) -> str:
        """Give the act's words as the sabotage leaves them; empty where the act is left out."""
        for index, mutation in enumerate(self._mutations):
            if (changed := mutation.on_act(act)) is not None:
                self._hit.add(index)
                act = changed
        return act

    def _file(self, file: str, text: str) -> str:
        for index, mutation in enumerate(self._mutations):
            if (changed := mutation.on_file(file, text)) is not None:
                self._hit.add(index)
                text = changed
        return text

    def missed(self) -> list[str]:
        """Name the mutations that have touched nothing so far."""
        return [repr(mutation) for index, mutation in enumerate(self._mutations) if index not in self._hit]


def _changed(manifests: list[Manifest], of: str | None, change: Callable[[Manifest], bool]) -> list[Manifest] | None:
    """Change copies of the objects `of` (None: all); give them among the others, None where nothing was changed."""
    copies = copy.deepcopy(manifests)
    hits = [change(m) for m in copies if of is None or _named(m) == of]
    return copies if any(hits) else None


def _named(manifest: Manifest) -> str:
    name = (manifest.get("metadata") or {}).get("name", "")
    return f"{str(manifest.get('kind', '')).lower()}/{name}"
