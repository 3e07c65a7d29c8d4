"""The words of a lab: everything that a module of labs/ needs, and all that it imports from labkit."""

from labkit.claims import budgets
from labkit.claims.budgets import SOON, START, Window
from labkit.claims.claim import changed, claim, imprecise, sabotage, wrong
from labkit.claims.known_bugs import known_bug
from labkit.claims.sabotage import instead, put, remove, skip
from labkit.lab.docker_cli import Docker
from labkit.lab.instrument import failures_in_a_row
from labkit.lab.lab import Lab, ready
from labkit.lab.minikube_cli import Minikube
from labkit.manifests.quantities import quantity

__all__ = [
    "SOON",
    "START",
    "Docker",
    "Lab",
    "Minikube",
    "Window",
    "budgets",
    "changed",
    "claim",
    "failures_in_a_row",
    "imprecise",
    "instead",
    "known_bug",
    "put",
    "quantity",
    "ready",
    "remove",
    "sabotage",
    "skip",
    "wrong",
]
