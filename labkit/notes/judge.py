"""What a refusal means: is the line itself to blame, or does something lack that the line cannot bring?

A line is to blame only where no context could heal it. What is not known is context: a false fault costs more than a
missed one. Candidates for a mend come with the blame; whether one of them works is for the cluster to show.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from labkit.manifests import naming
from labkit.notes import kubectl, mend, shell
from labkit.notes.kubectl import Kubectl, Object

HOLDS, WARNS, FAULT, CONTEXT, NOT_RUN = "holds", "warns", "fault", "context", "not run"
VERDICTS = (HOLDS, WARNS, FAULT, CONTEXT, NOT_RUN)


class Facts(Protocol):
    """What can be asked of a cluster of the version; each answer is the version's own."""

    def versions_of(self, kind: str) -> Sequence[str]:
        """Give the apiVersions in which a kind is served, the preferred one first."""

    def kinds(self) -> Sequence[str]:
        """Name all kinds that are served."""

    def resources(self) -> Sequence[str]:
        """Give all words for resource types: plural, singular, short."""

    def flags(self, verb: str) -> Sequence[str]:
        """Name the options of a command of kubectl."""

    def fields(self, kind: str, path: str) -> Sequence[str]:
        """Name the fields that a kind has at a path."""

    def names(self, kind: str, namespace: str, selector: str = "") -> Sequence[str]:
        """Name the objects of a kind in a namespace."""

    def others(self, name: str, namespace: str) -> Sequence[str]:
        """Name the kinds of those objects of that name in a namespace which no controller made."""


@dataclass(frozen=True)
class Candidate:
    """One way in which a line may be mended."""

    text: str
    """Of the whole line, or the whole manifest."""
    line: int | None = None
    """The earlier line that it stands for; None for the one that failed."""
    fills: bool = False
    """Whether it only fills in what a piece of a manifest leaves out, which is no fault."""


@dataclass(frozen=True)
class Blame:
    """Why something failed, and whose fault that is."""

    verdict: str
    """FAULT or CONTEXT, or NOT_RUN."""
    reason: str
    candidates: tuple[Candidate, ...] = ()
    in_file: bool = False
    """Whether the candidates are for the manifest that the line applies."""
    substitutes: tuple[Candidate, ...] = ()
    """Names of the author's own run that stand for what came of it here: no fault, and told."""


@dataclass(frozen=True)
class Failure:
    """A line that failed, with all that may tell why."""

    text: str
    calls: tuple[Kubectl, ...]
    rc: int
    said: str
    """What it wrote, errors last."""
    ended: str
    namespace: str
    manifest: str = ""
    """The text of the manifest that it applies."""
    piece: bool = False
    """Whether that is a piece of one, made whole by the check."""
    stand_ins: frozenset[Object] = frozenset()
    contexts: Mapping[int, str] = field(default_factory=dict)
    """Earlier lines that made a context and no cluster with it: line and text."""
    runs: Mapping[str, tuple[int, str]] = field(default_factory=dict)
    """Earlier `run`s by the name that they gave: line and text."""


def blame(failure: Failure, facts: Facts) -> Blame:
    """Tell whose fault a failure is."""
    for rule in _RULES:
        if found := rule(failure, facts):
            return found
    if not failure.said.strip() and re.search(r"\|\s*e?grep\b[^|]*$", failure.text):
        return Blame(CONTEXT, "grep finds nothing in what is printed here")
    return Blame(CONTEXT, last_words(failure.said) or f"it ends with exit code {failure.rc}")


def warnings(said: str) -> tuple[str, ...]:
    """Give the deprecations that kubectl and the server tell."""
    found = []
    for line in said.splitlines():
        bare = re.sub(r"^[WE]\d{4} [\d:.]+\s+\d+ \S+\] ", "", line.strip())
        if (
            re.search(r"\bdeprecated\b", bare)
            and len(bare) < 400
            and re.match(r"Warning:|Flag |--|W\d|\S+ is deprecated|kubectl ", bare)
        ):
            found.append(bare.removeprefix("Warning: "))
    return tuple(dict.fromkeys(found))


def last_words(said: str) -> str:
    """Give what a program said last about why, in one line."""
    lines = [line.strip() for line in said.splitlines() if line.strip() and not re.match(r"[EWI]\d{4} ", line)]
    telling = [line for line in lines if not line.startswith(("See 'kubectl", "ensure CRDs"))]
    words = next((line for line in telling if re.match(r"[Ee]rror", line)), telling[-1] if telling else "")
    return re.sub(r"^(error: )+|^Error from server ", "", words)[:300]


