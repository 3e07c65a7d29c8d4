"""Images in the engine: their names; a pull that breaks off, is one too many, or has credentials of no use."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import tenacity
from docker.errors import ImageNotFound

from labkit.progress import Progress
from labkit.supply import credentials, images
from labkit.supply.images import NotPulled


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("kindest/node:v1.37.0", ("kindest/node", "v1.37.0")),
        ("127.0.0.1:5000/kindest/node:v1.37.0", ("127.0.0.1:5000/kindest/node", "v1.37.0")),
        ("127.0.0.1:5000/kindest/node", ("127.0.0.1:5000/kindest/node", "latest")),
        ("python", ("python", "latest")),
    ],
)
def test_a_name_is_split_at_its_tag(name: str, split: tuple[str, str]) -> None:
    assert images.split_tag(name) == split


def test_containers_of_another_cache_folder_are_not_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = images.building_name("node")
    monkeypatch.setenv("LABS_CACHE", "/elsewhere")
    assert not ours.startswith(images.building_name(""))


class Registry:
    """Answers one pull after another, the last answer for ever; None is an image."""

    def __init__(self, *answers: str | None) -> None:
        self.answers = list(answers)
        self.logins: list[object] = []

    def once(self, _name: str, login: object) -> None:
        self.logins.append(login)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer:
            raise NotPulled(answer)


def pulled(monkeypatch: pytest.MonkeyPatch, registry: Registry, progress: Progress) -> None:
    monkeypatch.setattr(images, "WAIT", tenacity.wait_none())
    monkeypatch.setattr(images, "_once", registry.once)
    images.pull("python:3.13", progress)


@pytest.mark.parametrize(
    "words",
    [
        "toomanyrequests: You have reached your pull rate limit.",
        "unknown: failed to resolve reference: unexpected status from HEAD request: 429 Too Many Requests",
        "error pulling image configuration: download failed after attempts=6: unexpected EOF",
        "short read: expected 7000 bytes but got 1000: unexpected EOF",
        "received unexpected HTTP status: 503 Service Unavailable",
        "read tcp 10.0.0.1:41234->10.0.0.2:443: read: connection reset by peer",
        "net/http: TLS handshake timeout",
    ],
)
def test_what_passes_is_tried_again_and_told(
    monkeypatch: pytest.MonkeyPatch, progress: Progress, lines: list[str], words: str
) -> None:
    monkeypatch.setattr(credentials, "of_image", lambda _: None)
    registry = Registry(words, words, None)
    pulled(monkeypatch, registry, progress)
    assert len(registry.logins) == 3
    assert len([line for line in lines if words in line and "trying again in 0 s" in line]) == 2


@pytest.mark.parametrize(
    "words",
    [
        "manifest unknown",
        "dial tcp 10.0.0.2:443: i/o timeout",
        "dial tcp: lookup registry.example on 10.0.0.53:53: read udp: i/o timeout",
        "dial tcp 127.0.0.1:1: connect: connection refused",
        "unauthorized: authentication required",
    ],
)
def test_what_stays_as_it_is_is_tried_once(monkeypatch: pytest.MonkeyPatch, progress: Progress, words: str) -> None:
    monkeypatch.setattr(credentials, "of_image", lambda _: None)
    registry = Registry(words)
    with pytest.raises(NotPulled, match=words.split(":", maxsplit=1)[0]):
        pulled(monkeypatch, registry, progress)
    assert registry.logins == [None]


def test_patience_ends(monkeypatch: pytest.MonkeyPatch, progress: Progress) -> None:
    monkeypatch.setattr(credentials, "of_image", lambda _: None)
    monkeypatch.setattr(images, "PATIENCE_S", 0)
    with pytest.raises(NotPulled, match="429"):
        pulled(monkeypatch, Registry("429 Too Many Requests"), progress)


def test_an_image_that_is_one_too_many_is_told_as_that() -> None:
    told = images._told("error: 429\nToo Many Requests")
    assert told == (
        "the registry lets this address pull no more for now, docker login or an hour raises the limit:"
        " error: 429 Too Many Requests"
    )


def test_credentials_that_cannot_be_had_are_done_without(
    monkeypatch: pytest.MonkeyPatch, progress: Progress, lines: list[str]
) -> None:
    def fail(_: str) -> None:
        raise credentials.Unusable("config.json names credentials that cannot be had (there is no helper)")

    monkeypatch.setattr(credentials, "of_image", fail)
    registry = Registry(None)
    pulled(monkeypatch, registry, progress)
    assert registry.logins == [None]
    (line,) = lines
    assert line.endswith("(there is no helper): pulling python:3.13 without")


def test_credentials_that_the_registry_does_not_take_are_done_without(
    monkeypatch: pytest.MonkeyPatch, progress: Progress, lines: list[str]
) -> None:
    login = {"username": "me", "password": "old"}
    monkeypatch.setattr(credentials, "of_image", lambda _: login)
    registry = Registry("unauthorized: incorrect username or password", None)
    pulled(monkeypatch, registry, progress)
    assert registry.logins == [login, None]
    assert "does not take what docker login has left" in lines[0]


class Engine:
    """Stands for the engine's images: what is named when, and what is removed."""

    def __init__(self, **named: str) -> None:
        self.named = {f"localhost:1/labs/node:{tag}": at for tag, at in named.items()}
        self.touched: list[str] = []
        self.client = SimpleNamespace(images=self)

    def get(self, name: str) -> SimpleNamespace:
        if name not in self.named:
            raise ImageNotFound("no such image")
        tag = lambda repository, tag: self.touched.append(f"{repository}:{tag}")  # noqa: E731
        return SimpleNamespace(tag=tag)

    def list(self, *_: object, **__: object) -> list[SimpleNamespace]:
        return [
            SimpleNamespace(tags=[name], attrs={"Metadata": {"LastTagTime": at}}) for name, at in self.named.items()
        ]

    def remove(self, name: str) -> None:
        del self.named[name]


def test_what_another_checkout_has_made_stays_while_it_is_used() -> None:
    now = datetime.now(UTC)
    old, lately = ((now - timedelta(days=days)).isoformat() for days in (8, 6))
    engine: Any = Engine(ours=lately, theirs=lately, nobodys=old)
    images.remove_superseded(engine, "localhost:1/labs/node:ours")
    assert engine.named.keys() == {"localhost:1/labs/node:ours", "localhost:1/labs/node:theirs"}


def test_who_finds_an_image_of_ours_uses_it() -> None:
    engine: Any = Engine(ours="2026-11-29T16:37:30Z")
    assert images.has_image(engine, "localhost:1/labs/node:ours")
    assert not images.has_image(engine, "localhost:1/labs/node:gone")
    assert engine.touched == ["localhost:1/labs/node:ours"]


@pytest.mark.parametrize(("named", "gone"), [("2026-11-22T16:37:30.649815892Z", True), ("2026-11-22T17:37:30Z", False)])
def test_an_image_of_another_checkout_goes_when_nobody_has_asked_for_it_for_a_week(named: str, gone: bool) -> None:
    now = datetime(2026, 11, 29, 17, 0, tzinfo=UTC)
    assert images.unused({"Metadata": {"LastTagTime": named}}, now) is gone
