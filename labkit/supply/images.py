"""Images in the engine: found by name, imported from a tar, pulled by digest, cleared away when superseded."""

from __future__ import annotations

import contextlib
import json
import queue
import re
import threading
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import tenacity
from docker.errors import APIError, ImageNotFound, NotFound

from labkit.manifests import naming
from labkit.paths import cache_dir
from labkit.progress import Progress
from labkit.supply import credentials, endpoint
from labkit.supply.cache import key_of
from labkit.supply.engine import READ_TIMEOUT_S, Engine
from labkit.trouble import CannotRun

LABEL_KEY = "labs.recipe"
"""Label of every image that is made here: the key of everything that made it."""

_QUIET_S = 60
"""Seconds without any news from a pull before it is given up; the engine itself gives up connecting after some 30."""


PATIENCE_S = 90
"""Seconds in which a pull that broke off, or was one too many, is tried again; what would be built takes 15 minutes."""

WAIT = tenacity.wait_exponential(multiplier=3, max=30)

_TOO_MANY = re.compile(r"\b429\b|too ?many ?requests|rate limit", re.IGNORECASE)
_BROKEN_OFF = re.compile(
    r"unexpected EOF|connection reset|broken pipe|handshake timeout|Client\.Timeout|deadline exceeded|\b50[0234]\b"
    r"|unavailable|bad gateway|closed network connection|http2: |i/o timeout|failed size validation|short read",
    re.IGNORECASE,
)
_OUT_OF_REACH = re.compile(r"dial tcp|lookup |no such host|proxyconnect")
_REFUSED = re.compile(r"unauthorized|denied|incorrect username|authentication required|\b40[13]\b", re.IGNORECASE)
"""Words of registries, and of Go's network in front of them."""


class NotPulled(Exception):
    """An image could not be pulled; the message is the engine's reason."""


UNUSED = timedelta(days=7)
"""How long an image of ours is kept that no run has asked for: another checkout's or another user's may be in use."""


def has_image(engine: Engine, name: str) -> bool:
    """Tell whether the engine has an image by this name, tag or digest; one of ours is known as used from then on."""
    try:
        image = engine.client.images.get(name)
    except ImageNotFound:
        return False
    if name.startswith(f"{naming.OURS}/"):
        image.tag(*split_tag(name))
    return True


def unused(image: Mapping[str, Any], now: datetime) -> bool:
    """Tell of what the engine says of an image whether it was neither made nor named again by a run for UNUSED.

    With containerd's store the engine keeps the time of the first naming: such an image is made anew once a week.
    """
    return now - datetime.fromisoformat(image["Metadata"]["LastTagTime"]) > UNUSED


def import_root(engine: Engine, tar: Path, name: str, changes: list[str]) -> None:
    """Make an image with one layer out of a tar of its files; `changes` are lines of a Dockerfile.

    Raises: CannotRun with the engine's reason.
    """
    repository, tag = split_tag(name)
    answer = engine.client.api.import_image(str(tar), repository=repository, tag=tag, changes=changes)
    for line in answer.splitlines():
        if reason := json.loads(line).get("error"):
            raise CannotRun(f"the engine did not take the image {name}: {reason}")


def pull(name: str, progress: Progress) -> None:
    """Pull one image by tag, or by digest (then a tag before it is decoration); the engine checks a digest.

    What passes is waited out for PATIENCE_S. Credentials of the user's that cannot be had, or that the registry
    does not take, are told and done without: public images need none.

    Raises: NotPulled, with the registry's or the engine's own words, or when nothing was heard for a while.
    """
    try:
        login = credentials.of_image(name)
    except credentials.Unusable as why:
        progress.say(f"{why}: pulling {name} without")
        login = None
    try:
        _patiently(name, login, progress)
    except NotPulled as refusal:
        if login is None or not _REFUSED.search(str(refusal)):
            raise
        progress.say(f"the registry does not take what docker login has left ({refusal}): pulling {name} without")
        _patiently(name, None, progress)


