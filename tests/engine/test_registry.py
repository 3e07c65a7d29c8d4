"""The pull path against a real registry on loopback: Debian's docker-registry, for as long as these tests run."""

from __future__ import annotations

import contextlib
import hashlib
import http.server
import json
import shutil
import socket
import subprocess
import threading
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import tenacity
from docker.errors import ImageNotFound

from labkit import sample_images
from labkit.progress import Progress
from labkit.supply import apt, archives, engine, images, kind, providing, python_base, versions
from labkit.supply.archives import Entry
from labkit.supply.engine import Engine
from labkit.supply.versions import Version
from labkit.trouble import CannotRun

pytestmark = pytest.mark.engine

ALL = versions.read()

NOWHERE = "sha256:" + "0" * 64

CONTAINER = "application/vnd.docker.container"
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


@pytest.fixture(scope="module")
def running_engine() -> Engine:
    """The engine of this machine."""
    return engine.ensure(Progress())


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A registry of our own: its address, 127.0.0.1 and a port. The engine takes loopback without TLS."""
    if shutil.which("docker-registry") is None:
        if not apt.usable():
            pytest.exit("no registry: install docker-registry, or run as root on Debian", returncode=1)
        apt.install(["docker-registry"], Progress())
    folder = tmp_path_factory.mktemp("registry")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    config = folder / "config.yml"
    config.write_text(
        "version: 0.1\nlog: {accesslog: {disabled: true}, level: error}\n"
        f"storage: {{filesystem: {{rootdirectory: {folder}/data}}}}\nhttp: {{addr: '{address}'}}\n"
    )
    process = subprocess.Popen(["docker-registry", "serve", config], stderr=subprocess.DEVNULL)
    try:
        _until_it_answers(address)
        yield address
    finally:
        process.terminate()
        process.wait(10)


@tenacity.retry(stop=tenacity.stop_after_delay(20), wait=tenacity.wait_fixed(0.1), reraise=True)
def _until_it_answers(address: str) -> None:
    with urllib.request.urlopen(f"http://{address}/v2/", timeout=5):
        pass


@pytest.fixture(scope="module")
def published(registry: str, running_engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Version]:
    """A tiny image under a node image's name, in the registry and not in the engine: its tag and digest."""
    tar = tmp_path_factory.mktemp("tiny") / "root.tar"
    with tar.open("wb") as file:
        archives.write_tar(file, [Entry("kind/version", b"v1.37.0")])
    name = f"{registry}/kindest/node"
    client = running_engine.client
    images.import_root(running_engine, tar, f"{name}:v1.37.0", [])
    try:
        told = list(client.api.push(name, tag="v1.37.0", stream=True, decode=True))
        (digest,) = (event["aux"]["Digest"] for event in told if "aux" in event)
        client.images.remove(f"{name}:v1.37.0")
        yield Version("v1.37.0", digest, source="v1.37.99")  # which nobody has built
    finally:
        for left in (f"{name}:v1.37.0", f"{name}@{digest}"):
            with contextlib.suppress(ImageNotFound):
                client.images.remove(left)


