"""Make the report: python -m labkit.report [results] [--out report]."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from labkit import command
from labkit.claims import ledger, results_file, verdicts
from labkit.mutants import mutant_verdicts
from labkit.paths import ROOT
from labkit.report import badges, data, markdown, matrix, page
from labkit.supply import versions
from labkit.trouble import unwritable


def main(words: Sequence[str] | None = None) -> int:
    """Write the report of a folder of results; give the exit code: 0, or 3 with one sentence on what to mend."""
    parser = argparse.ArgumentParser(prog="nox -s report --", description=__doc__)
    parser.add_argument("results", nargs="?", type=Path, default=ROOT / "results", help="folder of <version>.json")
    parser.add_argument("--out", type=Path, default=ROOT / "report", help="folder to write to")
    asked = parser.parse_args(words)
    return command.run(lambda: _report(asked), interrupted="no file is half written")


def _report(asked: argparse.Namespace) -> int:
    files = make(asked.results)
    write(asked.out, files)
    size = len(files["index.html"].encode()) / 1e6
    print(f"report: {asked.out / 'index.html'} ({size:.1f} MB), matrix.json, matrix.md, badges/")
    return verdicts.EXIT_HOLDS


def make(results: Path) -> dict[str, str]:
    """Give all files of the report by name. Raises CannotRun for results that are not ours."""
    mutants = results / mutant_verdicts.PATH.name
    read = [(str(path), results_file.read(path)) for path in sorted(results.glob("*.json")) if path != mutants]
    wanted = [version.minor for version in versions.read().kubernetes]
    built = matrix.build(read, wanted=wanted, ledger=ledger.read(), mutants=mutant_verdicts.read(mutants))
    return {
        "index.html": page.render(built),
        "matrix.json": data.render(built),
        "matrix.md": markdown.render(built),
    } | {f"badges/{name}": content for name, content in badges.render(built).items()}


def write(folder: Path, files: dict[str, str]) -> None:
    """Write files, each whole or not at all, and remove badges of versions that are no more. Raises CannotRun."""
    try:
        for name, content in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_name(f"{path.name}.part")
            part.write_bytes(content.encode())
            part.replace(path)
        for old in (folder / "badges").iterdir():
            if old.suffix in (".svg", ".json") and f"badges/{old.name}" not in files:
                old.unlink()
    except OSError as error:
        raise unwritable(folder, error, move="name another folder with --out") from error


if __name__ == "__main__":
    sys.exit(main())
