"""The labs' own images: built from images/ on the engine that runs the cluster, saved to be loaded onto its nodes."""

from __future__ import annotations

import ast
import contextlib
import hashlib
import os
import re
import stat
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import IO, Any

import docker
import requests
from docker.errors import APIError, DockerException, ImageNotFound
from docker.utils.build import exclude_paths

from labkit.environment import proxies
from labkit.manifests import naming
from labkit.manifests.naming import Names
from labkit.paths import ROOT
from labkit.progress import Progress
from labkit.supply import credentials, endpoint, images
from labkit.supply.cache import KEY_LENGTH, alone
from labkit.trouble import CannotRun, unwritable

CONTENT_LABEL = "labs.content"
"""On our images, with their names, and on the stages that build them."""

READ_TIMEOUT_S = 600
"""Seconds without a byte before the engine is given up; a quiet step like pip's takes a minute on a busy machine."""

TOLD_LINES = 6
TOLD_CHARACTERS = 600
"""How much of a failed step its sentence quotes: pip's and Python's last words fit."""


@dataclass(frozen=True)
class Image:
    """An image of this project, and the folder that is its build context."""

    name: str
    """What manifests and lines call it; its tag is never `latest`."""
    context: Path
    on_nodes: bool
    """Whether Pods of the labs run it. Loading costs each new cluster's nodes 0.1 s and more a megabyte."""

    def made_of(self, content: str) -> str:
        """Name the image that is made of that content: whoever has another one on the same engine keeps it."""
        return f"{self.name.rpartition(':')[0]}:{content}"


IMAGES = (
    Image(naming.WEB, ROOT / "images" / "web", on_nodes=True),
    Image(f"{naming.OURS}/guitar-practice:1", ROOT / "images" / "guitar-practice", on_nodes=False),
)


def build(python_base: str, progress: Progress, wanted: Sequence[Image] = IMAGES) -> Names:
    """Build images on that Python base, side by side, but for those that are there; give their names.

    Raises: CannotRun, with the failing step's last words and what to do.
    """
    with (
        alone("images", progress, "another run is building the images"),
        _answering(),
        contextlib.closing(endpoint.connect(READ_TIMEOUT_S)) as client,
    ):
        try:
            base = client.images.get(python_base)
        except ImageNotFound as error:
            raise CannotRun(f"there is no image {python_base} to build on: run `nox -s supply`") from error
        tags = {image: image.made_of(content_hash(image.context, str(base.id))) for image in wanted}
        if missing := [image for image in wanted if not _is_there(client, tags[image])]:
            arguments = {"PYTHON": python_base, **build_arguments(os.environ, _pip_configuration())}
            _side_by_side(partial(_build, client, image, tags[image], arguments, progress) for image in missing)
            _clean(client, keep=tags.values())
    return {image.name: tag for image, tag in tags.items()}


def on_nodes(names: Names) -> Names:
    """Give of the images' names those of the images that Pods run."""
    return {image.name: names[image.name] for image in IMAGES if image.on_nodes}


def save(tags: Sequence[str], path: Path) -> None:
    """Save the images with their names in one archive, whole or not at all; layers they share are in it once.

    Raises: CannotRun when the engine lacks one of them or the disk is full.
    """
    unfinished = path.with_name(f"{path.name}.part")
    try:
        with _answering(), contextlib.closing(endpoint.connect(READ_TIMEOUT_S)) as client:
            for tag in tags:
                client.images.get(tag)
            # Image.save() knows one image only.
            answer = client.api.get(f"{client.api.base_url}/images/get", params={"names": tags}, stream=True)
            answer.raise_for_status()
            with unfinished.open("wb") as archive:
                for part in answer.iter_content(1024 * 1024):
                    archive.write(part)
        unfinished.replace(path)
    except OSError as error:
        raise unwritable(path, error, move="set LABS_CACHE to another folder") from error
    finally:
        unfinished.unlink(missing_ok=True)


