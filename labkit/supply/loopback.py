"""Whether this process and the container engine share 127.0.0.1, where kind's API servers and labs' ports are.

They do not where an engine is on another machine, or its socket was put into a container that this runs in.
"""

from __future__ import annotations

import contextlib
import secrets
import socket
from ipaddress import ip_network

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


def refuse_elsewhere() -> None:
    """Refuse an engine on another machine before anything is made for it. Raises: CannotRun."""
    way = endpoint.chosen()
    if way.machine and not is_here(way.machine):
        raise CannotRun(
            f"the container engine of {way.named} is another machine, and clusters are reached at its 127.0.0.1:"
            " run this on that machine, or choose the engine of this one"
        )


def need(engine: Engine, image: str) -> None:
    """See that what the engine publishes at 127.0.0.1 is reached here; `image` has a Python. Raises: CannotRun."""
    if not _beside(engine) and not _reached(engine, image):
        named = endpoint.chosen().named
        raise CannotRun(
            f"127.0.0.1 here is not that of the container engine{f' of {named}' if named else ''}, at which clusters"
            " are reached: run this where the engine runs; in a container, start that with --network=host"
        )


def _beside(engine: Engine) -> bool:
    """Tell whether the engine's own bridge is one of the interfaces here; false where that is not known."""
    if endpoint.chosen().machine:
        return False  # an engine in a container has a bridge of the same address as this machine's own
    with contextlib.suppress(APIError):
        pools = engine.client.networks.get("bridge").attrs["IPAM"]["Config"] or []
        # Engines before 23.0 do not tell a gateway that nobody has set; it is the first address then.
        gateways = {str(pool.get("Gateway") or next(ip_network(pool["Subnet"]).hosts())) for pool in pools}
        return bool(gateways & own_addresses())
    return False


def _reached(engine: Engine, image: str) -> bool:
    """Have a container publish a secret at 127.0.0.1, and tell whether it is heard here; true where it says none."""
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
        return bool(heard(_hear, int(published.get("HostPort", 0)))) or not _says(container, secret)
    finally:
        with contextlib.suppress(NotFound):
            container.remove(force=True, v=True)


def _says(container: Container, secret: str) -> bool:
    """Tell whether the server is there for whoever is in its container."""
    ask = f"import socket; print(socket.create_connection(('127.0.0.1', {_PORT})).recv(100).decode())"
    with contextlib.suppress(APIError):
        return secret.encode() in (container.exec_run(["python3", "-c", ask]).output or b"")
    return False


def _hear(port: int) -> str:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as asked:
            return asked.recv(100).decode(errors="replace")
    except OSError:
        return ""
