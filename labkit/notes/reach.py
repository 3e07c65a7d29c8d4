"""Why a line is not typed at all: it wants what is not here, or it would get out of the cluster."""

from __future__ import annotations

import re
from collections.abc import Sequence

from labkit.manifests import scope
from labkit.notes import manifest, shell
from labkit.notes.scenario import File
from labkit.notes.understand import Command

GIVEN = frozenset({
    "HOME", "USER", "PWD", "OLDPWD", "PATH", "SHELL", "HOSTNAME", "RANDOM", "UID", "EDITOR", "KUBECONFIG", "TERM",
    "LANG", "IFS", "SECONDS", "LINENO", "PS1", "BASH", "BASH_VERSION", "OSTYPE", "HOSTTYPE", "PPID", "_", "?", "!",
    "@", "*", "#", "-", "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "KUBE_EDITOR", "LOGNAME", "TMPDIR",
})  # fmt: skip
"""Variables that a shell has by itself."""


def why_not(command: Command, files: Sequence[File], lacks: str, defined: frozenset[str]) -> str:
    """Give the reason why a line is not typed, "" for none.

    files: those that it reads; lacks: what is known to lack of them and of its placeholders, "" for nothing; defined:
    the variables that lines before it set.
    """
    if command.text.strip() in ("exit", "logout"):
        return "it ends a shell"
    if command.typed.inner:
        return "typed into a shell within a container that is not run"
    return (
        _out_of_reach(command)
        or lacks
        or _unset(command, defined)
        or _by_hand(command)
        or _reaches_out(command)
        or _reaches_the_machine(command, files)
    )


def _out_of_reach(command: Command) -> str:
    away = [p for p in command.programs if p.rpartition("/")[2] in shell.OUT_OF_REACH or p.startswith("kubectl-")]
    return f"out of reach: {away[0]}" if away else ""


def _unset(command: Command, defined: frozenset[str]) -> str:
    unset = sorted(command.parsed.uses - defined - GIVEN)
    return f"${unset[0]} is never set" if unset and not command.parsed.broken else ""


def _by_hand(command: Command) -> str:
    editors = {"vi", "vim", "nano", "emacs", "code", "less", "more"} & set(command.programs)
    if editors:
        return f"done by hand: {sorted(editors)[0]}"
    if any(call.verb == "attach" for call in command.kubectls):
        return "done by hand: kubectl attach"
    return ""


def _reaches_out(command: Command) -> str:
    for call in command.parsed.calls:
        if (
            call.program in ("curl", "wget", "ping", "telnet", "nc", "nslookup", "dig", "host")
            and not command.typed.inner
        ):
            local = any(re.search(r"\b(localhost|127\.0\.0\.1)\b", word) for word in call.words[1:])
            if not local:
                return f"it needs the network: {call.program}"
    return ""


def _reaches_the_machine(command: Command, files: Sequence[File]) -> str:
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