def push(names: Names, registry: str) -> Names:
    """Push the images to a registry (host/path), with the credentials of `docker login`; give their names there.

    Raises: CannotRun when the registry does not take them.
    """
    pushed = {}
    with _answering(), contextlib.closing(endpoint.connect(READ_TIMEOUT_S)) as client:
        for said, tag in names.items():
            name = f"{registry}/{tag.rpartition('/')[2]}"
            repository, _, version = name.rpartition(":")
            client.images.get(tag).tag(repository, version)
            try:
                login = credentials.of_image(name)
                for message in client.api.push(repository, tag=version, stream=True, decode=True, auth_config=login):
                    if "error" in message:
                        raise CannotRun(
                            f"{name} cannot be pushed: {message['error']}; `docker login` gives credentials"
                        )
            except credentials.Unusable as why:
                raise CannotRun(f"{name} cannot be pushed: {why}; mend it, or docker login anew") from why
            finally:
                client.images.remove(name)  # the name alone: the image has its own
            pushed[said] = name
    return pushed


def content_hash(context: Path, base_id: str) -> str:
    """Give what an image is made of in hexadecimal digits: every file that its context sends, and its base."""
    digest = hashlib.sha256(base_id.encode())
    for name, path in _sent(context).items():
        digest.update(f"\0{name}\0{path.stat().st_size}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:KEY_LENGTH]


def _sent(context: Path) -> dict[str, Path]:
    """Give the files that a build context sends by their names in it, in their order."""
    ignore = context / ".dockerignore"
    patterns = ignore.read_text(encoding="utf-8").splitlines() if ignore.exists() else []
    named = {name: context / name for name in sorted(exclude_paths(str(context), patterns))}
    return {name: path for name, path in named.items() if path.is_file()}


def pack(context: Path, file: IO[bytes]) -> None:
    """Write a build context as the engine takes it. Its files are root's and for everybody to read.

    Whose they are here, and with which umask they were cloned, is nothing that an image should know.
    """
    with tarfile.open(fileobj=file, mode="w") as archive:
        for name, path in _sent(context).items():
            info = archive.gettarinfo(str(path), name)
            info.mode = 0o755 if info.mode & stat.S_IXUSR else 0o644
            info.uid = info.gid = 0
            info.uname = info.gname = ""
            with path.open("rb") as content:
                archive.addfile(info, content)


def build_arguments(outer: Mapping[str, str], pip_configuration: str) -> dict[str, str]:
    """Give the build arguments that let pip reach in the build what it reaches here.

    outer: proxies and pip's variables; pip_configuration: what `pip config list` prints. Files of this machine
    (find-links, cert) mean nothing in a build and are left out.
    """
    # Without ALL_PROXY: where it names a SOCKS proxy, the pip of a base image ends.
    arguments = {name: value for name, value in proxies(outer).items() if name.upper() != "ALL_PROXY"}
    for line in pip_configuration.splitlines():
        if found := re.fullmatch(
            r"(?:global|install|:env:)\.(index-url|extra-index-url|trusted-host)=('.*'|\".*\")", line
        ):
            arguments[f"PIP_{found[1].replace('-', '_').upper()}"] = " ".join(str(ast.literal_eval(found[2])).split())
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_TRUSTED_HOST"):
        if value := outer.get(name):
            arguments[name] = value
    return arguments


def failure(tag: str, step: str, output: Iterable[str]) -> str:
    """Give the sentence for a build that failed: what happened in the step's last words, and what to do."""
    lines = [" ".join(_COLOUR.sub("", line).split()) for line in output]
    lines = [line for line in lines if line and not line.startswith(_CHATTER)]
    words = " | ".join(lines[-TOLD_LINES:])[-TOLD_CHARACTERS:] or "the engine gave no reason"
    for pattern, advice in _ADVICE:
        if any(re.search(pattern, line) for line in lines):
            return f"cannot build {tag}: {advice} ({words})"
    return f"cannot build {tag}: {step} failed: {words}"


_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_CHATTER = ("Removing intermediate container", "---> ", "The command ")
"""How lines begin that say nothing about a failure; the last one repeats the whole step."""

_ADVICE = (
    (
        r"CERTIFICATE_VERIFY_FAILED|SSLError",
        "pip in the build does not trust the package index: build on a base with its CA, or set PIP_TRUSTED_HOST",
    ),
    (
        r"NewConnectionError|NameResolutionError|ConnectTimeout|Max retries|ProxyError|Network is unreachable"
        r"|\(from versions: none\)",
        "pip in the build cannot get the packages: see that PyPI can be reached, or set PIP_INDEX_URL to another index",
    ),
    (r"[Nn]o space left on device", "the engine's disk is full: `docker system prune` frees what nothing uses"),
)
"""What to do about a failed step, by what its lines match."""


def _build(client: docker.DockerClient, image: Image, tag: str, arguments: dict[str, str], progress: Progress) -> None:
    begun = time.monotonic()
    with tempfile.TemporaryFile() as file:
        pack(image.context, file)
        file.seek(0)
        stream = client.api.build(
            fileobj=file,
            custom_context=True,
            tag=tag,
            buildargs=arguments,
            labels={CONTENT_LABEL: tag},
            rm=True,
            forcerm=True,
            decode=True,
            # A proxy or an index on this machine's loopback is then reached from the build as well.
            network_mode="host",
        )
        _follow(image.name, stream, progress)
    progress.say(f"{image.name} is built, in {time.monotonic() - begun:.0f} s")


def _follow(tag: str, stream: Iterable[dict[str, Any]], progress: Progress) -> None:
    """Show the steps of a build, and raise CannotRun when one fails."""
    step, output = "the start", list[str]()
    for message in stream:
        text = str(message.get("stream", ""))
        if begins := re.match(r"Step (\d+)/(\d+) : (.*)", text):
            step, output = f"step {begins[1]}, {' '.join(begins[3].split())[:60]}", []
            progress.step(f"building {tag}", share=(int(begins[1]) - 1) / int(begins[2]))
        else:
            output += text.splitlines()
        if "error" in message:
            raise CannotRun(failure(tag, step, [*output, str(message["error"])]))


def _is_there(client: docker.DockerClient, tag: str) -> bool:
    """Tell whether there is an image of that name, and keep it from being cleared away as one that nobody uses."""
    try:
        image = client.images.get(tag)
    except ImageNotFound:
        return False
    image.tag(*images.split_tag(tag))
    return True


def _clean(client: docker.DockerClient, keep: Collection[str]) -> None:
    """Remove the stages that built new images, and images of another content that are unused."""
    with contextlib.suppress(APIError):  # someone else is cleaning just now, and does this too
        client.images.prune(filters={"dangling": True, "label": CONTENT_LABEL})
    for image in client.images.list(filters={"label": CONTENT_LABEL}):
        if images.unused(image.attrs, datetime.now(UTC)):
            for tag in {tag for tag in image.tags if tag.startswith(f"{naming.OURS}/")}.difference(keep):
                with contextlib.suppress(APIError):  # a container runs it
                    client.images.remove(tag)


def _pip_configuration() -> str:
    """Give pip's settings from its files, wherever they are; nothing where this Python has no pip."""
    listing = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False
    )
    return listing.stdout if listing.returncode == 0 else ""


def _side_by_side(jobs: Iterable[Callable[[], None]]) -> None:
    """Do all jobs at once, in threads that an interrupted run need not wait for; raise what a failing one raised."""

    def do(job: Callable[[], None], done: Future[None]) -> None:
        try:
            job()
            done.set_result(None)
        except BaseException as error:
            done.set_exception(error)

    results = []
    for job in jobs:
        results.append(Future[None]())
        threading.Thread(target=do, args=(job, results[-1]), daemon=True).start()
    for result in results:
        result.result()


@contextlib.contextmanager
def _answering() -> Iterator[None]:
    """Turn what goes wrong between this process and the engine into one sentence. Raises: CannotRun."""
    try:
        yield
    except (DockerException, requests.RequestException) as error:
        why = error.explanation if isinstance(error, APIError) and error.explanation else error
        raise CannotRun(f"the container engine did not do what was asked of it: {why}") from error
