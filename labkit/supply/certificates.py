"""The certificates that this machine trusts, for containers that fetch packages from behind a private authority."""

from __future__ import annotations

import os
import re
from pathlib import Path

IN_DEBIAN = "/etc/ssl/certs/ca-certificates.crt"
"""Where Debian's programs, and those of images built on it, look."""

_PLACES = (IN_DEBIAN, "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")

_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


def of_this_machine() -> bytes:
    """Give the bundle that programs here verify with (SSL_CERT_FILE or the distribution's), empty where none is."""
    for place in (os.environ.get("SSL_CERT_FILE"), *_PLACES):
        if place and Path(place).is_file():
            return Path(place).read_bytes()
    return b""


def beyond(ours: bytes, theirs: bytes) -> bool:
    """Tell whether a bundle trusts somebody whom the other does not."""
    return not _certificates(ours) <= _certificates(theirs)


def _certificates(bundle: bytes) -> set[bytes]:
    return {b"".join(match.split()) for match in _CERTIFICATE.findall(bundle)}
