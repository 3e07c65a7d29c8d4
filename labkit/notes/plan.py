"""What of a document is typed, in what order, on what ground.

A scenario is a section of the document, with the earlier ones that it needs (grouping), in a namespace of its own. What
is not typed has its reason (reach); what the notes never make is made for them (stand_ins).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from labkit.notes import grouping, kubectl, manifest, placeholders, reach, shell, stand_ins
from labkit.notes.kubectl import Object
from labkit.notes.scenario import DRY_RUNS, SYSTEM_NAMESPACES, File, Plan, Scenario, Step
from labkit.notes.understand import Command, Notes, must_fail, objects_made, objects_tried

_LOOKING_UP = frozenset({
    "get", "describe", "label", "annotate", "scale", "delete", "logs", "exec", "expose", "edit", "patch",
    "port-forward", "cp", "rollout", "autoscale", "set", "attach", "top", "wait", "taint",
})  # fmt: skip


def plan(notes: Notes, *, heading: str = "") -> Plan:
    """Put a document's commands and manifests into scenarios; `heading` picks sections by a part of their headings."""
    return _Planner(notes, heading).plan()


class _Planner:
    def __init__(self, notes: Notes, heading: str) -> None:
        self._notes = notes
        self._heading = heading.lower()
        self._made = [objects_made(notes, at) for at in range(len(notes.commands))]
        self._tried = [objects_tried(notes, at) for at in range(len(notes.commands))]

    def plan(self) -> Plan:
        scenarios = []
        for group in grouping.groups(self._notes, self._made):
            judged = [at for at in group if self._picked(self._notes.section(at))]
            if judged:
                scenarios.append(self._scenario(group, set(judged)))
        scenarios += [s for s in [self._dry_runs()] if s.steps]
        left = [step for scenario in scenarios for step in scenario.steps if step.not_run and not step.given]
        running = [replace(s, steps=tuple(t for t in s.steps if not t.not_run)) for s in scenarios]
        return Plan(
            tuple(s for s in running if any(not t.given for t in s.steps)),
            tuple(sorted([*left, *self._dockerfiles()], key=lambda step: step.line)),
        )

    def _picked(self, section: int) -> bool:
        return any(self._heading in title.lower() for title in self._notes.document.sections[section].path) or (
            not self._heading
        )

    def _scenario(self, commands: Sequence[int], judged: set[int]) -> Scenario:
        notes = self._notes
        steps: list[Step] = []
        wanted: list[tuple[str, Object]] = []
        there: set[Object] = set()
        contexts: dict[str, str] = {}
        current = ""
        for at in commands:
            for place in self._missing(
                at, there, {thing for later in commands for thing in self._tried[later]}, current
            ):
                if place not in wanted:
                    wanted.append(place)
            there.update(self._made[at])
            current = _context(notes.commands[at], contexts, current)
        present = [thing for _, thing in wanted] + [thing for at in commands for thing in self._made[at]]
        defined = frozenset[str]()
        shell_open: int | None = None
        for at in commands:
            command = notes.commands[at]
            if shell_open is not None and self._is_inner(command, steps[shell_open]):
                opener = steps[shell_open]
                steps[shell_open] = replace(opener, stdin=(opener.stdin or "") + command.text + "\n")
                steps.append(self._step(at, at in judged, "typed into the shell of line " + str(opener.line), ()))
                continue
            steps.append(self._typed(at, at in judged, present, defined))
            defined |= command.parsed.sets
            shell_open = len(steps) - 1 if any(call.opens_shell for call in command.kubectls) else None
        spaces = {call.namespace for at in commands for call in notes.commands[at].kubectls if call.namespace}
        spaces |= {name for at in commands for kind, name in self._tried[at] if kind == "Namespace"}
        spaces |= {n for step in steps for f in step.files for n in manifest.read(f.text).namespaces}
        title = notes.document.sections[self._notes.section(min(judged))].title
        running = [at for at, step in zip(commands, steps, strict=True) if not step.not_run]
        return Scenario(
            title,
            tuple(steps),
            tuple(wanted),
            tuple(sorted(s for s in spaces if s not in SYSTEM_NAMESPACES and not re.search(r"[^a-z0-9\-]", s))),
            alone=any(self._touches_all(at) for at in running) or "default" in spaces,
        )

    def _is_inner(self, command: Command, opener: Step) -> bool:
        """Tell whether a line goes on in the shell that an earlier one of its block has opened."""
        if opener.not_run or command.block != opener.block:
            return False
        return command.typed.inner or not (command.kubectls or command.typed.prompted)

    def _missing(self, at: int, there: set[Object], here: set[Object], current: str) -> Iterator[tuple[str, Object]]:
        """Name what a command speaks of and no line makes: the check makes it.

        there, here: what the scenario's lines before this one make, and what any of them might; current: the
        namespace that the scenario's context is in, "" for its own. For a line that must fail nothing is made: it
        would have something to succeed on.
        """
        if must_fail(self._notes, at):
            return
        for call in self._notes.commands[at].kubectls:
            space = call.namespace or current
            named = [space, call.option("-n", "--namespace") or "" if call.verb == "config" else ""]
            for name in named:
                if name and name not in SYSTEM_NAMESPACES and ("Namespace", name) not in here and _plain(name):
                    yield "", ("Namespace", name)
            if call.verb not in _LOOKING_UP or space in SYSTEM_NAMESPACES - {"default"}:
                continue
            for kind, name in call.uses():
                # Made as another kind: that is what the line gets wrong, or what it is about.
                other = any(n == name for _, n in there)
                if kind in stand_ins.KINDS and not other and (kind, name) not in here and not _generated(name):
                    yield space, (kind, name)

    def _typed(self, at: int, judged: bool, present: Sequence[Object], defined: frozenset[str]) -> Step:
        command = self._notes.commands[at]
        told: list[str] = []
        files, missing = self._files(at, told)
        script, unfilled = placeholders.filled(command, present, told)
        reason = reach.why_not(command, files, missing or unfilled, defined)
        step = self._step(at, judged, reason, tuple(told))
        return replace(step, script=script, files=tuple(files), filled=bool(command.placeholders) and not unfilled)

    def _step(self, at: int, judged: bool, reason: str, told: tuple[str, ...]) -> Step:
        command = self._notes.commands[at]
        return Step(
            command.line,
            command.end,
            "command",
            shell.quoted(command.text) if command.placeholders else command.text,
            command=at,
            block=command.block,
            not_run=reason,
            told=told,
            given=not judged,
        )

    def _files(self, at: int, told: list[str]) -> tuple[list[File], str]:
        files = []
        for path in self._notes.commands[at].reads:
            origin = self._notes.origins.get((at, path))
            if origin is None or origin.how == "command":
                continue
            if origin.how == "address":
                return [], f"it needs the network: {path}"
            if origin.how == "missing":
                return [], f"file {path} is in no block"
            if origin.block is not None:
                block = self._notes.document.blocks[origin.block]
                if self._notes.kinds[origin.block] == "fragment":
                    return [], f"file {path} is shown in part only (line {block.line})"
                files.append(File(path, block.text + "\n", origin.block))
                if origin.how == "guessed":
                    told.append(f"{path} is taken to be the block of line {block.line}")
            elif origin.path is not None:
                files.append(File(path, origin.path.read_text(encoding="utf-8", errors="replace")))
                told.append(f"{path} is the file beside the notes")
        for file in files:
            if (file.path.startswith("/") and not file.path.startswith("/tmp/")) or ".." in file.path:
                return [], f"file {file.path} is in a folder of the author's machine"
        return files, ""

    def _touches_all(self, at: int) -> bool:
        """Tell whether a command changes what every scenario shares."""
        for call in self._notes.commands[at].kubectls:
            if call.verb in ("cordon", "uncordon", "drain", "taint", "certificate"):
                return True
            changes = call.verb in ("create", "delete", "label", "annotate", "patch", "edit", "replace", "scale", "set")
            own = [k for k in call.kinds() if kubectl.is_cluster_kind(k) and k != "Namespace"]
            if changes and own and not call.only_prints:
                return True
            if call.verb == "delete" and ({"-A", "--all-namespaces"} & call.options.keys()):
                return True
            if call.verb in ("label", "annotate", "delete") and "Namespace" in call.kinds():
                return any(name in SYSTEM_NAMESPACES for _, name in call.objects()) or not call.objects()
            if call.namespace in SYSTEM_NAMESPACES and (changes or call.verb in ("apply", "run", "expose", "rollout")):
                return not call.only_prints
        return any(kubectl.is_cluster_kind(kind) and kind != "Namespace" for kind, _ in self._tried[at])

    def _dry_runs(self) -> Scenario:
        """Give the scenario in which the server says what it thinks of manifests that no command applies."""
        used = {origin.block for origin in self._notes.origins.values()}
        steps = []
        spaces: list[tuple[str, Object]] = []
        for index, found in sorted(self._notes.manifests.items()):
            block = self._notes.document.blocks[index]
            if (
                index in used
                or not self._picked(block.section)
                or self._notes.kinds[index] not in ("manifest", "fragment")
            ):
                continue
            end = block.line + len(block.lines) - 1
            name = f"line-{block.line}.yaml"
            step = Step(block.line, end, "manifest", f"kubectl apply --dry-run=server -f {name}", block=index)
            if self._notes.kinds[index] == "manifest":
                steps.append(replace(step, files=(File(name, block.text + "\n", index),)))
                spaces += [("", ("Namespace", n)) for n in found.namespaces if n not in SYSTEM_NAMESPACES and _plain(n)]
                continue
            whole, told = stand_ins.wrapped(block.text, found)
            if whole:
                steps.append(replace(step, subject="fragment", files=(File(name, whole, index),), told=told))
            else:
                steps.append(
                    replace(step, subject="fragment", script="", not_run="a piece of a manifest: nothing says of what")
                )
        named = tuple(sorted({name for _, (_, name) in spaces}))
        return Scenario(DRY_RUNS, tuple(steps), tuple(dict.fromkeys(spaces)), named)

    def _dockerfiles(self) -> Iterator[Step]:
        for index, kind in enumerate(self._notes.kinds):
            block = self._notes.document.blocks[index]
            if kind == "Dockerfile" and self._picked(block.section):
                end = block.line + len(block.lines) - 1
                yield Step(block.line, end, "Dockerfile", block.text, block=index)


def _context(command: Command, contexts: dict[str, str], current: str) -> str:
    """Give the namespace that kubectl is in after a command, "" for the scenario's own."""
    for call in command.kubectls:
        if call.verb != "config":
            continue
        named = call.option("-n", "--namespace")
        if call.second == "set-context" and named:
            if "--current" in call.options:
                current = named
            elif call.words:
                contexts[call.words[0]] = named
        elif call.second == "use-context" and call.words:
            current = contexts.get(call.words[0], "")
    return current


def _plain(name: str) -> bool:
    return bool(re.fullmatch(r"[a-z0-9]([a-z0-9\-]{0,61}[a-z0-9])?", name))


def _generated(name: str) -> bool:
    """Tell whether a name ends as controllers name their Pods."""
    return bool(re.search(r"-[bcdf-hj-np-tv-z2456789]{8,10}-[bcdf-hj-np-tv-z2456789]{5}$", name))
