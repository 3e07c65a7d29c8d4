"""A kubectl's words: which objects it makes, uses and deletes, which files it reads, how it goes on.

Read without a cluster, to plan with; whether kubectl takes them is for kubectl to say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from labkit.manifests.kinds import NAMESPACED
from labkit.notes.shell import CLOSE, OPEN

Object = tuple[str, str]
"""Kind and name."""

CLUSTER_KINDS = {
    "Node": "nodes node no",
    "Namespace": "namespaces namespace ns",
    "PersistentVolume": "persistentvolumes persistentvolume pv",
    "StorageClass": "storageclasses storageclass sc",
    "ClusterRole": "clusterroles clusterrole",
    "ClusterRoleBinding": "clusterrolebindings clusterrolebinding",
    "CustomResourceDefinition": "customresourcedefinitions customresourcedefinition crd crds",
    "PriorityClass": "priorityclasses priorityclass pc",
    "IngressClass": "ingressclasses ingressclass",
    "RuntimeClass": "runtimeclasses runtimeclass",
    "APIService": "apiservices apiservice",
    "CertificateSigningRequest": "certificatesigningrequests certificatesigningrequest csr",
    "ValidatingWebhookConfiguration": "validatingwebhookconfigurations validatingwebhookconfiguration",
    "MutatingWebhookConfiguration": "mutatingwebhookconfigurations mutatingwebhookconfiguration",
    "ValidatingAdmissionPolicy": "validatingadmissionpolicies validatingadmissionpolicy",
    "ValidatingAdmissionPolicyBinding": "validatingadmissionpolicybindings validatingadmissionpolicybinding",
    "ComponentStatus": "componentstatuses componentstatus cs",
}
"""Kinds whose objects are in no namespace, and what kubectl calls them. Source: kubectl api-resources, v1.37."""

_KIND_OF = {word: kind for kind, words in CLUSTER_KINDS.items() for word in words.split()} | {
    word: kind for kind, words in NAMESPACED.items() for word in (kind.lower(), *words.split())
}

_VALUED = frozenset({
    "-n", "--namespace", "-f", "--filename", "-l", "--selector", "-o", "--output", "-p", "--patch", "-c",
    "--container", "--image", "--as", "--as-group", "--server", "--type", "--subresource", "--replicas",
    "--timeout", "-s", "-k", "--kustomize", "--context", "--kubeconfig", "--cluster", "--user", "--token", "-L",
    "--label-columns", "--field-selector", "--sort-by", "--template", "--from-literal", "--from-file",
    "--from-env-file", "--port", "--target-port", "--protocol", "--name", "--external-ip", "--cluster-ip",
    "--session-affinity", "--load-balancer-ip", "--min", "--max", "--cpu-percent", "--cpu", "--memory", "--tail",
    "--since", "--since-time", "--limit-bytes", "--restart", "--labels", "--env", "-e", "--overrides", "--requests",
    "--limits", "--hostport", "--generator", "--schedule", "--tcp", "--udp", "--node-port", "--verb", "--resource",
    "--resource-name", "--role", "--clusterrole", "--serviceaccount", "--group", "--rule", "--hard", "--scopes",
    "--class", "--value", "--docker-server", "--docker-username", "--docker-password", "--docker-email", "--cert",
    "--key", "--for", "--grace-period", "--cascade", "--to-revision", "--revision", "--current-replicas",
    "--resource-version", "--address", "--accept-hosts", "--pod-selector", "--target", "--profile", "--copy-to",
    "--custom", "--chunk-size", "--field-manager", "--record-arch", "--api-group", "--api-version", "--duration",
    "--audience", "--max-log-requests", "--pod-running-timeout", "--minimum", "-v", "--patch-file",
    "--default-backend", "--keys", "--keys-from", "--service-account", "--certificate-authority",
    "--client-certificate", "--client-key", "--auth-provider", "--exec-command",
})  # fmt: skip
"""Options whose value is a word of its own where there is no "="; of all commands together."""

_FLAGS_OF = {"logs": {"-f", "-p"}, "exec": {"-c=", "-i", "-t"}, "get": {"-w"}, "port-forward": set(), "rollout": set()}
"""Options that mean another thing to one verb: these take no value there."""

VERBS_ON_POD = frozenset({"logs", "exec", "port-forward", "attach", "cp"})
"""Verbs that take a bare name for a Pod's."""

