"""What a cluster of the version says of itself: kinds, resource types, options, fields, names. Asked once and kept."""

from __future__ import annotations

import functools
import json
import re
import threading
from collections.abc import Sequence
from typing import Any

from labkit.cluster import LabCluster


class ClusterFacts:
    """Answers by the cluster's own kubectl and API server; safe to ask from several threads."""

    def __init__(self, cluster: LabCluster) -> None:
        self._cluster = cluster
        self._lock = threading.Lock()

    def versions_of(self, kind: str) -> Sequence[str]:
        return self._served().get(kind, ())

    def kinds(self) -> Sequence[str]:
        return tuple(self._served())

    def resources(self) -> Sequence[str]:
        return self._resources()[1]

    def flags(self, verb: str) -> Sequence[str]:
        return self._flags(verb)

    def fields(self, kind: str, path: str) -> Sequence[str]:
        return self._fields(kind, path)

    def names(self, kind: str, namespace: str, selector: str = "") -> Sequence[str]:
        options = ["-l", selector] if selector else []
        return tuple(item["metadata"]["name"] for item in self._items(kind, namespace, *options))

    def others(self, name: str, namespace: str) -> Sequence[str]:
        kinds = "pods,deployments,replicasets,statefulsets,daemonsets,services,jobs,cronjobs,configmaps,secrets"
        return tuple(
            item["kind"]
            for item in self._items(kinds, namespace)
            if item["metadata"]["name"] == name and not item["metadata"].get("ownerReferences")
        )

    def _items(self, kinds: str, namespace: str, *options: str) -> list[dict[str, Any]]:
        said = self._cluster.kubectl("get", kinds, "-n", namespace, "-o", "json", *options)
        return list(json.loads(said.stdout).get("items", [])) if said.rc == 0 else []

    @functools.cache  # noqa: B019  one object a check
    def _resources(self) -> tuple[dict[str, tuple[str, ...]], tuple[str, ...]]:
        said = self._cluster.kubectl("api-resources", "--no-headers", timeout_s=60)
        served: dict[str, list[str]] = {}
        words: list[str] = []
        for line in said.stdout.splitlines():
            parts = line.split()
            if len(parts) < 4:
                continue
            name, short, version, kind = parts[0], parts[1:-3], parts[-3], parts[-1]
            served.setdefault(kind, []).append(version)
            words += [name, kind.lower(), *",".join(short).split(",")]
        return {k: tuple(v) for k, v in served.items()}, tuple(word for word in dict.fromkeys(words) if word)

    def _served(self) -> dict[str, tuple[str, ...]]:
        with self._lock:
            return self._resources()[0]

    @functools.cache  # noqa: B019
    def _flags(self, verb: str) -> tuple[str, ...]:
        said = self._cluster.kubectl(verb, "--help")
        return tuple(dict.fromkeys(re.findall(r"--[a-z][a-z\-]+", said.stdout)))

    @functools.cache  # noqa: B019
    def _fields(self, kind: str, path: str) -> tuple[str, ...]:
        where = ".".join(part for part in (kind.lower(), path) if part)
        said = self._cluster.kubectl("explain", where)
        return tuple(dict.fromkeys(re.findall(r"^ {2}(\w+)\t<", said.stdout, re.MULTILINE)))
