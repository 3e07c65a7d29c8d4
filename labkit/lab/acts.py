"""What a lab does: kubectl, a shell, manifests, requests that tell the instrument to misbehave, machines frozen.

Acts go through here and nowhere else, so that a sabotage can change them, and the record can tell them.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import shutil
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import tenacity
import yaml

from labkit.cluster import Result, commands
from labkit.cluster.labcluster import LABEL
from labkit.lab import instrument
from labkit.lab.errors import Accepted, Failed, NotSetUp
from labkit.lab.place import KUBECTL_S, POLL_S, Place
from labkit.manifests import build_contexts, kinds, manifest_files, naming, scope
from labkit.observe.api import Refused
from labkit.observe.history import (
    Act,
    Object,
    Pod,
)
from labkit.observe.views import NodeView, PodView, view
from labkit.observe.watch import path_of
from labkit.trouble import Inconclusive

MANAGED_KINDS = {
    "Pod": ("Pod",),
    "ReplicaSet": ("ReplicaSet", "Pod"),
    "Deployment": ("Deployment", "ReplicaSet", "Pod"),
    "StatefulSet": ("StatefulSet", "Pod"),
    "DaemonSet": ("DaemonSet", "Pod"),
    "Service": ("EndpointSlice",),
    "ResourceQuota": ("ResourceQuota",),
    "PersistentVolumeClaim": ("PersistentVolumeClaim",),
}
"""What is watched once an object of a kind is applied: the object and what a controller makes of it."""

LISTENING = re.compile(r"^(?:Forwarding from|Starting to serve on) [\d.]+:(\d+)")
"""What a kubectl prints that listens on this machine, and on which port (v1.37)."""

LISTEN_S = 60.0
"""Seconds that a kubectl may take until it listens; 0.3 on an idle machine."""

RETURN_S = 60.0
"""Seconds that a node may take to return after a pause; Ready after 10 and rid of its taints after 11 when idle."""


_VALIDATING = ("apply -f", "create -f")
"""How labs have kubectl make what a manifest says, with its own validation."""


class Placed(NamedTuple):
    """A file of manifests as it is applied here, and the objects in it."""

    path: Path
    objects: list[manifest_files.Manifest]


class Acts(Place):
    """The words of a lab that change something."""

    def apply(self, file: str, verb: str = "apply -f", **words: str) -> Any:
        """Apply manifests/<file> with kubectl; give its objects, in their order (the object itself where it is one).

        ${NAMESPACE} in a value stands for the lab's namespace: objects of the cluster are named and restricted by it.
        Those are deleted with the lab. ${NODE} stands for the node that runs what asks for no other, and `words` for
        what only the lab knows: ADDRESS="10.244.1.7" for ${ADDRESS}.
        Raises Failed where it is refused.
        """
        as_written, sabotaged = self._files(file, **words)
        promised = self._promised(verb, as_written) if sabotaged.path != as_written.path else []
        result = self._kubectl(*verb.split(), str(sabotaged.path), *self._validated(verb, sabotaged), "-o", "json")
        if result.rc != 0:
            raise Failed(f"{file} was refused: {result.stderr.strip()}")
        kept = _items(result)
        if any("namespace" not in item["metadata"] for item in kept):
            self._undo.callback(self._delete, sabotaged)
        if any(not f.startswith("kubernetes.io/") for item in kept for f in item["metadata"].get("finalizers", ())):
            # No controller knows these: they would keep the object, and its namespace, for ever.
            free = '{"metadata": {"finalizers": null}}'
            self._undo.callback(self._kubectl, "patch", "-f", str(sabotaged.path), "--type=merge", "-p", free)
        for item in kept:
            self._watches.follow(*MANAGED_KINDS.get(item["kind"], ()))
        by_name = {(item["kind"], item["metadata"]["name"]): item for item in promised}
        objects = tuple(
            Object[Any](kind, name, item["metadata"]["uid"], by_name.get((kind, name), item))
            for item in kept
            for kind, name in [(item["kind"], item["metadata"]["name"])]
        )
        return objects[0] if len(objects) == 1 else objects

    def image(self, name: str) -> str:
        """Give the name by which the cluster has an image of ours, such as localhost:1/labs/web:1."""
        return naming.in_text(name, self.cluster.images)

    def kubectl(self, line: str, *, stdin: str | None = None) -> Result:
        """Type `kubectl <line>` in the lab's namespace, maybe with something to read for `-f -`.

        Raises Failed where kubectl does not exit 0.
        """
        result = self._typed(line, stdin)
        if result.rc != 0:
            raise Failed(self.evidence.named(f"kubectl {line}: exit {result.rc}\n  {result.stderr.strip()}"))
        return result

    def refused(self, line: str, *, stdin: str | None = None) -> Result:
        """Type `kubectl <line>`, which must be refused. Raises Accepted where kubectl exits 0."""
        result = self._typed(line, stdin)
        if result.rc == 0:
            raise Accepted(self.evidence.named(f"kubectl {line}: was accepted\n  {result.stdout.strip()}"))
        return result

    def tried(self, line: str) -> Result:
        """Type `kubectl <line>`, whatever comes of it: for `poll`, until it is refused or accepted."""
        return self._typed(line)

    def shell(self, line: str, *, exits: int | None = 0) -> Result:
        """Type a line at a shell, in a folder of the lab's own; `kubectl` is the cluster's own there.

        `exits` is the status with which the line must end, None for any.
        Raises Failed where it ends with another one, Accepted where that is 0.
        """
        line_typed = naming.in_text(self._saboteur.act(line), self.cluster.images)
        self._stay_inside(scope.of_shell(line_typed, self.namespace))
        result = self._at_shell(line_typed)
        if exits is not None and result.rc != exits:
            error = Failed if result.rc else Accepted
            raise error(f"{line}: exit {result.rc}, not {exits}\n  {(result.stderr or result.stdout).strip()}")
        return result

    @contextlib.contextmanager
    def running(self, line: str) -> Iterator[commands.Going]:
        """Keep `kubectl <line>` (a proxy, a watch) going for the time of the block."""
        at_s, words = self.clock(), shlex.split(self._line(line))
        with commands.going([self.cluster.kubectl_path, *words], env=self._env) as program:
            try:
                yield program
            finally:
                self.evidence.typed(at_s, program.result())

    @contextlib.contextmanager
    def listening(self, line: str) -> Iterator[str]:
        """Keep `kubectl <line>` (port-forward, proxy) going for the time of the block; give the URL that it serves.

        Raises Failed where it ends, or names no address of this machine.
        """
        with self.running(line) as program:
            said = LISTENING.match(program.line(LISTENING.match, timeout_s=LISTEN_S) or "")
            if said is None:
                raise Failed(f"kubectl {line}: does not listen\n  {program.result().stdout.strip()}")
            yield f"http://127.0.0.1:{said[1]}"

    def terminal(self, line: str, *typed: str) -> Result:
        """Type `kubectl <line>` at a terminal, and then these lines; its stdout is all that the terminal shows.

        Raises Failed where kubectl does not exit 0.
        """
        at_s, words = self.clock(), shlex.split(self._line(line))
        result = commands.at_terminal(
            [self.cluster.kubectl_path, *words],
            env=self._env,
            timeout_s=KUBECTL_S,
            typed="".join(f"{one}\n" for one in typed),
        )
        self.evidence.typed(at_s, result)
        if result.rc != 0:
            raise Failed(self.evidence.named(f"kubectl {line}: exit {result.rc}\n  {result.stdout.strip()}"))
        return result

    def apply_refused(self, file: str, verb: str = "apply -f") -> Result:
        """Apply manifests/<file>, which must be refused. Raises Accepted where it is not."""
        _, sabotaged = self._files(file)
        result = self._kubectl(*verb.split(), str(sabotaged.path))
        if result.rc == 0:
            # What is in no namespace does not go with the lab's.
            self._undo.callback(self._delete, sabotaged)
            raise Accepted(f"kubectl {verb} {file}: was accepted\n  {result.stdout.strip()}")
        return result

    def now(self, words: str) -> Act:
        """Mark this moment, for what is counted from it."""
        act = Act(self.clock(), words)
        self.evidence.acted(act.seen_s, words)
        return act

    def put(self, pod: Pod | PodView, path: str, /, *, port: int = instrument.PORT, **settings: object) -> Act:
        """PUT settings to the instrument in a Pod: `lab.put(web, "/healthy/api", failNext=-1)`.

        Of several in one Pod `port` says which.
        """
        return self._tell("PUT", pod, port, path, settings)

    def post(self, pod: Pod | PodView, path: str, /, *, port: int = instrument.PORT, **body: object) -> Act:
        """POST to the instrument in a Pod, as `put` does: `lab.post(web, "/exit", code=3)`."""
        return self._tell("POST", pod, port, path, body)

    @contextlib.contextmanager
    def without(self, node: str) -> Iterator[Act]:
        """Freeze a node's machine for the time of the block; for claims with `takes_a_node`.

        To the rest of the cluster it is as if it had lost power; but what ran on it goes on where it was. However the
        block ends, the machine goes on, and the node is back in the cluster when this returns.
        """
        act = Act(self.clock(), self._saboteur.act(f"freeze the machine of node/{node}"))
        self.evidence.acted(act.seen_s, act.words)
        try:
            with self.cluster.paused(node) if act.words else contextlib.nullcontext():
                yield act
        finally:
            self.evidence.acted(self.clock(), f"let the machine of node/{node} go on")
            self._await_return(node)

    def sabotaged(self, words: str) -> str:
        """Give the words of an act as the sabotage leaves them, for words that are not the lab's own."""
        return naming.in_text(self._saboteur.act(words), self.cluster.images)

    def sabotaged_files(self, context: str, files: build_contexts.Files) -> build_contexts.Files:
        """Give the files of a build context as the sabotage leaves them."""
        placed = self._saboteur.files(context, files)
        return {name: naming.in_text(text, self.cluster.images) for name, text in placed.items()}

    def file(self, file: str, **words: str) -> Path:
        """Give the path of manifests/<file>, or of a copy with its placeholders filled, as the sabotage leaves it."""
        return self._files(file, **words)[1].path

    def _typed(self, line: str, stdin: str | None = None) -> Result:
        stdin = naming.in_text(self._saboteur.act(stdin), self.cluster.images) if stdin else stdin
        line = self._line(line, stdin)
        if not line:
            return commands.LEFT_OUT
        result = self._kubectl(*shlex.split(line), stdin=stdin)
        if line.startswith("config "):
            self._current = _namespace_of(yaml.safe_load(self._kubeconfig.read_text(encoding="utf-8")))
        return result

    def _line(self, line: str, stdin: str | None = None) -> str:
        """Give a line for kubectl as it is typed: as the sabotage leaves it, and by the images' names here."""
        line = naming.in_text(self._saboteur.act(line), self.cluster.images)
        self._stay_inside(scope.of_line(line, self.namespace, stdin, current=self._current))
        return line

    def _stay_inside(self, reach: str | None) -> None:
        """Let nothing reach further than the lab's namespace whose claim does not say so. Raises NotSetUp."""
        if reach and not self.claim.cluster_wide:
            raise NotSetUp(f"{reach}, but its claim does not say cluster_wide=True: it is not done")

    def _at_shell(self, line: str) -> Result:
        if not line:
            return commands.LEFT_OUT
        folder = self._kubeconfig.with_suffix("")
        if not folder.exists():
            folder.mkdir(mode=0o700)
            self.evidence.called(f"{folder}/", "")
            self._undo.callback(shutil.rmtree, folder, ignore_errors=True)
        path = os.pathsep.join((str(self.cluster.kubectl_path.parent), self._env["PATH"]))
        env, at_s = self._env | {"PATH": path, "TMPDIR": str(folder)}, self.clock()
        result = commands.run(["sh", "-c", line], env=env, timeout_s=KUBECTL_S, folder=folder)
        self.evidence.typed(at_s, result, line)
        return result

    def _files(self, file: str, **words: str) -> tuple[Placed, Placed]:
        """Give manifests/<file> as written and as sabotaged; the same where no sabotage touches it."""
        words = {"NAMESPACE": self.namespace, "NODE": self.cluster.node.name} | words
        objects = manifest_files.place(manifest_files.read(file), **words)
        text = manifest_files.path_of(file).read_text(encoding="utf-8")
        self.evidence.applied(f"manifests/{file}", naming.in_text(text, self.cluster.images))
        sabotaged = self._saboteur.manifests(objects)
        as_written = self._placed(file, self._here(objects), "as-written")
        if sabotaged is objects:
            return as_written, as_written
        return as_written, self._placed(file, self._here(sabotaged), "sabotaged")

    def _here(self, objects: list[manifest_files.Manifest]) -> list[manifest_files.Manifest]:
        """Give objects as they are applied here: by the images' names here, and marked as ours where they need it."""
        objects = naming.in_objects(objects, self.cluster.images)
        self._stay_inside(scope.of_objects(objects, self.namespace))
        of_node = scope.of_node(objects)
        if of_node and not (self.claim.needs == "nodes" or self.claim.takes_a_node):
            raise NotSetUp(f'{of_node}, but its claim does not say needs="nodes": it is not applied')
        return [scope.marked(one, {LABEL: self.cluster.name}) for one in objects]

    def _placed(self, file: str, objects: list[manifest_files.Manifest], how: str) -> Placed:
        """Give manifests/<file>, or a copy beside the kubeconfig where these are not its objects."""
        if objects == manifest_files.read(file):
            return Placed(manifest_files.path_of(file), objects)
        copy = self._kubeconfig.with_suffix(f".{how}.{Path(file).name}")
        copy.write_text(manifest_files.to_yaml(objects), encoding="utf-8")
        self.evidence.called(str(copy), f"manifests/{file}")
        self._undo.callback(lambda: copy.unlink(missing_ok=True))
        return Placed(copy, objects)

    def _delete(self, placed: Placed) -> None:
        self._kubectl("delete", "-f", str(placed.path), "--ignore-not-found", "--wait=false")

    def _promised(self, verb: str, placed: Placed) -> list[dict[str, Any]]:
        """Give the objects of a file as the server would make them; none where it would not."""
        if (made := self._dry_run(placed.objects)) is not None:
            return made
        dry = self._kubectl(*verb.split(), str(placed.path), "--dry-run=server", "-o", "json")
        return _items(dry) if dry.rc == 0 else []

    def _validated(self, verb: str, placed: Placed) -> tuple[str, ...]:
        """Give what spares kubectl the validation where the server has taken all objects of a file, strictly, by trial.

        kubectl reads all that the server knows of the kinds' fields for it: 115 ms of CPU time instead of 40.
        """
        return ("--validate=false",) if verb in _VALIDATING and self._dry_run(placed.objects) else ()

    def _dry_run(self, objects: list[manifest_files.Manifest]) -> list[dict[str, Any]] | None:
        """Have the server say what it would make of new objects; None where it refuses one, or has it already.

        Or does not answer. What kubectl is told of it then is for kubectl to say.
        """
        made = []
        for one in objects:
            collection = kinds.collection_of(one, self._current)
            if collection is None:
                return None
            try:
                made.append(self._api.post(f"{collection}?dryRun=All&fieldValidation=Strict", one))
            except (Refused, Inconclusive, TypeError):  # YAML has dates, which JSON has not
                return None
        return made

    def _await_return(self, node: str) -> None:
        """Wait until a node is as before its machine froze. Raises Inconclusive where it does not come back."""

        def away() -> bool:
            seen = view("Node", self._api.get(path_of("Node", None, node)), seen_s=self.clock())
            assert isinstance(seen, NodeView)
            return seen.ready != "True" or any(taint.startswith("node.kubernetes.io/") for taint in seen.taints)

        def gave_up(_: tenacity.RetryCallState) -> NoReturn:
            raise Inconclusive(f"node/{node} is not back {RETURN_S:.0f} s after its machine went on")

        tenacity.Retrying(
            retry=tenacity.retry_if_result(bool),
            stop=tenacity.stop_after_delay(RETURN_S),
            wait=tenacity.wait_fixed(POLL_S),
            retry_error_callback=gave_up,
        )(away)

    def _tell(self, method: str, pod: Pod | PodView, port: int, path: str, body: dict[str, object]) -> Act:
        at = pod.name if port == instrument.PORT else f"{pod.name}:{port}"
        act = Act(self.clock(), self._saboteur.act(f"{method} pod/{at} {path} {json.dumps(body)}"))
        self.evidence.acted(act.seen_s, act.words)
        if not act.words:
            return act
        told = re.fullmatch(r"(\w+) pod/([^\s:]+)(?::(\d+))? (\S+) (.*)", act.words)
        assert told, f"a sabotage left an act that cannot be read: {act.words}"
        status, text = self._reach(told[1], told[2], int(told[3] or instrument.PORT), told[4], json.loads(told[5]))
        if status != HTTPStatus.OK:
            raise NotSetUp(f"{act.words}: {status} {text[:200]}")
        return act


def _namespace_of(config: dict[str, Any]) -> str:
    """Give the namespace that a kubeconfig gives to what is typed without one."""
    contexts = {one["name"]: one["context"] for one in config["contexts"]}
    return str(contexts.get(config["current-context"], {}).get("namespace", "default"))


def _items(result: Result) -> list[dict[str, Any]]:
    """Read the objects that `kubectl apply -o json` printed: one object, or a List of them."""
    answer: dict[str, Any] = json.loads(result.stdout)
    return list(answer["items"]) if answer["kind"] == "List" else [answer]
