"""`nox -s bump`: bring versions.yaml up to date from what can be asked, and show the change.

Asked are the Go module proxy, for kind and for what Kubernetes can be built from, and the source of kind itself, for
the node image that it makes clusters of and for what that image is made of. The digests of other node images, and that
of Python's, only a container registry knows: those rows stay as they are.
"""

from __future__ import annotations

import argparse
import contextlib
import difflib
import functools
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from labkit import command
from labkit.paths import cache_dir
from labkit.progress import Progress
from labkit.supply import modules, programs, toolchain, versions
from labkit.supply.cache import Workshop, alone, write_whole
from labkit.supply.meter import Meter
from labkit.supply.toolchain import Go
from labkit.supply.versions import Version, Versions, minor_of
from labkit.trouble import CannotRun, unwritable

UP_TO_DATE, WOULD_CHANGE = 0, 1

FILE = versions.FILE

KIND = "sigs.k8s.io/kind"

RELEASES = "https://github.com/kubernetes-sigs/kind/releases"

_DEFAULT_IMAGE = re.compile(r'"kindest/node:(v[0-9.]+)@(sha256:[0-9a-f]{64})"')

_DOCKERFILE, _MAKEFILE = "images/base/Dockerfile", "images/local-path-provisioner/Makefile"

_PARTS = {
    "debian": (_DOCKERFILE, r"^ARG BASE_IMAGE=debian:([a-z]+)"),
    "containerd": (_DOCKERFILE, r'^ARG CONTAINERD_VERSION="(v[0-9.]+)"'),
    "runc": (_DOCKERFILE, r'^ARG RUNC_VERSION="(v[0-9.]+)"'),
    "cni_plugins": (_DOCKERFILE, r'^ARG CNI_PLUGINS_VERSION="(v[0-9.]+)"'),
    "crictl": (_DOCKERFILE, r'^ARG CRICTL_VERSION="(v[0-9.]+)"'),
    "local_path_provisioner": (_MAKEFILE, r"^VERSION=(v[0-9.]+)"),
}
"""Where kind's source says what a node is made of (read in v0.33.0)."""

_PROGRAMS = {
    "containerd": programs.containerd,
    "runc": programs.runc,
    "cni_plugins": programs.cni_plugins,
    "crictl": programs.crictl,
    "local_path_provisioner": programs.local_path_provisioner,
}


@dataclass
class Found:
    """What has turned out to be newer than versions.yaml."""

    kind: str | None = None
    published: dict[str, str] = field(default_factory=dict)
    """Minor to tag and digest: v1.37.0@sha256:..."""
    source: dict[str, str] = field(default_factory=dict)
    """Minor to tag."""
    node: dict[str, str] = field(default_factory=dict)


def main(argv: Sequence[str] | None = None) -> int:
    """Give the exit code: 0 up to date, now or before; 1 not, and `--check` let it be; 3 without any answer."""
    parser = argparse.ArgumentParser(prog="python -m labkit.supply.bump", description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="change nothing; exit code 1 if something would change")
    options = parser.parse_args(argv)
    return command.run(lambda: _bump(options), interrupted="nothing is changed")


def _bump(options: argparse.Namespace) -> int:
    progress = Progress()
    workshop = Workshop(cache_dir(), progress, Meter(progress, "versions"))
    with alone("supply", progress, "another run is making what clusters are made of"):
        have = versions.read(FILE)
        found, unanswered = look(toolchain.find_go(workshop), have)
    for sentence in unanswered:
        progress.say(f"stays as it is: {sentence}")
    changed = _show(have, found, write=not options.check)
    return WOULD_CHANGE if options.check and changed else UP_TO_DATE


def look(go: Go, have: Versions) -> tuple[Found, list[str]]:
    """Ask for all that may be newer; give what is, and a sentence for each question that was refused.

    Raises: CannotRun with the first of the sentences when nothing at all could be asked.
    """
    asked = _Asked(go, have)
    heads = [asked.kind, asked.default_image, asked.kubernetes]
    rest: list[Callable[[], None]] = [functools.partial(asked.part, part) for part in _PARTS]
    rest += [functools.partial(asked.source, version) for version in have.kubernetes]
    unanswered = _refusals(heads)
    if len(unanswered) == len(heads):
        raise CannotRun(unanswered[0])
    unanswered += _refusals(rest)
    found = asked.found
    if found.kind:
        unanswered.append(
            f"the node images of other minors, which kind {found.kind} may publish anew: {RELEASES}/tag/{found.kind}"
        )
    return found, unanswered


def _refusals(questions: Sequence[Callable[[], None]]) -> list[str]:
    refusals = []
    for question in questions:
        try:
            question()
        except CannotRun as refused:
            refusals.append(str(refused))
    return refusals


