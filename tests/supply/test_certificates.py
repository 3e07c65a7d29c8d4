"""Certificates: which bundle is this machine's, and whether an image lacks any of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from labkit.supply import certificates

ONE = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
TWO = b"-----BEGIN CERTIFICATE-----\nBBBB\n-----END CERTIFICATE-----\n"


def test_the_variable_goes_before_the_distribution(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = tmp_path / "bundle.crt"
    bundle.write_bytes(ONE)
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    assert certificates.of_this_machine() == ONE


def test_a_private_authority_is_noticed() -> None:
    assert certificates.beyond(ONE + TWO, ONE)
    assert certificates.beyond(ONE, b"")


def test_order_and_layout_do_not_matter() -> None:
    assert not certificates.beyond(ONE, b"# comment\n" + TWO + ONE.replace(b"\n", b"\r\n"))
    assert not certificates.beyond(b"", ONE)
