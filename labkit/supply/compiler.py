"""A C compiler, for the two pieces of a node that are not Go: runc's seccomp library and the pause program."""

from __future__ import annotations

import shutil
from pathlib import Path

from labkit.progress import Progress
from labkit.supply import apt
from labkit.supply.process import Failed, run
from labkit.trouble import CannotRun

PACKAGES = ["gcc", "libc6-dev", "libseccomp-dev", "pkg-config"]

_PROBE = "#include <seccomp.h>\nint main(void) { return seccomp_api_get() > 99; }\n"


def need_compiler(scratch: Path, progress: Progress) -> None:
    """See to it that static programs with libseccomp can be built here; `scratch` is a folder to try it in.

    Raises: CannotRun when they cannot and nothing may be installed.
    """
    if _works(scratch):
        return
    if not apt.usable():
        raise CannotRun(
            "building a node needs a C compiler, pkg-config and libseccomp with its static library and headers:"
            " install them (on Debian: gcc libc6-dev libseccomp-dev pkg-config)"
        )
    apt.install(PACKAGES, progress)
    if not _works(scratch):
        raise CannotRun(f"{' '.join(PACKAGES)} are installed and a static C program still cannot be built: try by hand")


def compile_static(source: Path, program: Path, *options: str) -> None:
    """Compile one C file into a small static program.

    Raises: CannotRun with the compiler's last words.
    """
    try:
        run(["cc", "-Os", "-static", "-s", *options, "-o", program, source])
    except Failed as failed:
        raise CannotRun(f"{source.name} could not be compiled ({failed.last_words})") from failed


def _works(scratch: Path) -> bool:
    if not all(shutil.which(name) for name in ("cc", "pkg-config")):
        return False
    source = scratch / "probe.c"
    source.write_text(_PROBE)
    try:
        run(["cc", "-static", "-o", scratch / "probe", source, "-lseccomp"])
    except Failed:
        return False
    return True
