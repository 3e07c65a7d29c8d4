"""The words of a lab: everything that a module of labs/ needs, and all that it imports from labkit."""

from labkit import budgets
from labkit.budgets import SOON, START, Window
from labkit.claims import changed, claim, imprecise, sabotage, wrong
from labkit.docker import Docker
from labkit.instrument import failures_in_a_row
from labkit.lab import Lab, ready
from labkit.minikube import Minikube
from labkit.quantities import quantity
from labkit.sabotage import instead, put, remove, skip

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
    "put",
    "quantity",
    "ready",
    "remove",
    "sabotage",
    "skip",
    "wrong",
]