_SECOND = frozenset({"create", "set", "rollout", "config", "auth", "top", "certificate", "plugin", "apply", "alpha"})
"""Verbs with a word of their own before what they are about."""

_MAKES = {
    **{word: kind for kind, words in NAMESPACED.items() for word in (kind.lower(), *words.split())},
    **{word: kind for kind, words in CLUSTER_KINDS.items() for word in words.split()},
    "serviceaccount": "ServiceAccount",
}


@dataclass(frozen=True)
class Kubectl:
    """One call of kubectl."""

    verb: str
    second: str
    """create's kind, config's verb, rollout's and set's: "" for verbs that have none."""
    words: tuple[str, ...]
    """What is neither verb nor option nor an option's value."""
    options: Mapping[str, tuple[str, ...]]
    inner: tuple[str, ...] | None
    """What stands behind --; None where there is none."""

    def option(self, *names: str) -> str | None:
        """Give the last value of an option by any of its names; "" for one without a value."""
        return next((self.options[name][-1] for name in names if name in self.options), None)

    @property
    def files(self) -> tuple[str, ...]:
        """What it is told to read: files, folders and addresses."""
        if self.verb in ("logs", "exec", "port-forward") or (self.verb == "get" and "-f" not in self.options):
            return ()
        given = [v for name in ("-f", "--filename", "-k", "--kustomize") for v in self.options.get(name, ())]
        return tuple(part for value in given for part in value.split(",") if part)

    @property
    def data_files(self) -> tuple[str, ...]:
        """Files whose content goes into what it makes."""
        given = [v for name in ("--from-file", "--from-env-file", "--cert", "--key", "--patch-file")
                 for v in self.options.get(name, ())]  # fmt: skip
        return tuple(value.rpartition("=")[2] for value in given if value)

    @property
    def namespace(self) -> str | None:
        return self.option("-n", "--namespace") or None

    @property
    def only_prints(self) -> bool:
        """Whether it changes nothing on the server whatever its verb is."""
        return any(name.startswith("--dry-run") for name in self.options) or "--list" in self.options

    @property
    def endless(self) -> bool:
        """Whether it goes on until it is ended."""
        if self.verb in ("port-forward", "proxy", "attach"):
            return True
        watches = self.options.keys() & {"-w", "--watch", "--watch-only"}
        return bool(watches) or (self.verb == "logs" and bool(self.options.keys() & {"-f", "--follow"}))

    @property
    def interactive(self) -> bool:
        """Whether it opens something to type into."""
        flags = "".join(name.lstrip("-") for name in self.options if re.fullmatch(r"-[it]{1,3}", name))
        long = self.options.keys() & {"--stdin", "--tty"}
        return self.verb in ("exec", "run", "attach", "debug") and ("i" in flags or "t" in flags or bool(long))

    @property
    def opens_shell(self) -> bool:
        """Whether what it opens is a shell that waits for lines."""
        program = (self.inner or self.words[1:2] or ("",))[0].rpartition("/")[2]
        return self.interactive and program in ("sh", "bash", "ash", "zsh", "dash") and len(self.inner or ("",)) == 1

    def objects(self) -> tuple[Object, ...]:
        """Name what it is about, as far as its words say; names that are to be filled in are left out."""
        return tuple(o for o in self._objects() if _is_name(o[1]))

    def _objects(self) -> Iterator[Object]:
        words = list(self.words)
        if self.verb == "run":
            yield from [("Pod", words[0])] if words else []
        elif self.verb == "create":
            if self.second and words and (kind := _made(self.second, words)):
                yield kind, words[1] if self.second in ("secret", "service", "svc") and len(words) > 1 else words[0]
        elif self.verb == "cp":
            for word in words:
                if ":" in word and not word.startswith(("/", ".")):
                    yield "Pod", word.partition(":")[0].rpartition("/")[2]
        elif self.verb in VERBS_ON_POD:
            if words:
                kind, slash, name = words[0].partition("/")
                yield (kind_of(kind), name) if slash else ("Pod", words[0])
        elif self.verb in ("cordon", "uncordon", "drain", "taint"):
            yield from (("Node", w) for w in words if w not in ("node", "nodes", "no") and "=" not in w and ":" not in w
                        and not w.endswith("-"))  # fmt: skip
        elif self.verb not in ("config", "help", "explain", "api-resources", "version", "cluster-info", "auth", "proxy",
                               "completion", "options", "api-versions", "kustomize", "plugin"):  # fmt: skip
            yield from self._named(words)

    def _named(self, words: Sequence[str]) -> Iterator[Object]:
        if words and "/" not in words[0]:
            kinds = words[0].split(",")
            for name in words[1:]:
                if "=" in name or name.endswith("-"):
                    break
                yield from ((kind_of(kind), name) for kind in kinds)
            return
        for word in words:
            kind, slash, name = word.partition("/")
            if slash and "=" not in word:
                yield kind_of(kind), name

    def kinds(self) -> tuple[str, ...]:
        """Name the kinds that it speaks of, objects or not."""
        if (
            self.verb in ("get", "describe", "delete", "label", "annotate", "edit", "scale", "patch", "wait")
            and self.words
        ):
            return tuple(kind_of(word.partition("/")[0]) for word in self.words[0].split(","))
        if self.verb == "create" and self.second:
            return (_MAKES.get(self.second, self.second),)
        return tuple(dict.fromkeys(kind for kind, _ in self.objects()))

    def makes(self) -> tuple[Object, ...]:
        """Name the objects that it makes by its words alone."""
        if self.only_prints:
            return ()
        if self.verb in ("run", "create"):
            made = self.objects()
            return (*made, ("Service", made[0][1])) if made and "--expose" in self.options else made
        if self.verb == "expose":
            named = self.option("--name")
            return tuple(("Service", named or name) for _, name in self.objects()[:1])
        return ()

    def would_make(self) -> tuple[Object, ...]:
        """As `makes`, of one that only prints."""
        return self.objects() if self.verb in ("run", "create") else self._would_expose()

    def _would_expose(self) -> tuple[Object, ...]:
        return (
            tuple(("Service", self.option("--name") or name) for _, name in self.objects()[:1])
            if self.verb == "expose"
            else ()
        )

    def uses(self) -> tuple[Object, ...]:
        """Name the objects that must be there before."""
        if self.verb in ("run", "create", "apply", "replace") and self.second != "token":
            return ()
        return self.objects()

    def deletes(self) -> tuple[Object, ...]:
        return self.objects() if self.verb == "delete" else ()


