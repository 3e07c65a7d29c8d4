"""The cases of the rehearsal: what users' machines are like, as far as this one can be made so; and what it cannot be.

A row more is an entry more here. Each is an example of a kind; what a case shows is told by its name.
"""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from labkit.machines.case import Case, Running
from labkit.paths import cache_dir

COMMANDS = ("labs/test_kubectl.py", "-k", "diff_tells or created_edited or cp_takes")
"""Labs that type at a shell, with programs of this machine: diff, an editor, a copy."""

BUILDS = ("labs/test_docker.py", "-k", "relative_workdir or copy_takes or not_a_manifest")
"""Labs that build, by contexts in the checkout."""

ONE = ("labs/test_labels.py", "-k", "cause_of_a_rollout")

STRANGE = 'my no\'tes $x é, "q"'

STOPPED_S = 65.0

NOBODY = "http://127.0.0.1:9"
"""A proxy at which nobody listens."""


def _is_root() -> str | None:
    return None if os.geteuid() == 0 else "it takes root"


def _has(*programs: str) -> Callable[[], str | None]:
    def missing() -> str | None:
        absent = [program for program in programs if shutil.which(program) is None]
        return f"there is no {' and no '.join(absent)}" if absent else _is_root()

    return missing


def _after(commands: str) -> tuple[str, ...]:
    """Give the words before a command by which a shell does something first."""
    return ("sh", "-c", f'{commands} && exec "$@"', "sh")


def _apart(namespace: str, commands: str) -> tuple[str, ...]:
    """Give the words before a command by which it has a namespace of the kernel to itself: net or mount."""
    return ("unshare", f"--{namespace}", *_after(commands))


def _other_programs(folder: Path) -> None:
    """Put what people have in a bin/ of theirs under the names of the system's utilities."""
    (folder / "bin").mkdir()
    for name in ("diff", "sed", "cat"):
        (folder / "bin" / name).write_text("#!/bin/sh\necho mine\n", encoding="utf-8")
        (folder / "bin" / name).chmod(0o755)


def _broken_helper(folder: Path) -> None:
    (folder / "docker").mkdir()
    (folder / "docker" / "config.json").write_text('{"credsStore": "of-another-machine"}', encoding="utf-8")


def _strange_places(folder: Path) -> None:
    for name in ("home", "tmp"):
        (folder / STRANGE / name).mkdir(parents=True)


def _strange_cache(folder: Path) -> None:
    """Make a cache elsewhere, with the parts that are here: what is tried is a cluster, not another build of kind."""
    cache = folder / STRANGE / "cache"
    cache.mkdir(parents=True)
    (cache / "parts").symlink_to(cache_dir() / "parts")


def _of_user(folder: Path) -> None:
    """Give the row's folder to a user without root, with a home and the kind that is here."""
    for kind in (cache_dir() / "parts").glob("kind-*"):
        shutil.copytree(kind, folder / "home" / ".cache" / "kubernetes-labs" / "parts" / kind.name)
    for path in (folder, *folder.rglob("*")):
        os.chown(path, USER, USER, follow_symlinks=False)


def _with_results_of_root(folder: Path) -> None:
    (folder / "checkout" / "results").mkdir()
    _of_user(folder)
    os.chown(folder / "checkout" / "results", 0, 0)


def _group_of_engine() -> int:
    """Give the group that may speak to the engine; the user's own where there is no socket here."""
    socket = Path("/var/run/docker.sock")
    return socket.stat().st_gid if socket.exists() else USER


def _no_other_user() -> str | None:
    """Say why nobody else can run this here."""
    if why := _has("setpriv")():
        return why
    tried = subprocess.run([*AS_USER, sys.executable, "-c", ""], capture_output=True, check=False)
    return "this Python is below a folder that other users may not enter" if tried.returncode else None


def _stop_and_go_on(run: Running) -> None:
    run.wait_for(r"(?m)^\.")  # the first lab has held, and others are under way
    run.signal(signal.SIGSTOP)
    threading.Event().wait(STOPPED_S)
    run.signal(signal.SIGCONT)


def _interrupt(run: Running) -> None:
    run.wait_for("using the kept cluster")
    run.signal(signal.SIGINT)


USER = 54321
"""A user id that nobody has; it takes no name to be a user."""

AS_USER = ("setpriv", f"--reuid={USER}", f"--regid={USER}", f"--groups={_group_of_engine()}", "--")

HOME_OF_USER = {"HOME": "{folder}/home", "LABS_CACHE": "", "XDG_CACHE_HOME": "", "TMPDIR": "{folder}"}

