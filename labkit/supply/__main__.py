"""`python -m labkit.supply`: provide what a cluster is made of, and say what came out."""

from __future__ import annotations

import argparse
import sys

from labkit import command
from labkit.progress import Progress
from labkit.supply.providing import provide, provide_minikube


def main(argv: list[str] | None = None) -> int:
    """Give the exit code: 0 when all is here, 3 when it cannot be had or this was told to stop."""
    parser = argparse.ArgumentParser(prog="python -m labkit.supply", description=__doc__)
    parser.add_argument("--kubernetes", default="latest", help="a minor, a tag, or latest (default)")
    parser.add_argument(
        "--nodes", choices=("auto", "pull", "build"), default="auto", help="where node images come from"
    )
    parser.add_argument("--minikube", action="store_true", help="build a minikube as well, which a few labs are about")
    options = parser.parse_args(argv)

    def act() -> int:
        provide(options.kubernetes, nodes=options.nodes, progress=Progress())
        if options.minikube:
            provide_minikube(options.kubernetes, progress=Progress())
        return 0

    return command.run(act, interrupted="what was finished is kept")


if __name__ == "__main__":
    sys.exit(main())
