"""The images that notes name, and what stands in for those that no registry gives here.

The kubelet asks a registry each time for an image without a tag, for one with the tag latest, and where the policy is
Always. There a stand-in under the name itself is of no use: another tag is typed, and told as that.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

from labkit.cluster import LabCluster, nodes
from labkit.manifests import naming
from labkit.notes import manifest, shell, understand
from labkit.notes.scenario import Step

PULL_S = 20
"""Seconds for a registry to answer and send an image before the check goes on without it."""

SIDE_BY_SIDE = 4
"""Images that are asked for at once."""

STAND_IN_TAG = "stand-in"
"""What is typed in the place of no tag, of latest and of a digest."""

_NAME = re.compile(r"[\w./:@\-]+")
_AFTER = r"(?=[\"'\s,}\]\\]|$)"
_BEFORE = r"(--image[= ][\"']?|\bimage[\"']?\s*:\s*[\"']?)"
_SET_IMAGE = re.compile(r"\bset\s+image\s[^\n|;&]*")
_ALWAYS = re.compile(r"((?:--image-pull-policy[= ]|\bimagePullPolicy[\"']?\s*:\s*)[\"']?)Always\b")
_IN_JSON = re.compile(r"\"image\"\s*:\s*\"([^\"]+)\"")


class Images:
    """Those of one document on one cluster; safe to ask from several threads once they are provided."""

    def __init__(self, cluster: LabCluster) -> None:
        self._cluster = cluster
        self._instead: dict[str, str] = {}
        self.stood_in: set[str] = set()
        """What a stand-in is there for."""
        self.unpullable: set[str] = set()
        """What there is nothing for."""

    def provide(self, wanted: Iterable[str]) -> None:
        """Let the nodes have something for images that no registry serves here."""
        workers = [n.name for n in self._cluster.nodes if n.role == "worker"]
        with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
            names = sorted({image for image in wanted if _NAME.fullmatch(image)})
            list(pool.map(lambda image: self._provide(image, workers), names))

    def _provide(self, image: str, workers: list[str]) -> None:
        code, _ = nodes.execute(workers[0], f"timeout {PULL_S} crictl pull {full_name(image)} >/dev/null 2>&1")
        if code == 0:
            return
        instead = instead_of(image)
        tag = f"ctr -n k8s.io images tag --force {naming.WEB} {full_name(instead or image)}"
        if any(nodes.execute(node, tag)[0] for node in workers):
            self.unpullable.add(image)
            return
        if instead:
            self._instead[image] = instead
        self.stood_in.add(image)

    def typed(self, text: str) -> str:
        """Give a line or a manifest as it is to be typed: with names that the kubelet looks for on its node."""
        if not any(image in text for image in self.stood_in):
            return text
        text = _ALWAYS.sub(r"\g<1>IfNotPresent", text)
        for image, instead in self._instead.items():
            text = re.sub(rf"{_BEFORE}{re.escape(image)}{_AFTER}", rf"\g<1>{instead}", text)
            named = re.compile(rf"(=){re.escape(image)}{_AFTER}")
            for line in _SET_IMAGE.findall(text):
                text = text.replace(line, named.sub(rf"\g<1>{instead}", line))
        return text

    def told(self, images: Iterable[str]) -> Iterator[str]:
        """Say of images what stands in for them."""
        for image in dict.fromkeys(images):
            if image in self.stood_in:
                instead = f", typed as {self._instead[image]}" if image in self._instead else ""
                yield f"{image} cannot be pulled here: {naming.WEB} stands in for it{instead}"


def of_step(step: Step) -> Iterator[str]:
    """Name the images that a step speaks of, in its options, manifests and here-documents."""
    for file in step.files:
        yield from manifest.read(file.text).images
    if step.subject != "command":
        return
    parsed = shell.parse(step.script)
    for call in understand.kubectls(parsed):
        yield from call.options.get("--image", ())
        if (call.verb, call.second) == ("set", "image"):
            yield from (word.partition("=")[2] for word in call.words if "=" in word)
    for program in parsed.calls:
        if program.heredoc:
            yield from manifest.read(program.heredoc).images
    yield from _IN_JSON.findall(step.script)


def instead_of(image: str) -> str:
    """Give the name under which a kubelet finds a stand-in on its node; "" where that is the image's own."""
    name, digest, _ = image.partition("@")
    folder, slash, last = name.rpartition("/")
    bare, _, tag = last.partition(":")
    return f"{folder}{slash}{bare}:{STAND_IN_TAG}" if digest or tag in ("", "latest") else ""


def full_name(image: str) -> str:
    """Give an image's name with its registry, as a container runtime has it."""
    first, slash, _ = image.partition("/")
    if not slash:
        return f"docker.io/library/{image}"
    return image if "." in first or ":" in first or first == "localhost" else f"docker.io/{image}"