CASES = (
    Case(
        "environment: what kubectl, docker, buildx, kind and git read, and another diff on PATH",
        (*COMMANDS[:1], *BUILDS[:1], "-k", f"{COMMANDS[2]} or {BUILDS[2]}"),
        prepare=_other_programs,
        variables={
            "PATH": f"{{folder}}/bin:{os.environ.get('PATH', os.defpath)}",
            "KUBECTL_EXTERNAL_DIFF": "diff -N -y",
            "KUBE_EDITOR": "false",
            "EDITOR": "false",
            "PAGER": "false",
            "SHELL": "/bin/false",
            "KUBECONFIG": "/nowhere",
            "DOCKER_BUILDKIT": "1",
            "BUILDX_BUILDER": "one-that-loads-nothing",
            "DOCKER_DEFAULT_PLATFORM": "linux/s390x",
            "KIND_EXPERIMENTAL_PROVIDER": "podman",
            "GIT_DIR": "/nowhere",
            "LS_COLORS": "di=1",
            "LC_ALL": "de_DE.UTF-8",
            "TZ": "Asia/Tokyo",
        },
        quick=True,
    ),
    Case(
        "environment: PYTHONOPTIMIZE",
        ONE,
        variables={"PYTHONOPTIMIZE": "1"},
        code=3,
        says="Python leaves assertions out",
        quick=True,
    ),
    Case(
        "environment: PYTEST_DISABLE_PLUGIN_AUTOLOAD",
        (*ONE, "-n1"),
        variables={"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        quick=True,
    ),
    Case("paths: the checkout", (*COMMANDS[:1], *BUILDS[:1], "-k", f"{COMMANDS[2]} or {BUILDS[2]}"), checkout=STRANGE),
    Case(
        "paths: HOME and TMPDIR",
        BUILDS,
        prepare=_strange_places,
        variables={
            "LABS_CACHE": str(cache_dir()),
            "HOME": f"{{folder}}/{STRANGE}/home",
            "TMPDIR": f"{{folder}}/{STRANGE}/tmp",
        },
    ),
    Case(
        "paths: a long one",
        BUILDS,
        checkout="/".join(["long" * 50] * 3),
    ),
    Case(
        "network: a proxy for everything, with nobody there",
        ONE,
        variables=dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), NOBODY),
        named=False,
        quick=True,
    ),
    Case(
        "network: another 127.0.0.1 than the engine's",
        ONE,
        before=_apart("net", "ip link set lo up"),
        named=False,
        code=3,
        says=r"127\.0\.0\.1 here is not that of the container engine",
        cannot=_has("unshare", "ip"),
        quick=True,
    ),
    Case(
        "rights: a read-only checkout",
        ONE,
        before=_apart("mount", 'mount --bind "$PWD" "$PWD" && mount -o remount,ro,bind "$PWD" && cd "$PWD"'),
        code=3,
        says="cannot be written .*read-only",
        cannot=_has("unshare", "mount"),
        quick=True,
    ),
    Case(
        "rights: a full disk below LABS_CACHE",
        ONE,
        variables={"LABS_CACHE": "{folder}/cache"},
        before=_apart(
            "mount",
            'c=$LABS_CACHE; mkdir "$c" && mount -t tmpfs -o size=1m tmpfs "$c"'
            f' && ln -s {shlex.quote(str(cache_dir() / "parts"))} "$c"',
        ),
        named=False,
        code=3,
        says="must be free on the disk with .*LABS_CACHE",
        cannot=_has("unshare", "mount"),
        quick=True,
    ),
    Case(
        "rights: a full disk below results/",
        ONE,
        before=_apart("mount", "mkdir results && mount -t tmpfs -o size=64k tmpfs results"),
        code=3,
        says="cannot be written .*free some space",
        cannot=_has("unshare", "mount"),
        quick=True,
    ),
    Case(
        "paths: LABS_CACHE, and a cluster of its own there",
        BUILDS,
        prepare=_strange_cache,
        variables={"LABS_CACHE": f"{{folder}}/{STRANGE}/cache"},
        named=False,
    ),
    Case(
        "rights: a user in group docker, with a cluster of his own",
        BUILDS,
        prepare=_of_user,
        before=AS_USER,
        variables=HOME_OF_USER,
        named=False,
        cannot=_no_other_user,
    ),
    Case(
        "rights: results/ that root has made",
        ONE,
        prepare=_with_results_of_root,
        before=AS_USER,
        variables=HOME_OF_USER,
        named=False,
        code=3,
        says=f"results belongs to root, so sudo chown -R {USER} ",
        cannot=_no_other_user,
    ),
    Case("rights: umask 077", BUILDS, before=_after("umask 077; chmod -R go= .")),
    Case(
        "Docker: a credential helper that is not there",
        BUILDS,
        prepare=_broken_helper,
        variables={"DOCKER_CONFIG": "{folder}/docker"},
        quick=True,
    ),
    Case("stopped: SIGSTOP for a minute", ("labs/test_health.py", "-n4"), meanwhile=_stop_and_go_on, as_plain=False),
    Case(
        "stopped: SIGINT that a shell has set to be ignored",
        ONE,
        before=_after('trap "" INT'),
        meanwhile=_interrupt,
        code=3,
        says="interrupted",
        quick=True,
    ),
)

ELSEWHERE = {
    "a laptop that slept": "a process cannot put its machine to sleep",
    "a clock that was stepped": "it would be stepped for everybody on this machine",
    "Docker from snap": "it is another installation of the engine",
    "rootless Docker": "it is another installation of the engine",
    "the containerd image store": "it is another setting of the engine, which others may be using",
    "DOCKER_HOST=tcp:// and ssh://": "it takes a second machine",
    "GitHub's runner": "it is another machine; .github/workflows/labs.yaml runs there",
}
"""What this machine cannot be made into, and why."""
