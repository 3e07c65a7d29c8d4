"""Which lines are tried together, in what order, on what ground; and which are not run, each with its reason.

A scenario is a section of the document, with the earlier ones that it needs, in a namespace of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import yaml

from labkit.manifests import naming, scope
from labkit.notes import kubectl, manifest, shell
from labkit.notes.kubectl import Kubectl, Object
from labkit.notes.understand import Command, Notes, must_fail, objects_made, objects_tried

SYSTEM_NAMESPACES = frozenset({"kube-system", "kube-public", "kube-node-lease", "default"})

STAND_INS = frozenset({
    "Pod", "Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job", "Service", "ConfigMap", "Secret",
    "ServiceAccount",
})  # fmt: skip
"""Kinds of objects that the check makes where the notes speak of one that they never make."""

STAND_IN_IMAGE = f"{naming.OURS}/web:1"

DRY_RUNS = "manifests that no command applies"
"""The scenario of all these: each is read by the server, and nothing comes of it."""

_LOOKING_UP = frozenset({
    "get", "describe", "label", "annotate", "scale", "delete", "logs", "exec", "expose", "edit", "patch",
    "port-forward", "cp", "rollout", "autoscale", "set", "attach", "top", "wait", "taint",
})  # fmt: skip

_GIVEN = frozenset({
    "HOME", "USER", "PWD", "OLDPWD", "PATH", "SHELL", "HOSTNAME", "RANDOM", "UID", "EDITOR", "KUBECONFIG", "TERM",
    "LANG", "IFS", "SECONDS", "LINENO", "PS1", "BASH", "BASH_VERSION", "OSTYPE", "HOSTTYPE", "PPID", "_", "?", "!",
    "@", "*", "#", "-", "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "KUBE_EDITOR", "LOGNAME", "TMPDIR",
})  # fmt: skip
"""Variables that a shell has by itself."""

Subject = Literal["command", "manifest", "fragment", "Dockerfile"]


@dataclass(frozen=True)
class File:
    """A file that a step finds where it looks for it."""

    path: str
    text: str
    block: int | None = None
    """The block of the notes that it is; None for one that stands beside them."""


@dataclass(frozen=True)
class Step:
    """One thing to judge: a command line, or a block that no command applies."""

    line: int
    """Of the document, from 1."""
    end: int
    subject: Subject
    script: str
    """What is typed."""
    command: int | None = None
    block: int | None = None
    stdin: str | None = None
    files: tuple[File, ...] = ()
    not_run: str = ""
    """Why it is not run; nothing where it is."""
    told: tuple[str, ...] = ()
    """What the check has filled in, guessed or put in something's place."""
    given: bool = False
    """Whether it only prepares what another scenario judges."""
    filled: bool = False
    """Whether placeholders in it were filled in."""


@dataclass(frozen=True)
class Scenario:
    """Steps that share a namespace and a shell."""

    title: str
    steps: tuple[Step, ...]
    stand_ins: tuple[tuple[str, Object], ...] = ()
    """Namespace, "" for the scenario's own, and object."""
    namespaces: tuple[str, ...] = ()
    """Those that its lines call by name; nobody else may be in them meanwhile."""
    alone: bool = False
    """Whether it touches what all share: nodes, objects of the cluster, the default namespace."""


@dataclass(frozen=True)
class Plan:
    """All of a document's steps."""

    scenarios: tuple[Scenario, ...]
    left: tuple[Step, ...]
    """Steps of no scenario: none of these is run."""

    def steps(self) -> Iterator[Step]:
        """All of them that are judged, in the document's order."""
        told = [step for scenario in self.scenarios for step in scenario.steps if not step.given]
        yield from sorted([*told, *self.left], key=lambda step: (step.line, step.subject))


