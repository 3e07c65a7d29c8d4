"""The two ways in which a run fails without Kubernetes being to blame."""

from __future__ import annotations

import errno
import os
import pwd
import re
import shlex
from pathlib import Path

EXIT_COULD_NOT_RUN = 3
"""The exit code of every command that did not come off."""


class CannotRun(Exception):
    """The run cannot start or go on; the message is one sentence that says what to do (exit code 3)."""


class Inconclusive(Exception):
    """The infrastructure kept a lab from seeing (a lost watch, a slow machine); never a claim's failure."""


def reason(error: Exception) -> str:
    """Pick the system's own words out of what libraries wrap around them: Connection refused, Permission denied."""
    words = str(error)
    found = re.search(r"\[Errno -?\d+\] ([^'\")]+)|Error\(-?\d+, '([^']+)'\)", words)
    return (found[1] or found[2]) if found else words[-200:]


_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_FOREIGN = (errno.EACCES, errno.EPERM)


def is_of_files(error: BaseException) -> bool:
    """Tell whether an error is about files that cannot be written, for `unwritable` to say."""
    return isinstance(error, OSError) and error.errno in (*_FULL, *_FOREIGN, errno.EROFS)


def unwritable(path: Path, error: OSError, *, move: str = "") -> CannotRun:
    """Say why a file or folder cannot be written (or looked into), and what mends it: room, rights, another place.

    move: what else would help, such as "set LABS_CACHE to another folder".
    """
    named = Path(os.fsdecode(error.filename)) if error.filename else path
    if error.errno in _FULL:
        mend = "free some space there"
    elif error.errno in _FOREIGN:
        mend = _give_back(_foreign(named))
    elif error.errno == errno.EROFS:
        mend = "it is on a read-only file system, so copy what is there to a folder of yours"
    else:
        mend = "see to it"
    other = f", or {move}" if move else ""
    return CannotRun(f"{named} cannot be written ({error.strerror or error}): {mend}{other}, and run again")


def _give_back(path: Path) -> str:
    """Say how a user gets something back that somebody else made in a folder of his, such as root by way of sudo."""
    try:
        owner, above = path.stat().st_uid, path.parent.stat().st_uid
    except OSError:
        return f"{path} is not for this user, so use a folder of yours"
    name = pwd.getpwuid(owner).pw_name if owner in {one.pw_uid for one in pwd.getpwall()} else f"user {owner}"
    if os.getuid() == owner:
        return f"chmod -R u+rwX {shlex.quote(str(path))}"
    if os.getuid() == above:
        return f"{path} belongs to {name}, so sudo chown -R {os.getuid()} {shlex.quote(str(path))}"
    return f"{path} belongs to {name}, so use a folder of yours"


def _foreign(path: Path) -> Path:
    """Give what is in the way to a path that cannot be written: the first folder that this user may not enter,

    or else the uppermost of those on the way that he may not write.
    """
    way = [*reversed(path.parents), path]
    there = []
    for one in way:
        try:
            one.lstat()
        except OSError:
            break
        there.append(one)
        if one.is_dir() and not os.access(one, os.X_OK):
            return one
    mine = [at for at, one in enumerate(there) if os.access(one, os.W_OK)]
    below = there[mine[-1] + 1 :] if mine else there[-1:]
    return (below or there[-1:])[0]