def parse(words: Sequence[str]) -> Kubectl:
    """Read a kubectl's words, without the program."""
    verb = ""
    said: list[str] = []
    options: dict[str, list[str]] = {}
    inner: tuple[str, ...] | None = None
    left = iter(words)
    for word in left:
        if word == "--":
            inner = tuple(left)
            break
        if not word.startswith("-") or word == "-":
            if not verb:
                verb = word
            else:
                said.append(word)
            continue
        option, equals, value = word.partition("=")
        flags = _FLAGS_OF.get(verb, set())
        if equals:
            pass
        elif option in flags or (option == "-p" and verb == "logs"):
            value = ""
        elif option in _VALUED:
            value = next(left, "")
        elif not word.startswith("--") and len(word) > 2 and word[:2] in _VALUED and word[:2] not in flags:
            option, value = word[:2], word[2:]
        options.setdefault(option, []).append(value)
    second = ""
    if verb in _SECOND and said:
        second, said = said[0], said[1:]
    return Kubectl(verb, second, tuple(said), {k: tuple(v) for k, v in options.items()}, inner)


def kind_of(word: str) -> str:
    """Give the kind that a word of kubectl's means; the word itself where it is none that is known."""
    bare = word.partition(".")[0].lower()
    return _KIND_OF.get(bare, word)


def is_cluster_kind(kind: str) -> bool:
    return kind in CLUSTER_KINDS


def _made(second: str, words: Sequence[str]) -> str | None:
    if second == "secret":
        return "Secret" if len(words) > 1 else None
    if second in ("service", "svc"):
        return "Service" if len(words) > 1 else None
    return _MAKES.get(second)


def _is_name(word: str) -> bool:
    """Tell whether a word is an object's name as it stands, with nothing to be filled in."""
    return (
        bool(re.fullmatch(r"[a-z0-9](?:[a-z0-9.\-:]{0,251}[a-z0-9])?", word)) and OPEN not in word and CLOSE not in word
    )