def _guarded(failure: Failure, _facts: Facts) -> Blame | None:
    found = re.search(r"ValidatingAdmissionPolicy 'kubernetes-notes-.*? denied request: ([^\n]+)", failure.said)
    return Blame(NOT_RUN, found[1].strip()) if found else None


def _program(failure: Failure, _facts: Facts) -> Blame | None:
    found = re.search(r"(?:line \d+: )?(\S+): command not found", failure.said)
    if not found or failure.rc not in (127, 1):
        return None
    word = found[1]
    if shell.misspelt(word):
        mended = mend.with_word(failure.text, word, "kubectl")
        return Blame(FAULT, f"there is no program {word}", _candidates(mended))
    return Blame(NOT_RUN, f"out of reach: {word}")


def _no_cluster(failure: Failure, _facts: Facts) -> Blame | None:
    if "localhost:8080" not in failure.said and "no configuration has been provided" not in failure.said:
        return None
    if not failure.contexts:
        return Blame(CONTEXT, "kubectl has no cluster to ask")
    line, text = list(failure.contexts.items())[-1]
    return Blame(
        FAULT,
        "a context made without a cluster answers nothing: kubectl asks localhost:8080, where nobody is",
        (Candidate(mend.with_cluster(text), line),),
    )


def _exec(failure: Failure, _facts: Facts) -> Blame | None:
    if "is not supported anymore. Use exec [POD] -- [COMMAND]" not in failure.said:
        return None
    call = next((c for c in failure.calls if c.verb == "exec"), None)
    return Blame(
        FAULT, "a command needs -- before it", _candidates(mend.with_dashes(failure.text, call) if call else None)
    )


def _command(failure: Failure, _facts: Facts) -> Blame | None:
    found = re.search(r'unknown command "([^"]+)" for "(kubectl[^"]*)"', failure.said)
    if not found:
        return None
    near = mend.nearest(found[1], kubectl_verbs())
    mended = mend.with_word(failure.text, found[1], near) if near else None
    return Blame(FAULT, f"{found[2]} has no command {found[1]}", _candidates(mended))


def kubectl_verbs() -> Sequence[str]:
    return tuple(shell.VERBS)


def _flag(failure: Failure, facts: Facts) -> Blame | None:
    found = re.search(r"unknown (?:shorthand )?flag: (?:'(\w)' in )?(-{1,2}[\w\-]+)", failure.said)
    if not found:
        return None
    option = f"-{found[1]}" if found[1] else found[2]
    verb = failure.calls[0].verb if failure.calls else ""
    candidates = []
    made_deployments = option == "--replicas" or (option == "--generator" and "deployment" in failure.text)
    if verb == "run" and made_deployments:
        candidates.append(mend.as_deployment(failure.text) or "")
    if near := mend.nearest(option, facts.flags(verb), 0.8):
        candidates.append(mend.with_word(failure.text, option, near) or "")
    candidates.append(mend.without_option(failure.text, option))
    return Blame(FAULT, f"kubectl {verb} has no option {option}", _candidates(*candidates))


def _malformed(failure: Failure, _facts: Facts) -> Blame | None:
    words = r"(?:label|annotation|taint)"
    found = re.search(
        rf"^error: ((?:invalid|unknown) {words} (?:key|value|spec|format)[^\n]*"
        rf"|at least one {words} update is required)",
        failure.said,
        re.MULTILINE,
    )
    return Blame(FAULT, found[1][:220]) if found else None


def _required(failure: Failure, _facts: Facts) -> Blame | None:
    found = re.search(r'required flag\(s\) "([^"]+)" not set', failure.said)
    return Blame(FAULT, f"it lacks --{found[1]}") if found else None


def _resource(failure: Failure, facts: Facts) -> Blame | None:
    found = re.search(r"the server doesn't have a resource type \"([^\"]+)\"", failure.said)
    if not found:
        return None
    word = found[1]
    near = mend.nearest(word, facts.resources(), 0.8)
    if near is None:
        return Blame(CONTEXT, f"the cluster has no resource type {word} (an add-on's?)")
    return Blame(FAULT, f"there is no resource type {word}", _candidates(mend.with_word(failure.text, word, near)))


def _yaml(failure: Failure, _facts: Facts) -> Blame | None:
    found = re.search(r"error (?:parsing|converting)[^\n]*?(?:YAML to JSON|yaml): (?:yaml: )?([^\n]+)", failure.said)
    if not found:
        return None
    reason = f"the manifest is no YAML: {found[1]}"
    if "\t" in failure.manifest:
        reason = "tabs: YAML is indented with blanks"
    return Blame(FAULT, reason, _candidates(*mend.without_tabs(failure.manifest)), in_file=True)