def _patiently(name: str, login: dict[str, str] | None, progress: Progress) -> None:
    def tell(state: tenacity.RetryCallState) -> None:
        assert state.outcome
        progress.say(f"{state.outcome.exception()}: trying again in {state.upcoming_sleep:.0f} s")

    tenacity.Retrying(
        retry=tenacity.retry_if_exception(lambda error: isinstance(error, NotPulled) and passes(str(error))),
        wait=WAIT,
        stop=tenacity.stop_after_delay(PATIENCE_S),
        before_sleep=tell,
        reraise=True,
    )(_once, name, login)


def passes(words: str) -> bool:
    """Tell whether what kept an image from being pulled may be over soon; who cannot be reached stays so."""
    return bool(_TOO_MANY.search(words) or _BROKEN_OFF.search(words)) and not _OUT_OF_REACH.search(words)


def _once(name: str, login: dict[str, str] | None) -> None:
    events: queue.Queue[dict[str, Any] | Exception | None] = queue.Queue()
    # The client has no limit for a pull, and cannot be stopped in one: it is listened to from here.
    threading.Thread(target=_listen, args=(name, login, events), daemon=True).start()
    while True:
        try:
            event = events.get(timeout=_QUIET_S)
        except queue.Empty:
            raise NotPulled(f"nothing was heard of it for {_QUIET_S} s") from None
        if event is None:
            return
        if isinstance(event, APIError):
            raise NotPulled(_told(event.explanation or event)) from event
        if isinstance(event, Exception):
            raise NotPulled(_told(event)) from event
        if reason := event.get("error"):
            raise NotPulled(_told(reason))


def _listen(name: str, login: dict[str, str] | None, events: queue.Queue[dict[str, Any] | Exception | None]) -> None:
    """Pull, and hand on what the engine tells, at last None or what went wrong."""
    tagged, _, digest = name.partition("@")
    repository, tag = split_tag(tagged)
    try:
        # images.pull hides errors that come in the stream, so the stream itself is read.
        api = endpoint.connect(READ_TIMEOUT_S).api
        for event in api.pull(repository, tag=digest or tag, stream=True, decode=True, auth_config=login):
            events.put(event)
        events.put(None)
    except Exception as error:
        events.put(error)


def _told(words: object) -> str:
    said = " ".join(str(words).split())
    if _TOO_MANY.search(said):
        return f"the registry lets this address pull no more for now, docker login or an hour raises the limit: {said}"
    return said


def split_tag(name: str) -> tuple[str, str]:
    """Split a name without digest into repository and tag; the colon of a registry's port is no tag's.

    The tag is "latest" where none is given, as everywhere in Docker.
    """
    repository, colon, tag = name.rpartition(":")
    return (repository, tag) if colon and "/" not in tag else (name, "latest")


def building_name(what: str) -> str:
    """Name a container that exists only while an image is made in it.

    Its name tells, not a label: an image keeps the labels of the container that it is made from, and gives them to
    its own containers. Runs with another cache folder do not wait for this one, so their containers are not ours.
    """
    return f"labs-building-{key_of(str(cache_dir()))}-{what}"


def remove_leftovers(engine: Engine) -> None:
    """Remove the containers in which a killed run was making an image; to be called by who works here alone."""
    for container in engine.client.containers.list(all=True, filters={"name": f"^/?{building_name('')}"}):
        with contextlib.suppress(NotFound):
            container.remove(force=True, v=True)


def remove_superseded(engine: Engine, keep: str, labels: Iterable[str] = ()) -> None:
    """Remove the other images of `keep`'s repository that are ours and have these labels, and that nobody uses."""
    repository, _ = split_tag(keep)
    filters: dict[str, Any] = {"label": [LABEL_KEY, *labels]}
    for image in engine.client.images.list(repository, filters=filters):
        for tag in image.tags if unused(image.attrs, datetime.now(UTC)) else ():
            if tag != keep and tag.startswith(f"{repository}:"):
                with contextlib.suppress(APIError):
                    engine.client.images.remove(tag)