@dataclass
class _Segment:
    """A section's commands, or those of them from an alternative on."""

    commands: list[int]
    section: int
    made: dict[Object, str] = field(default_factory=dict)


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
        segments = list(self._segments())
        groups = self._groups(segments)
        scenarios = []
        for group in groups:
            judged = [at for at in group if self._picked(self._section(at))]
            if judged:
                scenarios.append(self._scenario(group, set(judged)))
        scenarios += [s for s in [self._dry_runs()] if s.steps]
        left = [step for scenario in scenarios for step in scenario.steps if step.not_run and not step.given]
        running = [replace(s, steps=tuple(t for t in s.steps if not t.not_run)) for s in scenarios]
        return Plan(
            tuple(s for s in running if any(not t.given for t in s.steps)),
            tuple(sorted([*left, *self._dockerfiles()], key=lambda step: step.line)),
        )

    def _section(self, at: int) -> int:
        return self._notes.document.blocks[self._notes.commands[at].block].section

    def _picked(self, section: int) -> bool:
        return any(self._heading in title.lower() for title in self._notes.document.sections[section].path) or (
            not self._heading
        )

    def _segments(self) -> Iterator[_Segment]:
        """Part each section where a name is made again that is still there: there an alternative begins."""
        current: _Segment | None = None
        for at, command in enumerate(self._notes.commands):
            section = self._section(at)
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

    def _groups(self, segments: Sequence[_Segment]) -> list[list[int]]:
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
            for name in command.parsed.uses - known - _GIVEN:
                maker = _last(
                    earlier, lambda s, n=name: any(n in self._notes.commands[c].parsed.sets for c in s.commands)
                )
                needs |= {maker} if maker is not None else set()
            for path in _paths(command):
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
        title = notes.document.sections[self._section(min(judged))].title
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
                if kind in STAND_INS and not other and (kind, name) not in here and not _generated(name):
                    yield space, (kind, name)

    def _typed(self, at: int, judged: bool, present: Sequence[Object], defined: frozenset[str]) -> Step:
        command = self._notes.commands[at]
        told: list[str] = []
        files, missing = self._files(at, told)
        script, unfilled = self._filled(command, present, told)
        reason = (
            self._out_of_reach(command)
            or missing
            or unfilled
            or self._unset(command, defined)
            or self._by_hand(command)
            or self._reaches_out(command)
            or self._reaches_the_machine(command, files)
        )
        if command.typed.inner:
            reason = "typed into a shell within a container that is not run"
        if command.text.strip() in ("exit", "logout"):
            reason = "it ends a shell"
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
        for path in _paths(self._notes.commands[at]):
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

    def _filled(self, command: Command, present: Sequence[Object], told: list[str]) -> tuple[str, str]:
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

    def _out_of_reach(self, command: Command) -> str:
        away = [p for p in command.programs if p.rpartition("/")[2] in shell.OUT_OF_REACH or p.startswith("kubectl-")]
        return f"out of reach: {away[0]}" if away else ""

    def _unset(self, command: Command, defined: frozenset[str]) -> str:
        unset = sorted(command.parsed.uses - defined - _GIVEN)
        return f"${unset[0]} is never set" if unset and not command.parsed.broken else ""

    def _by_hand(self, command: Command) -> str:
        editors = {"vi", "vim", "nano", "emacs", "code", "less", "more"} & set(command.programs)
        if editors:
            return f"done by hand: {sorted(editors)[0]}"
        if any(call.verb == "attach" for call in command.kubectls):
            return "done by hand: kubectl attach"
        return ""

    def _reaches_out(self, command: Command) -> str:
        for call in command.parsed.calls:
            if (
                call.program in ("curl", "wget", "ping", "telnet", "nc", "nslookup", "dig", "host")
                and not command.typed.inner
            ):
                local = any(re.search(r"\b(localhost|127\.0\.0\.1)\b", word) for word in call.words[1:])
                if not local:
                    return f"it needs the network: {call.program}"
        return ""

    def _reaches_the_machine(self, command: Command, files: Sequence[File]) -> str:
        """Refuse what a kind node would pass on to the machine: its files, its network, its rights."""
        if any(call.only_prints for call in command.kubectls):
            return ""
        texts = [f.text for f in files] + [c.heredoc for c in command.parsed.calls if c.heredoc]
        for text in texts:
            if reach := scope.of_node(d for d in manifest.read(text).documents if isinstance(d, dict)):
                return f"it would reach the machine: {reach}"
        if re.search(r"--privileged|hostPath|hostNetwork|hostPID|hostIPC|\"privileged\"", command.text):
            return "it would reach the machine through its node"
        if any(call.verb == "debug" and any(w.startswith("node/") for w in call.words) for call in command.kubectls):
            return "it would reach the machine: kubectl debug of a node"
        return ""

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
            whole, told = wrapped(block.text, found)
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


