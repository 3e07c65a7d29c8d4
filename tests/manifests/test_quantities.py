"""Quantities are read as the API server reads them."""

from __future__ import annotations

import pytest

from labkit.manifests.quantities import quantity


@pytest.mark.parametrize(
    ("written", "number"),
    [
        *(("500m", 0.5), ("0.5", 0.5), ("270m", 0.27), ("2", 2.0), ("3920m", 3.92), ("1e3", 1000.0), ("100n", 1e-7)),
        *(("128Mi", 134217728.0), ("128M", 128e6), ("1Ki", 1024.0), ("1k", 1000.0), ("128m", 0.128), ("1E", 1e18)),
    ],
)
def test_a_quantity_is_a_number_with_a_suffix(written: str, number: float) -> None:
    assert quantity(written) == number


@pytest.mark.parametrize("written", ["", "m", "1 Gi", "128mi", "0x10", "1KB"])
def test_anything_else_is_none(written: str) -> None:
    with pytest.raises(ValueError, match="not a quantity"):
        quantity(written)
