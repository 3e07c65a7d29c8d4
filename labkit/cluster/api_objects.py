"""What runs that were killed have left on a cluster that stays: all that carries their name, deleted."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import tenacity

from labkit.cluster import commands
from labkit.environment import credentials
from labkit.observe.api import Api
from labkit.observe.connection import connection_of
from labkit.trouble import CannotRun

GONE_S = 180.0
"""Seconds for a cluster to be rid of a run's namespaces: 6 after the last lab on two idle cores."""

LOOKS_AGAIN_S = 1.0
"""Seconds between two looks at what is still there: each is a few processes of kubectl."""

_FINALIZED = "configmaps,pods,services,deployments,replicasets"
"""Kinds that labs put finalizers on."""


def delete(folder: Path, selector: str) -> None:
    """Delete all that a selector of labels finds, by the kubeconfig in a folder, and wait until it is gone.

    Raises: CannotRun when something is still there after GONE_S seconds; Inconclusive without an answer.
    """
    kubectl, env = folder / "kubectl", credentials() | commands.environment(folder.name, folder)

    def typed(*words: str) -> commands.Result:
        return commands.run([kubectl, *words], env=env, timeout_s=GONE_S)

    # Kinds that this user may not list can hold nothing of his.
    kinds = ",".join(typed("api-resources", "--namespaced=false", "--verbs=list,delete", "-o", "name").stdout.split())
    find = ("get", kinds or "namespaces", "-l", selector, "-o", "name", "--ignore-not-found")

    def left() -> list[str]:
        with Api(connection_of(folder / "kubeconfig")) as api:
            api.get("/api/v1/namespaces?limit=1")  # no answer is no proof that nothing is there
        found = typed(*find).stdout.split()
        if found:
            typed("delete", *found, "--wait=false", "--ignore-not-found")
        for name in (one.removeprefix("namespace/") for one in found if one.startswith("namespace/")):
            _let_go(typed, name)
        return found

    def gave_up(state: tenacity.RetryCallState) -> NoReturn:
        assert state.outcome
        raise CannotRun(f"still there after {GONE_S:.0f} s: {', '.join(state.outcome.result())}")

    tenacity.Retrying(
        retry=tenacity.retry_if_result(bool),
        stop=tenacity.stop_after_delay(GONE_S),
        wait=tenacity.wait_fixed(LOOKS_AGAIN_S),
        retry_error_callback=gave_up,
    )(left)


def _let_go(typed: Callable[..., commands.Result], namespace: str) -> None:
    """Free what a lab has put a finalizer of its own on, which no controller knows: it would stay for ever."""
    listed = typed("get", _FINALIZED, "--namespace", namespace, "-o", "json")
    for item in json.loads(listed.stdout or "{}").get("items", ()):
        if any(not one.startswith("kubernetes.io/") for one in item["metadata"].get("finalizers", ())):
            name = f"{item['kind'].lower()}/{item['metadata']['name']}"
            free = '{"metadata": {"finalizers": null}}'
            typed("patch", name, "--namespace", namespace, "--type=merge", "-p", free)
