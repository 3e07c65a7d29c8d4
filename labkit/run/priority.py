"""What sees goes before what is seen: the kernel's priorities of a run, where it may choose them (root on Linux).

A run takes a sixth of the cores' work. Without this one event in a hundred waited 0.13 s for its turn on two busy
cores before a lab saw it, with it 0.02 s.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

AHEAD = -10
"""Niceness."""

_AUTOGROUP = Path("/proc/self/autogroup")


def put_process_ahead() -> None:
    """Put this process, and what it starts, ahead of others in its session."""
    with contextlib.suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, AHEAD)


@contextlib.contextmanager
def session_ahead() -> Iterator[None]:
    """Put this terminal session ahead of the nodes for the length of a block.

    Linux shares the cores among sessions first (autogroups, see sched(7)), and niceness counts within one only. Where
    other work goes on in the session it stays as it is: two busy loops that were put ahead left the nodes a third of
    two cores.
    """
    before = _niceness()
    if before is None or _others_run():
        yield
        return
    _set(AHEAD)
    try:
        yield
    finally:
        _set(before)


def _others_run() -> bool:
    """Tell whether something in this session wants to run that neither started this process nor was started by it."""
    import psutil  # noqa: PLC0415  # workers do without the memory that it takes

    me = psutil.Process()
    ours = {process.pid for process in (me, *me.parents(), *me.children(recursive=True))}
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, ProcessLookupError):
            if (
                process.pid not in ours
                and os.getsid(process.pid) == os.getsid(0)
                and process.status() == psutil.STATUS_RUNNING
            ):
                return True
    return False


def _niceness() -> int | None:
    """Read "/autogroup-123 nice 0"; none where the kernel has no autogroups.

    The file is empty for a process of the root group: it never was in a session of its own (a child of PID 1 of a
    container, say), so its own niceness counts already.
    """
    with contextlib.suppress(OSError):
        _, named, niceness = _AUTOGROUP.read_text().partition(" nice ")
        if named:
            return int(niceness)
    return None


def _set(niceness: int) -> None:
    with contextlib.suppress(OSError):
        _AUTOGROUP.write_text(str(niceness))
