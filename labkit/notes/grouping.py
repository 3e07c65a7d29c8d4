"""Which commands belong together: a section's, parted where an alternative begins, joined to earlier ones it needs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from labkit.notes.kubectl import Object
from labkit.notes.reach import GIVEN
from labkit.notes.scenario import SYSTEM_NAMESPACES
from labkit.notes.understand import Command, Notes


@dataclass
class _Segment:
    """A section's commands, or those of them from an alternative on."""

    commands: list[int]
    section: int
    made: dict[Object, str] = field(default_factory=dict)


def groups(notes: Notes, made: Sequence[Sequence[Object]]) -> list[list[int]]:
    """Give the commands of each scenario, in the document's order; `made` are the objects that each command makes."""
    grouping = _Grouping(notes, made)
    return grouping.groups(list(grouping.segments()))


class _Grouping:
    def __init__(self, notes: Notes, made: Sequence[Sequence[Object]]) -> None:
        self._notes = notes
        self._made = made

    def segments(self) -> Iterator[_Segment]:
        """Part each section where a name is made again that is still there: there an alternative begins."""
        current: _Segment | None = None
        for at, command in enumerate(self._notes.commands):
            section = self._notes.section(at)
            source = self._source(at)
            again = current is not None and any(current.made.get(o, source) != source for o in self._made[at])
            if current is None or current.section != section or again:
                if current:
                    yield current
                current = _Segment([], section)
            current.commands.append(at)
            _follow(current.made, self._made[at], command, source)
        if current:
            yield current

    def _source(self, at: int) -> str:
        """Say what a command makes its objects of: doing that again changes them, and is no second making."""
        command = self._notes.commands[at]
        if any(call.verb in ("create", "run", "expose") and not call.files for call in command.kubectls):
            return f"{command.text} {at}"
        return " ".join(path for call in command.kubectls for path in call.files) or command.text

    def groups(self, segments: Sequence[_Segment]) -> list[list[int]]:
        """Join segments with the earlier ones that they need, where nothing is then made twice."""
        groups: list[list[int]] = []
        group_of: dict[int, int] = {}
        for index, segment in enumerate(segments):
            needs = self._needs(segment, segments[:index])
            joined = sorted({group_of[need] for need in needs})
            commands = sorted({at for g in joined for at in groups[g]} | set(segment.commands))
            if joined and self._fit(commands):
                for g in joined[1:]:
                    groups[g] = []
                groups[joined[0]] = commands
                for earlier, g in group_of.items():
                    if g in joined:
                        group_of[earlier] = joined[0]
                group_of[index] = joined[0]
            else:
                groups.append(list(segment.commands))
                group_of[index] = len(groups) - 1
        return [group for group in groups if group]

    def _fit(self, commands: Sequence[int]) -> bool:
        made: dict[Object, str] = {}
        for at in commands:
            source = self._source(at)
            if any(made.get(o, source) != source for o in self._made[at]):
                return False
            _follow(made, self._made[at], self._notes.commands[at], source)
        return True

    def _needs(self, segment: _Segment, earlier: Sequence[_Segment]) -> set[int]:
        made: set[Object] = set()
        known: set[str] = set()
        written: list[str] = []
        needs: set[int] = set()
        for at in segment.commands:
            command = self._notes.commands[at]
            for thing in self._wanted(command):
                if thing not in made and (maker := _last(earlier, lambda s, t=thing: t in s.made)) is not None:
                    needs.add(maker)
            for name in command.parsed.uses - known - GIVEN:
                maker = _last(
                    earlier, lambda s, n=name: any(n in self._notes.commands[c].parsed.sets for c in s.commands)
                )
                needs |= {maker} if maker is not None else set()
            for path in command.reads:
                origin = self._notes.origins.get((at, path))
                if origin and origin.how == "command" and path not in written:
                    maker = _last(
                        earlier, lambda s, p=path: any(p in self._notes.commands[c].writes for c in s.commands)
                    )
                    needs |= {maker} if maker is not None else set()
            made.update(self._made[at])
            known |= command.parsed.sets
            written += command.writes
        return needs

    def _wanted(self, command: Command) -> Iterator[Object]:
        for call in command.kubectls:
            yield from call.uses()
            if call.namespace and call.namespace not in SYSTEM_NAMESPACES:
                yield "Namespace", call.namespace
            for made in self._notes.manifests.values():
                yield from (("Namespace", n) for n in made.namespaces if n not in SYSTEM_NAMESPACES and
                            set(made.objects) & set(call.uses()))  # fmt: skip


def _follow(made: dict[Object, str], makes: Sequence[Object], command: Command, source: str) -> None:
    """Write down what is there after a command. Whoever deletes a name means whatever has it."""
    made.update(dict.fromkeys(makes, source))
    for call in command.kubectls:
        if call.verb == "delete":
            gone = {name for _, name in call.deletes()}
            kinds = set(call.kinds())
            everything = (
                "--all" in call.options or "-f" in call.options or "-l" in call.options or "--filename" in call.options
            )
            for thing in list(made):
                if thing[1] in gone or (
                    everything and (not kinds or thing[0] in kinds or "all" in kinds or call.files)
                ):
                    del made[thing]


def _last(segments: Sequence[_Segment], wanted: Any) -> int | None:
    return next((i for i in range(len(segments) - 1, -1, -1) if wanted(segments[i])), None)
