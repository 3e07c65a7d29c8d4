"""What a claim declares of its reach is what its lab's lines and manifests have, as far as its source tells."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from typing import Any

import pytest

from labkit.claims.claim import Claim, load_claims
from labkit.claims.sabotage import Sabotage, Saboteur
from labkit.manifests import manifest_files, scope
from labkit.paths import ROOT

NAMESPACE = "the-labs-own"
APPLIED, TYPED = {"apply", "apply_refused", "file"}, {"kubectl", "refused", "tried", "running", "listening", "terminal"}
SOME = "pod/some"
"""What stands for a text that only a run knows; a line that begins so is not read, and left to the run's own check."""

CLAIMS = load_claims(ROOT / "labs")

Names = dict[str, ast.expr]


def said(node: ast.expr, names: Names) -> str | None:
    """Give the text of an expression, with a Pod's name for what only a run knows; None where none of it is known."""
    text: str | None = None
    match node:
        case ast.Constant(value=str(text)):
            pass
        case ast.JoinedStr(values=values):
            text = "".join(said(value, names) or SOME for value in values)
        case ast.Attribute(attr="namespace"):
            text = NAMESPACE
        case ast.FormattedValue(value=value) | ast.Call(func=ast.Attribute(attr="format", value=value)):
            text = said(value, names)
        case ast.Name(id=name) if name in names:
            text = said(names[name], names)
    return text


def assigned(tree: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            target = node.targets[0]
            pairs = [(target, node.value)]
            if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                pairs = list(zip(target.elts, node.value.elts, strict=False))
            yield from ((to.id, value) for to, value in pairs if isinstance(to, ast.Name))


@functools.cache
def module(topic: str) -> ast.Module:
    return ast.parse((ROOT / "labs" / f"test_{topic}.py").read_text(encoding="utf-8"))


@functools.cache
def objects_of(file: str) -> list[Any]:
    """Give a manifest's objects as they were written, for `manifest_files.place` to make others of."""
    return manifest_files.read(file)


def lab_of(claim: Claim) -> ast.FunctionDef:
    def declares(decorator: ast.expr) -> bool:
        match decorator:
            case ast.Call(func=ast.Name(id="claim"), args=[ast.Constant(value=id)]):
                return bool(id == claim.id)
        return False

    functions = (node for node in module(claim.topic).body if isinstance(node, ast.FunctionDef))
    return next(lab for lab in functions if any(map(declares, lab.decorator_list)))


def acts(claim: Claim) -> Iterator[tuple[str, str]]:
    """Give what a lab does: the word of its `lab`, and the file or the line."""
    constants = ast.Module([one for one in module(claim.topic).body if isinstance(one, ast.Assign)], [])
    names = dict(assigned(constants)) | dict(assigned(lab_of(claim)))
    for node in ast.walk(lab_of(claim)):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="lab"), attr=word), args=[first, *_]):
                text = said(first, names)
                if text is not None and not text.startswith(SOME):
                    yield word, text


def reaches(claim: Claim, sabotage: Sabotage | None) -> tuple[set[str], set[str]]:
    """Say what a lab changes outside its namespace, and what of its Pods reaches into their nodes."""
    saboteur = Saboteur(sabotage)
    cluster: set[str | None] = set()
    node: set[str | None] = set()
    for word, text in acts(claim):
        if word in APPLIED:
            objects: list[Any] = saboteur.manifests(manifest_files.place(objects_of(text), NAMESPACE=NAMESPACE))
            cluster.add(scope.of_objects(objects, NAMESPACE))
            node.add(scope.of_node(objects))
        elif word in TYPED:
            cluster.add(scope.of_line(saboteur.act(text), NAMESPACE))
        elif word == "shell":
            cluster.add(scope.of_shell(saboteur.act(text), NAMESPACE))
    return {one for one in cluster if one}, {one for one in node if one}


@pytest.mark.parametrize("claim", CLAIMS.values(), ids=CLAIMS.keys())
def test_a_claim_declares_how_far_its_lab_reaches(claim: Claim) -> None:
    if claim.topic == "minikube":
        return  # a cluster of its own
    cluster, node = reaches(claim, None)
    assert claim.cluster_wide == bool(cluster), f"cluster_wide={bool(cluster)}: {cluster}"
    for sabotage in claim.sabotages:
        further, deeper = reaches(claim, sabotage)
        assert claim.cluster_wide or not further, f"{sabotage.name}: {further}"
        node |= deeper
    assert not node or claim.needs == "nodes" or claim.takes_a_node, f'needs="nodes": {node}'


@pytest.mark.parametrize("claim", CLAIMS.values(), ids=CLAIMS.keys())
def test_a_claim_about_docker_or_machines_says_so(claim: Claim) -> None:
    lab = lab_of(claim)
    takes = {argument.arg for argument in lab.args.args}
    machines = any(word in ast.unparse(lab) for word in ("lab.without(", "lab.spare(", "lab.cluster.control_plane"))
    assert "docker" not in takes or claim.needs == "engine"
    assert "minikube" not in takes or claim.needs == "minikube"
    assert not machines or claim.needs == "nodes" or claim.takes_a_node