@pytest.fixture
def built(registry: str, published: Version, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """Point the supply at this registry, and note what it would build instead of building it."""
    tried: list[str] = []

    def build(*_: Any) -> Any:
        tried.append("build")
        return SimpleNamespace(finish=lambda: "labs/node:built")

    monkeypatch.setenv("LABS_CACHE", str(tmp_path))  # so that these tests do not wait for a build that goes on
    monkeypatch.setenv("LABS_NODE_REPOSITORY", f"{registry}/kindest/node")
    monkeypatch.setattr(versions, "read", lambda: replace(ALL, kubernetes=(published,)))
    monkeypatch.setattr(providing._Run, "_node_build", build)
    monkeypatch.setattr(kind, "find", lambda *_: Path("/bin/kind"))
    monkeypatch.setattr(python_base, "find", lambda *_: "labs/python:1")
    monkeypatch.setattr(python_base, "provide", lambda *_: "labs/python:1")
    return tried


def test_an_image_is_pulled_by_digest_and_then_is_here(
    built: list[str], registry: str, published: Version, running_engine: Engine
) -> None:
    first = providing.provide("1.37", progress=Progress())
    assert first.node_image == f"{registry}/kindest/node:v1.37.0@{published.digest}"
    assert (first.kubernetes, first.origin) == ("v1.37.0", "pulled")
    assert images.has_image(running_engine, first.node_image)
    assert providing.provide("1.37", progress=Progress()).origin == "here"
    assert built == []


def test_a_tag_that_is_not_pinned_is_pulled_by_tag(registry: str, published: Version, running_engine: Engine) -> None:
    name = f"{registry}/kindest/node:{published.tag}"
    images.pull(name, Progress())
    assert images.has_image(running_engine, name)


@pytest.mark.parametrize("missing", [{"digest": NOWHERE}, {"tag": "v1.37.9", "digest": None}])
def test_what_the_registry_does_not_have_is_told_and_built(
    built: list[str], published: Version, monkeypatch: pytest.MonkeyPatch, missing: dict[str, Any]
) -> None:
    wanted = replace(published, **missing)
    monkeypatch.setattr(versions, "read", lambda: replace(ALL, kubernetes=(wanted,)))
    lines: list[str] = []
    given = providing.provide("1.37", progress=Progress(lines.append))
    assert (given.node_image, given.origin) == ("labs/node:built", "built")
    assert built == ["build"]
    (told,) = (line for line in lines if "not pulled" in line)
    assert "manifest" in told
    assert "unknown" in told
    with pytest.raises(CannotRun, match=r"could not be pulled .*manifest.* unknown"):
        providing.provide("1.37", nodes="pull", progress=Progress(lines.append))


def test_the_images_of_the_labs_are_pushed_by_the_names_that_nodes_pull(
    registry: str, published: Version, running_engine: Engine
) -> None:
    client = running_engine.client
    client.images.pull(f"{registry}/kindest/node:{published.tag}").tag("localhost:1/labs/web", "try")
    try:
        name = f"{registry}/team/web:try"
        names = {"localhost:1/labs/web:1": "localhost:1/labs/web:try"}
        assert sample_images.push(names, f"{registry}/team") == {"localhost:1/labs/web:1": name}
        assert not images.has_image(running_engine, name), "a name of the registry's is left in the engine"
        images.pull(name, Progress())
        with pytest.raises(CannotRun, match=r"127.0.0.1:1/web:try cannot be pushed"):
            sample_images.push(names, "127.0.0.1:1")
    finally:
        for left in (
            "localhost:1/labs/web:try",
            f"{registry}/team/web:try",
            f"{registry}/kindest/node:{published.tag}",
        ):
            with contextlib.suppress(ImageNotFound):
                client.images.remove(left)


def test_a_registry_that_is_not_there_is_told(built: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABS_NODE_REPOSITORY", "127.0.0.1:1/kindest/node")
    with pytest.raises(CannotRun, match=r"could not be pulled .*connection refused"):
        providing.provide("1.37", nodes="pull", progress=Progress())
    assert built == []


class Busy(http.server.BaseHTTPRequestHandler):
    """A registry that is asked too often, or whose images break off, by the repository that is asked for."""

    default_request_version = "HTTP/1.1"  # so that an engine that tries TLS first is told that this is none

    def do_GET(self) -> None:
        many, layers = self.path.startswith("/v2/many/"), "/blobs/" in self.path
        manifest = json.dumps(
            {
                "schemaVersion": 2,
                "mediaType": MANIFEST,
                "config": {"mediaType": f"{CONTAINER}.image.v1+json", "size": 100, "digest": NOWHERE},
                "layers": [],
            }
        )
        body = b"x" if layers else b"{}" if many or self.path == "/v2/" else manifest.encode()
        self.send_response(429 if many else 200)
        self.send_header("Content-Type", MANIFEST)
        self.send_header("Docker-Content-Digest", f"sha256:{hashlib.sha256(body).hexdigest()}")
        self.send_header("Content-Length", "100" if layers else str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def do_HEAD(self) -> None:
        self.do_GET()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.mark.parametrize(
    ("repository", "told"),
    [
        ("many", "the registry lets this address pull no more for now.*"),
        ("cut", "unexpected EOF|failed size|short read"),
    ],
)
@pytest.mark.usefixtures("running_engine")
def test_a_pull_that_fails_for_now_is_tried_again_whatever_the_engine_calls_it(
    repository: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[str] = []
    monkeypatch.setattr(images, "WAIT", tenacity.wait_none())
    monkeypatch.setattr(images, "PATIENCE_S", 1)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Busy) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        with pytest.raises(images.NotPulled, match=told):
            images.pull(f"127.0.0.1:{server.server_address[1]}/{repository}/image:1", Progress(lines.append))
        server.shutdown()
    assert repository == "cut" or any("trying again in" in line for line in lines)  # the engine tries long by itself


def test_a_registry_that_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "_QUIET_S", 2)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        name = f"127.0.0.1:{mute.getsockname()[1]}/kindest/node:v1.37.0"
        with pytest.raises(images.NotPulled, match="nothing was heard of it for 2 s"):
            images.pull(name, Progress())
