"""How an API server is reached: what the kubernetes client makes of a kubeconfig, as plain values.

Workers are handed them, and need not import the client, whose models are half a second and twenty MiB of each.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from labkit.addresses import is_loopback
from labkit.trouble import Inconclusive


@dataclass(frozen=True)
class Connection:
    """An address and credentials (JSON-able by `asdict`); paths are files with PEM in them."""

    kubeconfig: str
    """Where all this was read, to be read again when the server no longer takes the credentials."""
    server: str
    """The URL's beginning: https://127.0.0.1:41237."""
    ca: str | None = None
    certificate: str | None = None
    key: str | None = None
    authorization: str | None = None
    """The value of the header."""
    server_name: str | None = None
    """The name that the server's certificate must be for, where it is not the URL's host."""
    verify: bool = True
    proxy: str | None = None


def connection_of(kubeconfig: Path) -> Connection:
    """Read a kubeconfig's current context; a program that gives credentials is run. Raises Inconclusive.

    A server on this machine is reached directly, whatever HTTPS_PROXY and NO_PROXY say: no proxy knows this machine's
    loopback. A proxy that the kubeconfig itself names counts as it does for kubectl.
    """
    # Here and not above: see the module.
    from kubernetes import client, config  # noqa: PLC0415
    from requests.utils import should_bypass_proxies  # noqa: PLC0415

    for proxy in ("", None):  # none at all, then that of the environment
        read = client.Configuration(proxy=proxy)
        try:
            config.load_kube_config(str(kubeconfig), client_configuration=read)  # type: ignore[no-untyped-call]  # the client types its models only
        except (config.ConfigException, OSError, ValueError) as error:
            raise Inconclusive(f"{kubeconfig.name} of the run cannot be read: {error}") from error
        if is_loopback(urlsplit(read.host).hostname or ""):
            break
    else:
        if should_bypass_proxies(read.host, read.no_proxy):
            read.proxy = None
    return Connection(
        kubeconfig=str(kubeconfig),
        server=read.host,
        ca=read.ssl_ca_cert,
        certificate=read.cert_file,
        key=read.key_file,
        authorization=read.api_key.get("BearerToken") or (read.get_basic_auth_token() if read.username else None),
        server_name=read.tls_server_name,
        verify=read.verify_ssl,
        proxy=read.proxy or None,
    )