def _kind(failure: Failure, facts: Facts) -> Blame | None:
    found = re.search(r'no matches for kind "([^"]+)" in version "([^"]+)"', failure.said)
    small = re.search(r'no kind "([^"]+)" is registered for version "([^"]+)"', failure.said)
    if not (found or small):
        return None
    kind, version = (found or small).groups()  # type: ignore[union-attr]  # one of them is there
    meant = next((k for k in facts.kinds() if k.lower() == kind.lower()), None)
    if meant and meant != kind:
        mended = mend.with_kind(failure.manifest, kind, meant)
        return Blame(FAULT, f"kind {kind} is spelled {meant}", _candidates(mended), in_file=True)
    if meant is None and (near := mend.nearest(kind, facts.kinds(), 0.85)):
        mended = mend.with_kind(failure.manifest, kind, near)
        return Blame(FAULT, f"there is no kind {kind}", _candidates(mended), in_file=True)
    served = [v for v in facts.versions_of(kind) if v != version]
    if served:
        return Blame(
            FAULT,
            f"{kind} is not served in {version} any more",
            _candidates(*(mend.with_version(failure.manifest, kind, version, v) for v in served)),
            in_file=True,
        )
    group = version.partition("/")[0] if "/" in version else ""
    if group in _GONE_GROUPS or not group:
        return Blame(FAULT, f"no server has {kind} in {version} any more", in_file=True)
    return Blame(CONTEXT, f"the cluster has no {kind} of {group} (an add-on's)")


_GONE_GROUPS = frozenset(
    {"extensions", "policy", "apps", "batch", "autoscaling", "settings.k8s.io", "certificates.k8s.io"}
)
"""Kubernetes' own groups: what they do not serve came with no add-on."""


def _unknown_field(failure: Failure, facts: Facts) -> Blame | None:
    found = re.search(r'strict decoding error: unknown field "([^"]+)"', failure.said)
    if not found:
        return None
    path = found[1]
    kind, name = _subject(failure)
    above, _, key = path.rpartition(".")
    if kind == "Ingress" and key in ("serviceName", "servicePort"):
        mended = mend.with_services(failure.manifest, name)
    else:
        moved = _MOVED.get((kind, path))
        near = moved or mend.nearest(key, facts.fields(kind, re.sub(r"\[\d+\]", "", above)), 0.7)
        mended = mend.with_key(failure.manifest, kind, name, path, near) if near else None
    return Blame(FAULT, f"{_a(kind)} has no field {path}", _candidates(mended), in_file=True)


_MOVED = {("Ingress", "spec.backend"): "defaultBackend"}
"""Fields that have another name in the version that is served, by kind and path."""


def _a(word: str) -> str:
    return f"{'an' if word[:1].lower() in 'aeiou' else 'a'} {word}"


def _wrong_type(failure: Failure, _facts: Facts) -> Blame | None:
    found = re.search(r"cannot unmarshal (\w+) into Go struct field (\w+)\.([\w.]+) of type (\S+)", failure.said)
    if not found:
        return None
    is_a, path, wanted = found[1], found[3], found[4]
    mended = None
    if is_a == "object" and wanted.startswith("[]"):
        mended = mend.as_list(failure.manifest, path)
        return Blame(FAULT, f"{path} is a list, and one entry of it begins with -", _candidates(mended), in_file=True)
    if wanted == "string" or wanted.endswith("map[string]string"):
        mended = mend.as_text(failure.manifest, path)
    return Blame(FAULT, f"{path} cannot be {_a(is_a)}", _candidates(mended), in_file=True)


