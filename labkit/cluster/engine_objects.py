"""What is built and run on the engine itself, beside the nodes: found by its marks, and removed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable

import requests
from docker.errors import APIError, NotFound

from labkit.cluster import nodes
from labkit.cluster.marks import CLUSTER_LABEL, NAMESPACE_LABEL
from labkit.cluster.nodes import answering, engine


def remove_of_cluster(cluster: str) -> None:
    """Remove all containers, volumes and images that were made for a cluster. Raises Inconclusive."""
    _remove(f"{CLUSTER_LABEL}={cluster}", ())


def remove_of_lab(namespace: str, unnamed: Iterable[str] = ()) -> None:
    """Remove what a lab has made, and which images of these ids' beginnings nothing names. Raises Inconclusive."""
    _remove(f"{NAMESPACE_LABEL}={namespace}", unnamed)


def forget(node: str, namespace: str) -> None:
    """Remove a lab's images from a node, under all names that the node has for them. Raises Inconclusive."""
    _, listing = nodes.execute(node, "ctr --namespace k8s.io images list")
    digests = {words[0]: words[2] for line in listing.splitlines() if len(words := line.split()) > 2}
    names = {name for name in digests if f"/{namespace}/" in name}
    nameless = {name for name in digests if name.startswith(("sha256:", "import-"))}
    own = {digests[name] for name in names} - {digests[name] for name in digests.keys() - names - nameless}
    # The runtime knows an image by its id as well, and kind's import leaves the list of what it has imported.
    names |= {name for name in nameless if digests[name] in own}
    _, lists = nodes.execute(node, _IMPORTED)
    names |= {line.split()[0] for line in lists.splitlines() if f"/{namespace}/" in line}
    if names:
        nodes.execute(node, f"ctr --namespace k8s.io images remove {' '.join(sorted(names))}")


_IMPORTED = """
for name in $(ctr --namespace k8s.io images list --quiet | grep ^import-); do
    echo "$name $(ctr --namespace k8s.io content get "${name#*@}" | tr --delete '[:space:]')"
done
"""
"""Gives a line for each import: its name, and its content, in which the images are named."""


def _remove(label: str, unnamed: Iterable[str]) -> None:
    with answering():
        for container in engine().api.containers(all=True, filters={"label": label}):
            try:
                engine().api.remove_container(container["Id"], v=True, force=True)
            except APIError as error:
                if error.status_code not in (requests.codes.not_found, requests.codes.conflict):
                    raise  # 409: its removal is under way
        for volume in engine().volumes.list(filters={"label": label}):
            with contextlib.suppress(NotFound):
                volume.remove()
        left = _ids({"label": label})
        # What a builder has printed names images that others use, too; only what nothing names is the lab's own.
        left += [
            image for image in _ids({"dangling": True}) if image.removeprefix("sha256:").startswith(tuple(unnamed))
        ]
        # An image goes after those that were built on it: each round takes away the last of them.
        while left and len(rest := [image for image in left if not _is_gone(image)]) < len(left):
            left = rest


def _ids(filters: dict[str, str | bool]) -> list[str]:
    return [str(image["Id"]) for image in engine().api.images(filters=filters)]


def _is_gone(image: str) -> bool:
    try:
        engine().api.remove_image(image, force=True)
    except NotFound:
        return True
    except APIError as error:
        if error.status_code == requests.codes.conflict:  # another image or a container still needs it
            return False
        raise
    return True