class _Asked:
    """The questions, each of which may be refused by itself; `found` is what was answered."""

    def __init__(self, go: Go, have: Versions) -> None:
        self._go, self._have = go, have
        self._listed: list[str] = []
        self.found = Found()

    def kind(self) -> None:
        releases = [v for v in modules.listed(self._go, KIND) if modules.is_release(v)]
        if releases and modules.order(releases[-1]) > modules.order(self._have.kind):
            self._go.download(KIND, releases[-1])
            self.found.kind = releases[-1]

    def default_image(self) -> None:
        tag, digest = self._in_kind("pkg/apis/config/defaults/image.go", _DEFAULT_IMAGE, "its default node image")
        minor = minor_of(tag)
        row = next((version for version in self._have.kubernetes if version.minor == minor), None)
        if row is None:
            modules.need_kubernetes(self._go, tag)
            self.found.source[minor] = tag
        elif modules.order(tag) < modules.order(row.tag) or (tag, digest) == (row.tag, row.digest):
            return
        self.found.published[minor] = f"{tag}@{digest}"

    def kubernetes(self) -> None:
        self._listed = modules.listed(self._go, programs.KUBERNETES)

    def part(self, part: str) -> None:
        file, pattern = _PARTS[part]
        (version,) = self._in_kind(file, re.compile(pattern, re.MULTILINE), part)
        if version == self._have.node[part]:
            return
        for module in _PROGRAMS[part](version).modules if part in _PROGRAMS else ():
            self._go.download(module, version)
        self.found.node[part] = version

    def source(self, row: Version) -> None:
        """Find the newest patch of a minor that can be built; what is published may be served without being listed."""
        published = self.found.published.get(row.minor, row.tag).partition("@")[0]
        patches = {v for v in self._listed if modules.is_release(v) and minor_of(v) == row.minor} | {published}
        newer = sorted((v for v in patches if modules.order(v) > modules.order(row.source)), key=modules.order)
        refused = []
        for tag in reversed(newer):
            try:
                modules.need_kubernetes(self._go, tag)
                self.found.source[row.minor] = tag
                break
            except CannotRun as reason:
                refused.append(reason)
        self._unlisted(row)
        if refused:
            raise refused[0]

    def _unlisted(self, row: Version) -> None:
        """Go on from the newest patch, one by one, to those that the list does not name, until one is refused."""
        with contextlib.suppress(CannotRun):
            while True:
                tag = modules.next_patch(self.found.source.get(row.minor, row.source))
                modules.need_kubernetes(self._go, tag)
                self.found.source[row.minor] = tag

    def _in_kind(self, file: str, pattern: re.Pattern[str], what: str) -> Sequence[str]:
        kind = self.found.kind or self._have.kind
        path = self._go.download(KIND, kind).folder / file
        read = pattern.search(path.read_text()) if path.exists() else None
        if read is None:
            raise CannotRun(f"{file} of kind {kind} no longer says {what} as it did: look there, and mend {__name__}")
        return read.groups()


def edited(text: str, have: Versions, found: Found) -> str:
    """Give versions.yaml with what was found put in its place, and every comment and blank where it was."""
    lines = []
    minor = ""
    for line in text.splitlines(keepends=True):
        if row := re.match(r'( *)- minor: "([0-9.]+)"', line):
            minor = row[2]
        key = (re.match(r" *([a-z_]+): ", line) or ["", ""])[1]
        if line.startswith(("#", "kind: ")) and found.kind:
            new = re.sub(rf"{re.escape(have.kind)}(?![0-9.]*[0-9])", found.kind, line)
        elif key in ("published", "source") and minor in getattr(found, key):
            new = _with_value(line, getattr(found, key)[minor])
        elif key in found.node and line.startswith(" "):
            new = _with_value(line, found.node[key])
        else:
            new = line
        if row and minor == have.kubernetes[0].minor:
            lines += [_row(row[1], m, found) for m in found.published if m not in {v.minor for v in have.kubernetes}]
        lines.append(new)
    return "".join(lines)


def _with_value(line: str, value: str) -> str:
    return re.sub(r"(: )\S+", rf"\g<1>{value}", line, count=1)


def _row(indent: str, minor: str, found: Found) -> str:
    return (
        f'{indent}- minor: "{minor}"\n'
        f"{indent}  published: {found.published[minor]}\n"
        f"{indent}  source: {found.source[minor]}\n"
    )


def _show(have: Versions, found: Found, *, write: bool) -> bool:
    """Print the change as a diff, and make it; tell whether there is one."""
    old = FILE.read_text()
    new = edited(old, have, found)
    if new == old:
        print(f"{FILE.name} is up to date with what can be asked")
        return False
    names = (f"a/{FILE.name}", f"b/{FILE.name}")
    print("".join(difflib.unified_diff(old.splitlines(keepends=True), new.splitlines(keepends=True), *names)), end="")
    if write:
        try:
            write_whole(FILE, new)
        except OSError as error:
            raise unwritable(FILE, error) from error
    return True


if __name__ == "__main__":
    sys.exit(main())
