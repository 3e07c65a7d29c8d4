"""What several tests are given."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from labkit.claims.claim import HOLD, Claim
from labkit.claims.sabotage import Sabotage
from labkit.cluster import LabCluster, Node
from labkit.lab.lab import Lab
from labkit.observe.load import Load
from labkit.progress import Progress

CONFIG = {
    "apiVersion": "v1",
    "kind": "Config",
    "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:9"}}],
    "users": [{"name": "u", "user": {}}],
    "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
    "current-context": "x",
}


@pytest.fixture
def lab_of(tmp_path: Path) -> Iterator[Callable[..., Lab]]:
    """Make a lab whose kubectl runs a script, under a sabotage if there is one; nothing answers as its cluster."""
    load = Load()

    def make(script: str, sabotage: Sabotage | None = None) -> Lab:
        (tmp_path / "kubeconfig").write_text(yaml.safe_dump(CONFIG))
        (tmp_path / "kubectl").write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "kubectl").chmod(0o755)
        cluster = LabCluster(
            "c", folder=tmp_path, kind_path=tmp_path, image="none", kubernetes="v1.37.0", origin="here"
        )
        cluster.nodes = (Node("c-worker", "worker", "10.0.0.2", "10.244.1.0/24"),)
        claim = Claim("topic.one", "It is so.", (), "", HOLD, None, "a test", 1, False)
        return Lab(cluster, claim, sabotage, load)

    yield make
    load.stop()


@pytest.fixture
def lines() -> list[str]:
    """What progress said."""
    return []


@pytest.fixture
def progress(lines: list[str]) -> Progress:
    """Progress that writes into `lines`."""
    return Progress(lines.append)
