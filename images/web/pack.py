"""Collect into an empty root what the instrument needs of the image it is built on, and nothing else.

Usage, in a build stage: python3 pack.py ROOT. Works on Debian's Python (in /usr) and on the official image's
(in /usr/local).
"""

from __future__ import annotations

import os
import py_compile
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable
from modulefinder import ModuleFinder
from pathlib import Path

HERE = Path(__file__).resolve().parent
STDLIB = Path(sysconfig.get_path("stdlib"))

TOOLS = (
    *("cat", "cp", "date", "dash", "env", "false", "head", "id", "ls", "mkdir", "mv", "rm", "sleep", "tail"),
    *("tar", "test", "touch", "true", "wc"),
)
LINKS = {"sh": "dash", "ash": "dash"}
KILL = '#!/bin/sh\nkill "$@"\n'
"""dash has it built in; `kubectl exec POD -- kill 1` wants a file."""

ALWAYS = (
    *("encodings.ascii", "encodings.idna", "encodings.latin_1", "encodings.utf_8"),
    *("linecache", "runpy", "traceback"),
)
"""Modules that the interpreter loads by itself, where no import statement tells."""

NEVER = (
    *("argparse", "asyncio", "bz2", "doctest", "email", "getopt", "gettext", "gzip", "hashlib", "http"),
    *("lzma", "multiprocessing", "optparse", "pdb", "pydoc", "random", "readline", "shlex", "ssl", "tarfile"),
    *("tempfile", "test", "tkinter", "tracemalloc", "unittest", "zipfile"),
)
"""Modules that others import for their command lines, tests and rare features: nothing used here."""


def main(root: Path) -> None:
    """Fill the root; fails with a traceback, which ends the build."""
    for top in ("bin", "lib", "lib64"):
        (root / "usr" / top).mkdir(parents=True)
        (root / top).symlink_to(f"usr/{top}")
    for name, mode in (("tmp", 0o1777), ("root", 0o700), ("etc", 0o755), ("proc", 0o755), ("dev", 0o755)):
        (root / name).mkdir()
        (root / name).chmod(mode)
    binaries = [*pack_python(root), *pack_tools(root)]
    pack_libraries(root, binaries)
    (root / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\nnonroot:x:65532:65532:nonroot:/tmp:/bin/sh\n")
    (root / "etc/group").write_text("root:x:0:\nnonroot:x:65532:\n")


def pack_python(root: Path) -> Iterable[Path]:
    """Copy the interpreter and compile the modules; give the files that need shared libraries."""
    interpreter = Path(sys.executable).resolve()
    yield copy(root, interpreter)
    for name in ("python3", "python"):
        (root / str(interpreter.parent)[1:] / name).symlink_to(interpreter.name)
    (root / str(STDLIB)[1:] / "lib-dynload").mkdir(parents=True, exist_ok=True)
    for module in modules():
        source = Path(module)
        if source.suffix == ".py":
            compile_into(root, source)
        else:
            yield copy(root, source)


def modules() -> list[str]:
    """Give the files of all modules that the instrument imports, wherever in its code and theirs."""
    finder = ModuleFinder(path=[str(HERE), str(HERE / "packages"), *sys.path], excludes=list(NEVER))
    for name in ("instrument.__main__", *ALWAYS):
        finder.import_hook(name)
    files = (vars(module)["__file__"] for module in finder.modules.values())
    return sorted(file for file in files if file)


def compile_into(root: Path, source: Path) -> None:
    """Put a module's byte code into the root; the instrument's own source goes with it, to be read."""
    home = next((home for home in (HERE / "packages", HERE) if home in source.parents), STDLIB)
    target = root / str(STDLIB)[1:] / source.relative_to(home)
    target.parent.mkdir(parents=True, exist_ok=True)
    byte_code = target.with_suffix(".pyc")
    if home == HERE:
        shutil.copy(source, target)
        byte_code = target.parent / "__pycache__" / f"{source.stem}.{sys.implementation.cache_tag}.pyc"
    py_compile.compile(
        str(source),
        str(byte_code),
        dfile=f"/{target.relative_to(root)}",
        doraise=True,
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
    )


def pack_tools(root: Path) -> Iterable[Path]:
    """Copy the tools that labs run inside a Pod."""
    for tool in TOOLS:
        where = shutil.which(tool)
        if where is None:
            raise FileNotFoundError(f"{tool} is not in the image this is built on")
        source = Path(where)
        shutil.copy(source, root / "usr/bin" / tool)
        yield source
    for name, target in LINKS.items():
        (root / "usr/bin" / name).symlink_to(target)
    kill = root / "usr/bin/kill"
    kill.write_text(KILL)
    kill.chmod(0o755)


def pack_libraries(root: Path, binaries: Iterable[Path]) -> None:
    """Copy the shared libraries, the loader among them, and index the folders they lie in."""
    libraries: set[Path] = set()
    for binary in binaries:
        listing = subprocess.run(["ldd", binary], capture_output=True, text=True, check=False).stdout
        libraries |= {Path(found) for found in re.findall(r"(/\S+) \(0x", listing)}
    for library in libraries:
        copy(root, library)
    folders = sorted({str(library.parent) for library in libraries})
    (root / "etc/ld.so.conf").write_text("\n".join(folders) + "\n")
    subprocess.run(["ldconfig", "-r", str(root)], check=True)


def copy(root: Path, source: Path) -> Path:
    """Copy a file to the same place under the root; a link's target takes the link's name."""
    target = root / str(source)[1:]
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(source, target)
    return source


if __name__ == "__main__":
    os.umask(0o022)
    main(Path(sys.argv[1]))
