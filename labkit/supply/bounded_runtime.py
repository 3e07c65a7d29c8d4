"""An OCI runtime that asks runc only for what this machine may give, for engines that ask for everything.

Engines before 23.0 put every capability into a privileged container. On a machine whose bounding set lacks one
(CAP_SYS_RESOURCE is the usual one to miss) runc then refuses with "unable to apply caps", and a negative
oom_score_adj is refused for the same reason. dockerd runs this file in runc's place; it mends what runc is about to
read and becomes runc. It runs outside any virtual environment, so it knows the standard library only.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

RUNC = "runc"

CAPABILITIES = (
    "CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID",
    "SETPCAP", "LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW",
    "IPC_LOCK", "IPC_OWNER", "SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT",
    "SYS_ADMIN", "SYS_BOOT", "SYS_NICE", "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD", "LEASE",
    "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP", "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG", "WAKE_ALARM",
    "BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF", "CHECKPOINT_RESTORE",
)  # fmt: skip
"""Names by bit number, without CAP_. Source: linux/capability.h, complete up to Linux 6.18."""


def bounding_set(status: str) -> set[str]:
    """Read the names of the bounding set out of the text of /proc/self/status."""
    mask = next(int(line.split()[1], 16) for line in status.splitlines() if line.startswith("CapBnd:"))
    return {f"CAP_{name}" for bit, name in enumerate(CAPABILITIES) if mask >> bit & 1}


def missing_capabilities(status: str, last_cap: int) -> list[str]:
    """Name what the kernel knows (bits 0 to last_cap) and the bounding set of `status` lacks, in the kernel's order."""
    have = bounding_set(status)
    return [f"CAP_{name}" for name in CAPABILITIES[: last_cap + 1] if f"CAP_{name}" not in have]


def bound(process: dict[str, Any], allowed: set[str]) -> dict[str, Any]:
    """Give an OCI process without capabilities outside `allowed` and without a negative oomScoreAdj."""
    mended = dict(process)
    if "capabilities" in mended:
        mended["capabilities"] = {
            kind: [name for name in names or [] if name in allowed] for kind, names in mended["capabilities"].items()
        }
    if mended.get("oomScoreAdj", 0) < 0:
        mended["oomScoreAdj"] = 0
    return mended


def _option(argv: list[str], name: str) -> str | None:
    for at, word in enumerate(argv):
        if word == f"--{name}" and at + 1 < len(argv):
            return argv[at + 1]
        if word.startswith(f"--{name}="):
            return word.partition("=")[2]
    return None


def mend(argv: list[str], allowed: set[str]) -> None:
    """Rewrite the file that runc is told to read: the bundle's config.json, or the process of an exec."""
    if "create" in argv or "run" in argv:
        path = Path(_option(argv, "bundle") or ".") / "config.json"
        config = json.loads(path.read_text())
        config["process"] = bound(config["process"], allowed)
        path.write_text(json.dumps(config))
    elif "exec" in argv and (process := _option(argv, "process")):
        path = Path(process)
        path.write_text(json.dumps(bound(json.loads(path.read_text()), allowed)))


def main(argv: list[str]) -> None:
    """Mend and become runc."""
    mend(argv, bounding_set(Path("/proc/self/status").read_text()))
    os.execvp(RUNC, [RUNC, *argv])


if __name__ == "__main__":
    main(sys.argv[1:])
