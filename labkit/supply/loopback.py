"""Whether this process and the container engine share 127.0.0.1, where kind's API servers and labs' ports are.

They do not where an engine is on another machine, or its socket was put into a container that this runs in.
"""

from __future__ import annotations

import contextlib
import secrets
import socket
from pathlib import Path

import tenacity
from docker.errors import APIError, NotFound
from docker.models.containers import Container

from labkit.addresses import is_here, own_addresses
from labkit.supply import endpoint, images
from labkit.supply.engine import Engine
from labkit.trouble import CannotRun

ANSWERS_S = 10
"""Seconds for a container to start and answer; it took 1."""

_PORT = 8080

_SERVER = """
import socket, sys
with socket.create_server(("", {port})) as server:
    while True:
        with server.accept()[0] as asked:
            asked.sendall(sys.argv[1].encode())
"""

_MARKS = (Path("/.dockerenv"), Path("/run/.containerenv"))
"""What tells a process that it runs in a container, of Docker's and of Podman's."""


def refuse_elsewhere(engine: Engine) -> None:
    """Refuse an engine whose 127.0.0.1 is surely another one, before anything is made for it. Raises: CannotRun."""
    way = endpoint.chosen()
    if way.machine and not is_here(way.machine):
        raise CannotRun(
            f"the container engine of {way.named} is another machine, and clusters are reached at its 127.0.0.1:"
            " run this on that machine, or choose the engine of this one"
        )
    if any(mark.exists() for mark in _MARKS) and not _beside(engine):
        raise _elsewhere(way)


def need(engine: Engine, image: str) -> None:
    """See that what the engine publishes at 127.0.0.1 is reached here; `image` has a Python. Raises: CannotRun."""
    if not _beside(engine) and not _reached(engine, image):
        raise _elsewhere(endpoint.chosen())


def _elsewhere(way: endpoint.Endpoint) -> CannotRun:
    return CannotRun(
        f"127.0.0.1 is not the container engine's here ({way.named or 'the socket of another network'}), and clusters"
        " are reached there: run this where the engine runs; in a container, start that with --network=host"
    )


def _beside(engine: Engine) -> bool:
    """Tell whether the engine's own bridge is one of the interfaces here; false where that is not known."""
    if endpoint.chosen().machine:
        return False  # an engine in a container has a bridge of the same address as this machine's own
    with contextlib.suppress(APIError):
        pools = engine.client.networks.get("bridge").attrs["IPAM"]["Config"] or []
        return bool({str(pool.get("Gateway")) for pool in pools} & own_addresses())
    return False


def _reached(engine: Engine, image: str) -> bool:
    """Have a container publish a secret at 127.0.0.1, and look whether it is heard here."""
    secret = secrets.token_hex(8)
    container: Container = engine.client.containers.create(
        image,
        command=["-c", _SERVER.format(port=_PORT), secret],
        entrypoint=["python3"],
        name=f"{images.building_name('loopback')}-{secret}",
        ports={f"{_PORT}/tcp": ("127.0.0.1", 0)},
    )
    try:
        container.start()
        container.reload()
        published = (container.ports.get(f"{_PORT}/tcp") or [{}])[0]
        heard = tenacity.Retrying(
            retry=tenacity.retry_if_result(lambda words: words != secret),
            wait=tenacity.wait_fixed(0.2),
            stop=tenacity.stop_after_delay(ANSWERS_S),
            retry_error_callback=lambda _: "",
        )
        return bool(heard(_hear, int(published.get("HostPort", 0))))
    finally:
        with contextlib.suppress(NotFound):
            container.remove(force=True, v=True)


def _hear(port: int) -> str:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as asked:
            return asked.recv(100).decode(errors="replace")
    except OSError:
        return ""