def _invalid(failure: Failure, _facts: Facts) -> Blame | None:
    found = re.search(r'The (\S+) "([^"]*)" is invalid:\s*(.*)', failure.said, re.DOTALL)
    if not found:
        return None
    kind, name, why = found[1].partition(".")[0], found[2], " ".join(found[3].split())
    if "pod updates may not change fields" in why or "field is immutable" in why:
        return Blame(CONTEXT, f"it would change what cannot be changed of {kind} {name}, which is there already")
    if "provided port is already allocated" in why or "already allocated" in why:
        return Blame(CONTEXT, "another Service has that port already")
    if missing := re.search(r"((?:spec\.)?[\w.\[\]]+)\.image: Required value", why):
        if failure.piece:
            mended = mend.with_entry(failure.manifest, kind, name, missing[1], f"image: {naming.WEB}")
            return Blame(
                CONTEXT,
                "the piece has no image",
                tuple(Candidate(c.text, fills=True) for c in _candidates(mended)),
                in_file=True,
            )
        return Blame(FAULT, f"{missing[1]} has no image", in_file=True)
    if failure.piece and "Required value" in why and "Invalid" not in why:
        return Blame(NOT_RUN, "a piece of a manifest: too much of it is left out")
    if lacking := re.findall(r"([\w.\[\]]+)\.pathType: Required value", why):
        mended = failure.manifest
        for path in lacking:
            # What a path without one meant as long as it could be left out.
            mended = mend.with_entry(mended, kind, name, path, "pathType: ImplementationSpecific") or mended
        return Blame(FAULT, f"each path of {_a(kind)} needs a pathType", _candidates(mended), in_file=True)
    if "selector: Required value" in why:
        mended = mend.with_selector(failure.manifest, kind, name)
        return Blame(FAULT, f"{_a(kind)} needs a selector", _candidates(mended), in_file=True)
    if lost := re.search(r'([\w.\[\]]+)\.volumeMounts\[(\d+)\]\.name: Not found: "([^"]+)"', why):
        path = f"{lost[1]}.volumeMounts[{lost[2]}].name"
        pod_spec = lost[1].rpartition(".")[0]
        near = mend.nearest(lost[3], mend.siblings(failure.manifest, kind, name, f"{pod_spec}.volumes"), 0.6)
        mended = mend.with_value(failure.manifest, kind, name, path, near) if near else None
        return Blame(FAULT, f"there is no volume {lost[3]}", _candidates(mended), in_file=True)
    return Blame(FAULT, f"the server refuses {kind} {name}: {why[:220]}", in_file=bool(failure.manifest))


def _nameless(failure: Failure, _facts: Facts) -> Blame | None:
    if not failure.piece or "resource name may not be empty" not in failure.said:
        return None
    mended = mend.with_entry(failure.manifest, "ConfigMap", "", "metadata", "name: piece")
    return Blame(
        CONTEXT,
        "the piece has no name",
        tuple(Candidate(c.text, fills=True) for c in _candidates(mended)),
        in_file=True,
    )


def _not_found(failure: Failure, facts: Facts) -> Blame | None:
    found = re.search(r'(?:NotFound\): |^Error: )(\S+) "([^"]+)" not found', failure.said, re.MULTILINE)
    if not found:
        return None
    kind, name = kubectl.kind_of(found[1]), found[2]
    call = next((c for c in failure.calls if any(n == name for _, n in c.objects())), None)
    space = (call.namespace if call else None) or failure.namespace
    missing = f"there is no {kind.lower()} {name}"
    if space == "kube-system":
        there = facts.names(kind, space, f"k8s-app={name}") or facts.names(kind, space, f"component={name}")
        if len(there) == 1:
            return Blame(
                FAULT,
                f"{missing}: it is called {there[0]} today",
                _candidates(mend.with_word(failure.text, name, there[0])),
            )
        return Blame(CONTEXT, f"{missing} in {space}")
    names = facts.names(kind, space)
    if (
        children := [n for n in names if re.match(rf"{re.escape(_stem(name))}-[a-z0-9\-]+$", n)]
        if _stem(name) != name
        else []
    ):
        same = sorted(children)[0]
        return Blame(CONTEXT, f"{missing}: the name is one of the author's own run",
                     substitutes=_candidates(mend.with_word(failure.text, name, same)))  # fmt: skip
    others = facts.others(name, space)
    if kind == "Deployment" and name in failure.runs:
        line, text = failure.runs[name]
        verb = call.verb if call else ""
        as_pod = _as_kind(failure.text, name, "pod") if "Pod" in others and verb in _FOR_PODS else None
        as_run = mend.as_deployment(text)
        run = (Candidate(as_run, line),) if as_run else ()
        return Blame(
            FAULT, f"{missing}: since 1.18 kubectl run makes a Pod, and no Deployment", (*_candidates(as_pod), *run)
        )
    if others and call and call.verb in _FOR_PODS:
        mended = _as_kind(failure.text, name, others[0].lower())
        return Blame(FAULT, f"{missing}: {name} is a {others[0]}", _candidates(mended))
    if near := mend.nearest(name, names, 0.8):
        return Blame(
            FAULT, f"{missing}: elsewhere it is spelled {near}", _candidates(mend.with_word(failure.text, name, near))
        )
    hint = " (a name of the author's machine?)" if kind == "Node" else ""
    return Blame(CONTEXT, missing + hint)


_FOR_PODS = ("get", "describe", "delete", "label", "annotate", "edit", "logs", "exec", "port-forward", "expose")


