"""Quantities as the API writes them: 500m of a core, 128Mi of memory.

Source: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
"""

from __future__ import annotations

import re

_SUFFIXES = {"n": 1e-9, "u": 1e-6, "m": 1e-3, "": 1.0}
_SUFFIXES |= {suffix: 1000.0**power for power, suffix in enumerate("kMGTPE", 1)}
_SUFFIXES |= {f"{suffix}i": 1024.0**power for power, suffix in enumerate("KMGTPE", 1)}

_QUANTITY = re.compile(r"([+-]?[0-9.]+(?:[eE][+-]?[0-9]+)?)([a-zA-Z]*)")


def quantity(written: str) -> float:
    """Give the number that a quantity stands for, in cores, bytes or pieces. Raises ValueError for anything else."""
    match = _QUANTITY.fullmatch(written)
    if not match or match[2] not in _SUFFIXES:
        raise ValueError(f"not a quantity: {written!r}")
    factor = _SUFFIXES[match[2]]
    # Divided, not multiplied by a fraction: 270m is then the same number as 0.27.
    return float(match[1]) * factor if factor >= 1 else float(match[1]) / round(1 / factor)
