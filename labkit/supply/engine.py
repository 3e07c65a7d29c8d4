"""The container engine: the one that answers, or, for root on Debian or Ubuntu, one that is installed and started."""

from __future__ import annotations

import contextlib
import gc
import json
import os
import shlex
import shutil
import stat
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
import psutil
import tenacity
from docker.errors import APIError, DockerException
from requests.exceptions import RequestException

from labkit.environment import of_build
from labkit.paths import cache_dir
from labkit.progress import Progress
from labkit.supply import apt, bounded_runtime, endpoint, inotify
from labkit.supply.cache import alone, write_whole
from labkit.supply.process import Failed, run
from labkit.trouble import CannotRun, reason

READ_TIMEOUT_S = 600
"""Seconds without a byte before a call to the engine is given up; a quiet step of an image build takes minutes."""

START_S = 90
"""Seconds a started dockerd is given to answer; it took 2 on two idle cores and some 20 with many old containers."""

_RUNTIME = "labs-bounded"
"""What dockerd calls the runtime in bounded_runtime.py."""

_USERS_SETTINGS = Path("/etc/docker/daemon.json")
_PID_FILES = {
    Path("/var/run/docker.pid"): "dockerd",
    Path("/var/run/docker/containerd/containerd.pid"): "containerd",
}


@dataclass(frozen=True)
class Engine:
    """An engine that answers."""

    client: docker.DockerClient
    version: str
    cores: int
    cgroup_v1: bool
    architecture: str
    """Go's word for the processor: amd64, arm64."""
    data_root: Path | None
    """Where images lie, when that is on this machine."""

    @property
    def here(self) -> bool:
        """Whether its containers run on this machine, and not on another or in a virtual one."""
        return self.data_root is not None


def ensure(progress: Progress) -> Engine:
    """Give the engine that DOCKER_HOST, the docker context or the default socket names; start one where none is.

    Raises: CannotRun when none answers and none may be installed, or when the one that was started does not answer.
    """
    endpoint.prepare()
    if trouble := endpoint.unreadable():
        progress.say(trouble)
    engine = _ask()
    if isinstance(engine, str):
        _refuse_what_is_not_ours_to_start(engine)
        with alone("engine", progress, "another run is starting the container engine"):
            engine = _ask()
            if isinstance(engine, str):
                engine = _start(progress)
    _need_client(progress)
    if engine.here:
        inotify.raise_limits(progress)
        _keep_bounded_runtime(engine)
    return engine


def _ask() -> Engine | str:
    """Ask the engine for itself; a string says why it did not answer."""
    # The SDK leaves the socket of a connection that was refused to the garbage collector, which warns of it: here,
    # where it is known, and not at some later moment in which a warning ends a run.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        try:
            client = endpoint.connect(READ_TIMEOUT_S)
            return _engine(client, client.info())
        except (DockerException, OSError) as error:
            why = reason(error)
        gc.collect()
    return why


def _engine(client: docker.DockerClient, info: Mapping[str, Any]) -> Engine:
    data_root = Path(info.get("DockerRootDir", ""))
    local = client.api.base_url.startswith("http+docker://") and _is_here(data_root)
    return Engine(
        client=client,
        version=info["ServerVersion"],
        cores=info["NCPU"],
        architecture={"x86_64": "amd64", "aarch64": "arm64"}.get(info["Architecture"], info["Architecture"]),
        cgroup_v1=info.get("CgroupVersion") != "2",
        data_root=data_root if local else None,
    )


def _is_here(data_root: Path) -> bool:
    """Tell whether the engine's folder is on this machine; below one that this user may not enter it is."""
    try:
        return stat.S_ISDIR(data_root.stat().st_mode)
    except PermissionError:
        return True
    except OSError:
        return False


def _refuse_what_is_not_ours_to_start(why: str) -> None:
    if named := endpoint.chosen().named:
        raise CannotRun(
            f"the container engine of {named} does not answer ({why}): start it, or choose another with DOCKER_HOST or"
            " docker context use"
        )
    if "Permission denied" in why:
        raise CannotRun(
            "this user may not speak to the container engine (permission denied on its socket):"
            " join the docker group (sudo usermod -aG docker $USER, then log in again) or run as root"
        )
    if not apt.usable():
        raise CannotRun(
            "no container engine answers, and only root on Debian or Ubuntu gets one installed:"
            " install and start Docker (https://docs.docker.com/engine/install/), then run again"
        )


@contextlib.contextmanager
def told_when_failing() -> Iterator[None]:
    """Turn an engine that refuses something, or goes away, into one sentence."""
    try:
        yield
    except APIError as error:
        raise CannotRun(f"the container engine refused something ({error.explanation or error})") from error
    except (DockerException, RequestException) as error:
        raise CannotRun(
            f"the container engine does not answer any more ({reason(error)}): see to it and run again"
        ) from error


def _need_client(progress: Progress) -> None:
    """See that there is a docker command: kind speaks to the engine through it."""
    # Debian 13 ships the client as a package of its own; before, docker.io has it.
    if shutil.which("docker") is None and apt.usable() and apt.available("docker-cli"):
        apt.install(["docker-cli"], progress)
    if shutil.which("docker") is None:
        raise CannotRun("the docker command is missing, and kind needs it: install Docker's command line client")


def _start(progress: Progress) -> Engine:
    if shutil.which("dockerd", path=_path_with_sbin()) is None:
        progress.say("no container engine here: installing docker.io")
        apt.install(["docker.io"], progress)
        engine = _ask()
        if not isinstance(engine, str):
            return engine  # where a service manager runs, the package has started it
    if Path("/run/systemd/system").is_dir():
        progress.say("starting the container engine: systemctl start docker")
        try:
            run(["systemctl", "start", "docker"])
        except Failed as failed:
            raise CannotRun(
                f"systemctl start docker failed ({failed.last_words}): see journalctl -u docker"
            ) from failed
        return _wait_for_answer(lambda: None, "journalctl -u docker")
    return _start_dockerd(progress)