def _port(failure: Failure, _facts: Facts) -> Blame | None:
    if "couldn't find port via --port flag or introspection" not in failure.said:
        return None
    if any(thing in failure.stand_ins for call in failure.calls for thing in call.uses()):
        return Blame(CONTEXT, "what it exposes says no port")
    return Blame(
        FAULT, "what it exposes says no port, and neither does the line", _candidates(f"{failure.text} --port=80")
    )


_CONTEXTS: tuple[tuple[str, str], ...] = (
    (r"violates PodSecurity \"[^\"]+\": ([^(\n]+)", "it would reach the machine: {0}"),
    (r"failing to pull image|ImagePullBackOff|ErrImagePull|image can't be pulled", "its image cannot be pulled here"),
    (r'container "[^"]*" in pod "[^"]*" is waiting to start', "its container does not start here"),
    (r"previous terminated container \S+ in pod \S+ not found", "the container has no earlier run"),
    (r"Metrics API not available", "the cluster has no metrics-server"),
    (r"already exists", "it is there already"),
    (r"does not have a host assigned|is not running|container not found", "its Pod does not run here"),
    (r"not found in pod|cannot exec into|pod does not exist", "its Pod does not run here"),
    (r"executable file not found in \$PATH|stat \S+: no such file", "the image here has no such program"),
    (r"no such file or directory: unknown", "the image here has no such program"),
    (r'no context exists with the name: "([^"]+)"', "there is no context {0}"),
    (r"error looking up service account \S+?/(\S+?):", "there is no service account {0}"),
    (r"no PriorityClass with name (\S+)", "there is no priority class {0}"),
    (r"exceeded quota|LimitRanger", "a quota of the notes' own forbids it"),
    (r"No resources found", "there is nothing of the kind"),
    (r"no such host|dial tcp|i/o timeout|Could not resolve", "it needs the network"),
    (r"network is unreachable|Connection refused|Failed to connect", "it needs the network"),
    (r"timed out waiting|deadline exceeded|context deadline", "what it waits for does not come about here"),
    (r"[Nn]o such file or directory|the path \"[^\"]+\" does not exist", "a file is missing"),
    (r"Unauthorized|Forbidden", "it is not allowed here"),
)
"""What lacks, by the words of kubectl, the server and the shell."""


def _context(failure: Failure, _facts: Facts) -> Blame | None:
    if failure.ended == "timeout":
        return Blame(CONTEXT, "it was not done in time")
    if failure.ended == "sandbox":
        return Blame(NOT_RUN, "it took more memory, processes or disk than a scenario may")
    for pattern, reason in _CONTEXTS:
        if found := re.search(pattern, failure.said):
            words = found.groups()
            verdict = NOT_RUN if reason.startswith("it would reach") else CONTEXT
            return Blame(verdict, f"{reason.format(*words)}" + (f": {last_words(failure.said)}" if not words else ""))
    return None


_RULES: tuple[Callable[[Failure, Facts], Blame | None], ...] = (
    _guarded, _program, _no_cluster, _exec, _command, _flag, _malformed, _required, _resource, _yaml, _kind,
    _unknown_field, _wrong_type, _invalid, _nameless, _not_found, _port, _context,
)  # fmt: skip


def _candidates(*texts: str | None) -> tuple[Candidate, ...]:
    return tuple(Candidate(text) for text in dict.fromkeys(texts) if text)


def _subject(failure: Failure) -> Object:
    found = re.search(r"(?:: |^)(\w+) in version \"[^\"]+\" cannot be handled as a (\w+)", failure.said)
    kind = found[2] if found else ""
    name = re.search(r"^metadata\s*:.*?\n\s+name\s*:\s*[\"']?([\w.\-]+)", failure.manifest, re.MULTILINE | re.DOTALL)
    only = len(re.findall(r"^kind\s*:", failure.manifest, re.MULTILINE)) == 1
    return kind, name[1] if name and only else ""


def _as_kind(text: str, name: str, kind: str) -> str | None:
    """Let a line speak of another kind of that name: deployments/web and deployment web."""
    changed = re.sub(rf"(?<=\s)[a-z.]+(?:/|\s+)(?={re.escape(name)}(?:\s|$))",
                     lambda m: f"{kind}{'/' if m[0].endswith('/') else ' '}", text, count=1)  # fmt: skip
    return changed if changed != text else None


def _stem(name: str) -> str:
    """Give what a controller has put its letters behind: web of web-6d4cf56db6-x2x7k and of web-x2x7k."""
    letters = "[bcdf-hj-np-tv-z0-9]"
    return re.sub(rf"-(?:{letters}{{6,10}}-)?{letters}{{5}}$", "", name)