def stand_in(kind: str, name: str) -> dict[str, Any]:
    """Give an object of that kind and name which does nothing but be there, and answer where it is a server."""
    labels = {"app": name}
    meta = {"name": name, "labels": labels}
    pod = {"containers": [{"name": name[:63], "image": STAND_IN_IMAGE, "ports": [{"containerPort": 8080}]}],
           "terminationGracePeriodSeconds": 1}  # fmt: skip
    template = {"metadata": {"labels": labels}, "spec": pod}
    selector = {"matchLabels": labels}
    of_kind: dict[str, dict[str, Any]] = {
        "Pod": {"spec": pod},
        "Deployment": {"spec": {"selector": selector, "template": template}},
        "ReplicaSet": {"spec": {"selector": selector, "template": template}},
        "DaemonSet": {"spec": {"selector": selector, "template": template}},
        "StatefulSet": {"spec": {"selector": selector, "template": template, "serviceName": name}},
        "Job": {"spec": {"template": {"spec": {**pod, "restartPolicy": "Never"}}}},
        "Service": {"spec": {"selector": labels, "ports": [{"port": 80, "targetPort": 8080}]}},
        "ConfigMap": {"data": {"key": "value"}},
        "Secret": {"stringData": {"key": "value"}},
        "ServiceAccount": {},
        "Namespace": {},
    }
    groups = {"Deployment": "apps/v1", "ReplicaSet": "apps/v1", "DaemonSet": "apps/v1", "StatefulSet": "apps/v1",
              "Job": "batch/v1"}  # fmt: skip
    return {"apiVersion": groups.get(kind, "v1"), "kind": kind, "metadata": meta, **of_kind[kind]}


def wrapped(text: str, found: manifest.Manifest) -> tuple[str, tuple[str, ...]]:
    """Make a whole manifest of a piece whose root can be told; "" where it cannot.

    Only what surrounds the piece is added, so that every line of it stays as it is, further right.
    """
    if not found.documents or len(found.documents) > 1 or manifest.left_out(text):
        return "", ()
    root = found.documents[0]
    keys = set(root) if isinstance(root, dict) else set()
    spec = root.get("spec") if isinstance(root, dict) else None
    told = ("the piece is taken to be of a Pod; what it lacks is filled in",)
    if keys <= {"spec", "metadata"} and isinstance(spec, dict) and ("containers" in spec or "volumes" in spec):
        head = "apiVersion: v1\nkind: Pod\n" + ("" if "metadata" in keys else "metadata:\n  name: piece\n")
        return head + text + "\n", told
    if keys and keys <= _POD_SPEC and "containers" in keys:
        return "apiVersion: v1\nkind: Pod\nmetadata:\n  name: piece\nspec:\n" + _indented(text, 2), told
    if keys == {"metadata"}:
        return "apiVersion: v1\nkind: ConfigMap\n" + text + "\n", ("the piece is taken to be of a ConfigMap",)
    return "", ()


_POD_SPEC = frozenset({
    "containers", "volumes", "initContainers", "restartPolicy", "nodeSelector", "tolerations", "affinity",
    "serviceAccountName", "securityContext", "nodeName", "hostAliases", "dnsPolicy",
    "terminationGracePeriodSeconds", "imagePullSecrets",
})  # fmt: skip


def _indented(text: str, by: int) -> str:
    return "".join(f"{' ' * by}{line}\n" if line.strip() else "\n" for line in text.split("\n"))


def as_yaml(things: Iterable[dict[str, Any]]) -> str:
    return yaml.safe_dump_all(list(things), sort_keys=False)


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


def _last(segments: Sequence[_Segment], wanted: Any) -> int | None:
    return next((i for i in range(len(segments) - 1, -1, -1) if wanted(segments[i])), None)


def _paths(command: Command) -> Iterator[str]:
    for call in command.kubectls:
        yield from (path for path in (*call.files, *call.data_files) if path != "-")


def _plain(name: str) -> bool:
    return bool(re.fullmatch(r"[a-z0-9]([a-z0-9\-]{0,61}[a-z0-9])?", name))


def _generated(name: str) -> bool:
    """Tell whether a name ends as controllers name their Pods."""
    return bool(re.search(r"-[bcdf-hj-np-tv-z2456789]{8,10}-[bcdf-hj-np-tv-z2456789]{5}$", name))


_MEANT = {
    "pod": "Pod", "deployment": "Deployment", "deploy": "Deployment", "service": "Service", "svc": "Service",
    "node": "Node", "configmap": "ConfigMap", "secret": "Secret", "replicaset": "ReplicaSet", "rs": "ReplicaSet",
    "statefulset": "StatefulSet", "daemonset": "DaemonSet", "job": "Job", "pvc": "PersistentVolumeClaim",
}  # fmt: skip
"""What words in a placeholder ask for."""

_KIND_MARKS = re.compile(r"(resource|object|kind)[\w \-]*(type|name|kind)?|type|kind", re.IGNORECASE)


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
    word = scope.KINDS.get(kind, kind.lower()).split()[0]
    return word if at == 0 else name if at == 1 else None


def _same_mark(word: str, mark: str) -> bool:
    return word == shell.parse(f"x {mark}").calls[0].words[-1]
