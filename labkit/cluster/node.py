"""A node as cluster and engine agree on it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Node:
    """A node as cluster and engine agree on it; its container has the same name."""

    name: str
    role: str
    """control-plane or worker"""
    address: str
    pod_cidr: str
