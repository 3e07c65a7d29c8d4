"""Room on the disks: asked for before long work begins, and told in one sentence when it ran out all the same."""

from __future__ import annotations

import contextlib
import errno
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from labkit.paths import cache_dir
from labkit.trouble import CannotRun, is_of_files, unwritable

_FULL = "no space left on device"


def require(gigabytes: Mapping[Path, float]) -> None:
    """See that each folder's disk has so much free; folders on one disk add up, and need not exist yet.

    Raises: CannotRun that says how many GB are missing, and where.
    """
    wanted: dict[int, list[tuple[Path, float]]] = {}
    for folder, amount in gigabytes.items():
        # The nearest one that this user can look at: the engine's folder may lie below one that he may not enter.
        there = next(path for path in (folder, *folder.parents) if _can_be_seen(path))
        wanted.setdefault(there.stat().st_dev, []).append((there, amount))
    for claims in wanted.values():
        folders = " and ".join(str(path) for path, _ in claims)
        missing = sum(amount for _, amount in claims) - shutil.disk_usage(claims[0][0]).free / 1e9
        if missing > 0:
            raise CannotRun(
                f"{missing:.1f} GB more must be free on the disk with {folders}: make room,"
                " or move the cache folder with LABS_CACHE"
            )


def _can_be_seen(path: Path) -> bool:
    try:
        path.stat()
    except OSError:
        return False
    return True


@contextlib.contextmanager
def told_when_full() -> Iterator[None]:
    """Turn a disk that filled up, wherever that was noticed, and files that are not for us into one sentence."""
    try:
        yield
    except (OSError, CannotRun) as error:
        ran_out = isinstance(error, OSError) and error.errno == errno.ENOSPC
        if ran_out or _FULL in str(error).lower():
            raise CannotRun(
                "the disk ran full: make room and run again, what was finished is kept"
                f" (it was noticed here: {' '.join(str(error).split())[-300:]})"
            ) from error
        if isinstance(error, OSError) and is_of_files(error):
            raise unwritable(cache_dir(), error, move="set LABS_CACHE to another folder") from error
        raise