def _start_dockerd(progress: Progress) -> Engine:
    """Start dockerd so that it outlives this process: its own session, its output in a file."""
    folder = cache_dir() / "engine"
    log = folder / "dockerd.log"
    settings = folder / "daemon.json"
    for pid_file, program in _PID_FILES.items():
        if is_stale(pid_file, program):
            pid_file.unlink()
    write_whole(settings, json.dumps(daemon_settings(_users_settings(), _needs(folder, progress)), indent=2))
    progress.say(f"starting dockerd in the background; its log: {log}")
    with log.open("ab") as output:
        # By way of a shell that ends at once: the daemon is nobody's child, since it is to outlive all of us.
        started = subprocess.run(
            ["sh", "-c", 'dockerd "$@" >&2 & echo $!', "sh", f"--config-file={settings}"],
            env={**of_build(), "PATH": _path_with_sbin()},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=output,
            start_new_session=True,
            cwd="/",
            check=True,
        )

    def see_that_it_lives() -> None:
        with contextlib.suppress(psutil.NoSuchProcess):
            if psutil.Process(int(started.stdout)).status() != psutil.STATUS_ZOMBIE:
                return
        raise CannotRun(f"dockerd ended at once ({_last_line(log)}): see {log}")

    return _wait_for_answer(see_that_it_lives, str(log))


def _wait_for_answer(see_that_it_lives: Callable[[], None], look_at: str) -> Engine:
    def answer() -> Engine:
        see_that_it_lives()
        engine = _ask()
        if isinstance(engine, str):
            raise ConnectionError(engine)
        return engine

    try:
        return tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(ConnectionError),
            wait=tenacity.wait_fixed(0.2),
            stop=tenacity.stop_after_delay(START_S),
            reraise=True,
        )(answer)
    except ConnectionError as error:
        raise CannotRun(
            f"the container engine was started and did not answer within {START_S} s ({error}): see {look_at}"
        ) from error


def _users_settings() -> dict[str, Any]:
    """Read the settings that the user has for dockerd; the file itself is never written."""
    try:
        return dict(json.loads(_USERS_SETTINGS.read_text()))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise CannotRun(f"{_USERS_SETTINGS} cannot be read ({error}): mend it or move it away") from error


def daemon_settings(theirs: Mapping[str, Any], needs: Mapping[str, Any]) -> dict[str, Any]:
    """Lay what this machine needs under the settings that the user wrote: theirs win, runtimes are joined."""
    settings = {**needs, **theirs}
    if "runtimes" in needs:
        settings["runtimes"] = {**needs["runtimes"], **theirs.get("runtimes", {})}
    return settings


def _needs(folder: Path, progress: Progress) -> dict[str, Any]:
    needs: dict[str, Any] = {}
    if not Path("/sys/fs/cgroup/cgroup.controllers").exists():
        # cgroup v1: the engine's default there is the host's cgroup namespace, in which nodes would share one tree.
        needs["default-cgroupns-mode"] = "private"
    missing = bounded_runtime.missing_capabilities(
        Path("/proc/self/status").read_text(), int(Path("/proc/sys/kernel/cap_last_cap").read_text())
    )
    if missing:
        progress.say(f"this machine lacks {', '.join(missing)}: containers go without, through a runtime of our own")
        needs["runtimes"] = {_RUNTIME: {"path": str(_install_bounded_runtime(folder / "bounded-runtime"))}}
        needs["default-runtime"] = _RUNTIME
    return needs


def _install_bounded_runtime(script: Path) -> Path:
    """Copy the runtime where the daemon finds it, whatever becomes of the checkout or the virtual environment."""
    interpreter = Path(sys.executable).resolve()
    program = script.with_suffix(".py")
    write_whole(program, Path(bounded_runtime.__file__).read_text(encoding="utf-8"))
    # By way of a shell: the kernel reads an interpreter's path up to its first blank, and 255 characters of it.
    line = f'exec {shlex.quote(str(interpreter))} -IS {shlex.quote(str(program))} "$@"'
    write_whole(script, f"#!/bin/sh\n{line}\n", mode=0o755)
    return script


def _keep_bounded_runtime(engine: Engine) -> None:
    """Put the runtime back where a running daemon looks for it, if the cache folder was emptied under it.

    Raises: CannotRun where it is gone and not for this user to put back.
    """
    runtime = engine.client.info().get("Runtimes", {}).get(_RUNTIME)
    if not runtime:
        return
    path = Path(runtime["path"])
    try:
        path.stat()
    except PermissionError:
        return  # in the cache of whoever started the engine, root, who alone has to find it there
    except FileNotFoundError:
        try:
            _install_bounded_runtime(path)
        except OSError as error:
            raise CannotRun(
                f"the engine was started by another user and starts containers by {path}, which is gone:"
                " that user's (root's) nox -s supply puts it back"
            ) from error


def is_stale(pid_file: Path, program: str) -> bool:
    """Tell whether a pid file names a process that is gone, or another program's (pids come round again).

    dockerd refuses to start beside the one file, and waits in vain for the containerd of the other.
    """
    try:
        pid = int(pid_file.read_text())
    except FileNotFoundError:
        return False
    except ValueError:
        return True
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip() != program
    except OSError:
        return True


def _path_with_sbin() -> str:
    return f"{os.environ.get('PATH', os.defpath)}:/usr/local/sbin:/usr/sbin:/sbin"


def _last_line(log: Path) -> str:
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1][-300:] if lines else "it wrote nothing"
