"""What one process of the harness has used, by the kernel's own accounting."""

from __future__ import annotations

import resource
from dataclasses import dataclass

KIB_PER_MIB = 1024


@dataclass(frozen=True)
class Used:
    """What one process of the harness used so far: CPU seconds of its own and of its ended children, and its peak."""

    own_s: float
    commands_s: float
    peak_mib: float

    def since(self, earlier: Used) -> Used:
        """Give what was used since then; the peak is the peak."""
        return Used(self.own_s - earlier.own_s, self.commands_s - earlier.commands_s, self.peak_mib)


def used() -> Used:
    """Give what this process has used so far."""
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return Used(own.ru_utime + own.ru_stime, children.ru_utime + children.ru_stime, own.ru_maxrss / KIB_PER_MIB)
