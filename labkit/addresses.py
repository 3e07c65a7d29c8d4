"""Which names and addresses are this machine's own."""

from __future__ import annotations

import contextlib
import socket
from ipaddress import ip_address

import psutil


def is_loopback(host: str) -> bool:
    """Tell whether a name or an address is this machine's own loopback."""
    with contextlib.suppress(ValueError):
        return ip_address(host.strip("[]")).is_loopback
    return host == "localhost"


def is_here(machine: str) -> bool:
    """Tell whether a name or an address is one of this machine's."""
    if is_loopback(machine):
        return True
    try:
        theirs = {str(found[4][0]) for found in socket.getaddrinfo(machine, None)}
    except OSError:
        return False
    return bool(theirs & own_addresses())


def own_addresses() -> set[str]:
    """Give the addresses of this machine, as this process sees it."""
    return {one.address.partition("%")[0] for of_one in psutil.net_if_addrs().values() for one in of_one}
