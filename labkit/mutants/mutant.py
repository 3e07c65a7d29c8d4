"""A mutant: a file of words that says what is changed in Kubernetes, and which claims must turn broken by it."""

from __future__ import annotations

import functools
import json
from collections.abc import Collection
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from labkit.claims.releases import minor_number
from labkit.paths import ROOT

FOLDER = ROOT / "labs" / "mutants"


class Faulty(Exception):
    """A mutant's file is not as it should be; the message is one sentence that names it. The others are run."""


class NotThere(Exception):
    """The words to find are not in that version's source; the message says so."""


@dataclass(frozen=True)
class Mutant:
    """One change of Kubernetes.

    `sentence` says what Kubernetes then does, such as "a probe needs one more failure than failureThreshold says".
    `claims` must turn broken; those of `may_turn` may, each for the reason given.
    `since` is the first minor that it is made for, such as "1.35", `until` the first that it no longer is.
    """

    name: str
    sentence: str
    program: str
    file: str
    find: str
    instead: str
    claims: tuple[str, ...]
    may_turn: dict[str, str] = field(default_factory=dict)
    since: str | None = None
    until: str | None = None

    @property
    def path(self) -> str:
        """The file of the mutant, as a person finds it."""
        return f"labs/mutants/{self.name}.yaml"

    @property
    def change(self) -> dict[str, str]:
        """All that decides what comes of it, to know results of an earlier wording."""
        return {"program": self.program, "file": self.file, "find": self.find, "instead": self.instead}

    def not_of(self, kubernetes: str) -> str | None:
        """Say why it is not made for that version, such as "v1.36.4", where it is not."""
        minor = minor_number(kubernetes)
        if self.since and minor < minor_number(self.since):
            return f"made for Kubernetes {self.since} and newer"
        if self.until and minor >= minor_number(self.until):
            return f"made for Kubernetes before {self.until}"
        return None

    def changed(self, source: str) -> str:
        """Give the source with the change made.

        Raises: NotThere when the words are not in it, Faulty when they are in it more than once.
        """
        times = source.count(self.find)
        if times == 0:
            raise NotThere(f"the words to find are not in that version's {self.file}")
        if times > 1:
            raise Faulty(f"{self.path}: the words to find are {times} times in {self.file}; give more of their line")
        return source.replace(self.find, self.instead)


def read(folder: Path = FOLDER, *, claims: Collection[str]) -> tuple[list[Mutant], list[str]]:
    """Read all mutants of a folder, by name, and a sentence about each file that is none; `claims` are all ids."""
    mutants: list[Mutant] = []
    faults: list[str] = []
    for path in sorted(folder.glob("*.yaml")):
        try:
            mutants.append(_read(path, claims))
        except Faulty as fault:
            faults.append(str(fault))
    return mutants, faults


def chosen(mutants: Collection[Mutant], words: str) -> list[Mutant]:
    """Give the mutants whose name or program has one of the words in it; "" chooses all."""
    wanted = [word for word in words.split() if word != "or"]
    return [one for one in mutants if not wanted or any(word in one.name or word == one.program for word in wanted)]


def _read(path: Path, claims: Collection[str]) -> Mutant:
    where = f"labs/mutants/{path.name}"
    try:
        content: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
        _checker().validate(content)
    except (OSError, UnicodeError, yaml.YAMLError) as error:
        raise Faulty(f"{where} cannot be read ({' '.join(str(error).split())[:200]})") from error
    except jsonschema.ValidationError as error:
        at = "".join(f"{part}: " for part in error.absolute_path)
        raise Faulty(f"{where} is no mutant ({at}{' '.join(error.message.split())[:200]})") from error
    if unknown := sorted({*content["claims"], *content.get("may_turn", {})}.difference(claims)):
        raise Faulty(f"{where} names {', '.join(unknown)}, and there is no such claim")
    if both := sorted(set(content["claims"]).intersection(content.get("may_turn", {}))):
        raise Faulty(f"{where} says of {', '.join(both)} both that it must turn and that it may")
    if content["find"] == content["instead"]:
        raise Faulty(f"{where} changes nothing: find and instead are the same")
    return Mutant(name=path.stem, **(content | {"claims": tuple(content["claims"])}))


@functools.cache
def _checker() -> jsonschema.Draft202012Validator:
    schema = resources.files("labkit.mutants").joinpath("mutant.schema.json").read_text("utf-8")
    return jsonschema.Draft202012Validator(json.loads(schema))
