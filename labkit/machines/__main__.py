"""`nox -s machines`: a few labs under each strangeness that one machine can be given; a row each, wanted and seen."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from labkit import command
from labkit.machines.case import Case
from labkit.machines.cases import CASES, ELSEWHERE
from labkit.machines.rehearsal import Rehearsal, cluster
from labkit.progress import Progress
from labkit.trouble import CannotRun

AS_WANTED, NOT_AS_WANTED = 0, 1


def main(argv: Sequence[str] | None = None) -> int:
    """Run the cases that the words choose; give 0 where all went as wanted, 1 where one did not, 3 for no rehearsal."""
    asked = _parser().parse_args(argv)
    chosen = [case for case in CASES if (case.quick or not asked.quick) and asked.k.lower() in case.name.lower()]
    if asked.list:
        print("\n".join(f"{case.name}{' (quick)' if case.quick else ''}" for case in chosen))
        return AS_WANTED
    return command.run(lambda: _rehearse(asked, chosen), interrupted="what was made is removed again")


def _rehearse(asked: argparse.Namespace, chosen: Sequence[Case]) -> int:
    if not chosen:
        raise CannotRun(f"no case is called so: {asked.k!r}; --list names them")
    progress = Progress()
    failed = 0
    with cluster(asked.kubernetes, progress) as name:
        rehearsal = Rehearsal(name, progress)
        for case in chosen:
            if why := case.cannot():
                print(f"not here  {case.name}: {why}", flush=True)
                continue
            seen, wrong = rehearsal.row(case)
            failed += bool(wrong)
            print(f"{'NOT SO' if wrong else 'as wanted':<9} {case.name} ({seen.seconds:.0f} s)")
            print(f"          wanted: {case.wanted}\n          seen:   {seen}", flush=True)
            for one in wrong:
                print(f"          {one}", flush=True)
            if wrong:
                print("\n".join(f"          | {line}" for line in seen.output.splitlines()[-25:]), flush=True)
    for what, why in ELSEWHERE.items():
        print(f"not here  {what}: {why}")
    return NOT_AS_WANTED if failed else AS_WANTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="nox -s machines --", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="only the cases that take less than a minute together")
    parser.add_argument("--list", action="store_true", help="name the cases and run none")
    parser.add_argument("--kubernetes", default=None, metavar="VERSION", help="1.37, v1.36.4 (latest)")
    parser.add_argument("-k", default="", metavar="WORDS", help="only cases with these words in their names")
    return parser


if __name__ == "__main__":
    sys.exit(main())
