"""actionlint, built from its Go module: whether GitHub will understand the workflow."""

from __future__ import annotations

from pathlib import Path

from labkit.paths import ROOT, cache_dir
from labkit.progress import Progress
from labkit.supply import disk, toolchain
from labkit.supply.cache import Workshop, alone
from labkit.supply.meter import Meter
from labkit.supply.process import Failed, run
from labkit.supply.toolchain import Program
from labkit.trouble import CannotRun

MODULE, VERSION = "github.com/rhysd/actionlint", "v1.7.12"

WORKFLOWS = ROOT / ".github" / "workflows"


FINDS = 1
"""actionlint's exit code when it finds something wrong; others mean that it could not look."""


def check(progress: Progress, workflows: Path | None = None) -> str:
    """Give what actionlint finds wrong with the workflows in a folder, ours if none is given; "" where that is nothing.

    Raises: CannotRun when it can neither be found nor built.
    """
    program = Program(name="actionlint", modules={MODULE: VERSION}, packages=(f"{MODULE}/cmd/actionlint",))
    workshop = Workshop(cache_dir(), progress, Meter(progress, "actionlint"))
    made_of = [program.recipe(), *toolchain.DECISIVE]
    folder = workshop.find("actionlint", made_of, variant=VERSION)
    if folder is None:
        with disk.told_when_full(), alone("supply", progress, "another run is making what clusters are made of"):
            go = toolchain.find_go(workshop)
            progress.say(f"building actionlint {VERSION} from its Go module")
            folder = workshop.part(
                "actionlint", made_of, lambda made, moved: go.build(program, made, moved), variant=VERSION
            )
    try:
        # Without the programs that it would use where it finds them: the answer is then the same everywhere.
        files = sorted((workflows or WORKFLOWS).glob("*.yaml"))
        run([folder / "actionlint", "-no-color", "-shellcheck=", "-pyflakes=", *files])
    except Failed as failed:
        if failed.code == FINDS:
            return failed.output
        raise CannotRun(f"actionlint does not run ({failed.last_words}): remove {folder} and run again") from failed
    return ""
