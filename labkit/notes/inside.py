"""What runs inside the containers of a check, on Python alone: the gate to the API server, and the sandbox's shell.

    inside.py gate HOST:PORT     lets everybody through who comes by the socket /gate/api, to that address alone
    inside.py shell              answers one JSON object a line on stdin with one on stdout, see `Shell.do`

The sandbox has no network at all: what it types reaches the API server through the socket of the gate, which it
shares. Nothing here trusts what it runs.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

GATE = "/gate/api"
API = ("127.0.0.1", 6443)

HOME = Path("/home/reader")
STEPS = Path("/steps")
"""A disk of its own: a command that fills one with what it prints ends there, and the next finds room."""

MOST_OUTPUT = 65_536
"""Bytes kept of what one command wrote, from its beginning and from its end."""

FIRST_WORDS_S = 4.0
"""Seconds that a command that goes on for ever gets to say its first word; most servers take a tenth of one."""

MOST_PROCESSES = 100
"""Left going after a command; of more all are ended."""

LAST_WORDS_S = 1.0
"""Seconds for bash to say that a command has ended which was killed."""

_RC = """
. {0}.sh <{1} >{0}.out 2>{0}.err 3>&-
printf '\\n%s\\n' "$?" >&3
"""


def pump(one: socket.socket, other: socket.socket) -> None:
    """Carry bytes one way until there are no more."""
    with contextlib.suppress(OSError):
        while part := one.recv(65_536):
            other.sendall(part)
    with contextlib.suppress(OSError):
        other.shutdown(socket.SHUT_WR)


def join(client: socket.socket, family: int, address: Any) -> None:
    """Carry bytes both ways between a client and an address."""
    with client, socket.socket(family, socket.SOCK_STREAM) as server, contextlib.suppress(OSError):
        server.connect(address)
        back = threading.Thread(target=pump, args=(server, client), daemon=True)
        back.start()
        pump(client, server)
        back.join()


def forward(listening: socket.socket, family: int, address: Any) -> None:
    """Join every client of a listening socket with an address."""
    listening.listen(128)
    while True:
        client, _ = listening.accept()
        threading.Thread(target=join, args=(client, family, address), daemon=True).start()


def gate(address: str) -> None:
    host, _, port = address.rpartition(":")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
        listening.bind(GATE)
        Path(GATE).chmod(0o666)
        print("open", flush=True)
        forward(listening, socket.AF_INET, (host, int(port)))


class Shell:
    """One bash that goes through a scenario's lines, so that variables, functions and the folder are kept."""

    def __init__(self) -> None:
        self._count = 0
        self._bash: subprocess.Popen[bytes] | None = None
        self._ended = -1

    def do(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Do one thing: {"write": path, "text": ...}, or {"run": script, "stdin", "timeout_s", "endless"}.

        Gives {"rc", "stdout", "stderr", "seconds", "ended"}: "ended" is "", "timeout" or "shell" (it left its shell).
        """
        if "write" in asked:
            path = (HOME / Path(asked["write"]).expanduser()).resolve()
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(asked["text"], encoding="utf-8", errors="replace")
            except OSError as error:
                return {"rc": 1, "stdout": "", "stderr": str(error), "seconds": 0.0, "ended": ""}
            return {"rc": 0, "stdout": "", "stderr": "", "seconds": 0.0, "ended": ""}
        return self._run(asked["run"], asked.get("stdin"), float(asked["timeout_s"]), bool(asked.get("endless")))

    def _run(self, script: str, stdin: str | None, timeout_s: float, endless: bool) -> dict[str, Any]:
        started = time.monotonic()
        self._count += 1
        step = STEPS / str(self._count)
        for kind in ("out", "err"):
            step.with_suffix(f".{kind}").touch()
        step.with_suffix(".sh").write_text(script + "\n", encoding="utf-8", errors="replace")
        source = "/dev/null"
        if stdin is not None:
            source = str(step.with_suffix(".in"))
            Path(source).write_text(stdin, encoding="utf-8", errors="replace")
        bash = self._shell()
        assert bash.stdin is not None
        if endless:
            bash.stdin.write(
                f"( . {step}.sh <{source} >{step}.out 2>{step}.err 3>&-; echo $? >{step}.rc ) &\n".encode()
            )
            bash.stdin.flush()
            rc, ended = self._first_words(step)
        else:
            before = _pids()
            bash.stdin.write(_RC.format(step, source).encode())
            bash.stdin.flush()
            rc, ended = self._wait(timeout_s, before)
        if len(_pids()) > MOST_PROCESSES:
            self._kill()
            ended = "sandbox"
        said = {kind: _kept(step.with_suffix(f".{kind}")) for kind in ("out", "err")}
        if not endless:
            for path in STEPS.glob(f"{self._count}.*"):
                path.unlink()
        return {
            "rc": rc,
            "stdout": said["out"],
            "stderr": said["err"],
            "seconds": time.monotonic() - started,
            "ended": ended,
        }

    def _first_words(self, step: Path) -> tuple[int, str]:
        deadline = time.monotonic() + FIRST_WORDS_S
        pause = threading.Event()
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError, ValueError):
                if text := step.with_suffix(".rc").read_text():
                    return int(text), ""
            if any(step.with_suffix(f".{kind}").stat().st_size for kind in ("out", "err")):
                pause.wait(0.3)  # an error is followed by its end
                with contextlib.suppress(OSError, ValueError):
                    return int(step.with_suffix(".rc").read_text()), ""
                return 0, ""
            pause.wait(0.05)
        return 0, ""

    def _wait(self, timeout_s: float, before: set[int]) -> tuple[int, str]:
        bash = self._bash
        assert bash is not None
        deadline = time.monotonic() + timeout_s
        said = b""
        while True:
            ready, _, _ = select.select([self._ended], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                _end(_pids() - before)
                if select.select([self._ended], [], [], LAST_WORDS_S)[0]:
                    os.read(self._ended, 1024)  # or the next command would be told how this one ended
                else:
                    self._kill()
                return 124, "timeout"
            part = os.read(self._ended, 1024)
            if not part:
                rc = bash.wait()
                self._kill()
                return rc if rc >= 0 else 128 - rc, "shell"
            said += part
            if said.startswith(b"\n") and said.count(b"\n") >= 2:
                with contextlib.suppress(ValueError):
                    return int(said.split(b"\n")[1]), ""
                return 1, ""

    def _shell(self) -> subprocess.Popen[bytes]:
        if self._bash is None or self._bash.poll() is not None:
            self._kill()
            reading, writing = os.pipe()
            self._ended = reading
            self._bash = subprocess.Popen(
                [
                    "bash",
                    "--noprofile",
                    "--norc",
                    "-c",
                    f"exec 3>&{writing} {writing}>&-; exec bash --noprofile --norc -s",
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd=HOME,
                pass_fds=(writing,),
            )
            os.close(writing)
            assert self._bash.stdin is not None
            self._bash.stdin.write(b"shopt -s expand_aliases; alias k=kubectl kubecolor=kubectl sudo=\n")
        return self._bash

    def _kill(self) -> None:
        """End all that runs in the container but this process, until nothing is left of it."""
        for _ in range(20):
            if not (alive := _pids()):
                break
            _end(alive)
            threading.Event().wait(0.02)
        if self._bash is not None:
            self._bash.wait()
            os.close(self._ended)
            self._bash = None


def _pids() -> set[int]:
    """Name all processes of the container but this one, the dead ones aside."""
    pids = {int(p.name) for p in Path("/proc").iterdir() if p.name.isdigit()} - {os.getpid()}
    return {pid for pid in pids if not _is_zombie(pid)}


def _end(pids: set[int]) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)


def _is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return True


def _kept(path: Path) -> str:
    """Give what a file holds, cut in the middle."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(MOST_OUTPUT)
            if size <= MOST_OUTPUT:
                return head.decode(errors="replace")
            file.seek(-2048, os.SEEK_END)
            tail = file.read()
    except OSError:
        return ""
    left_out = f"\n[{size - MOST_OUTPUT} more bytes]\n"
    return head[:-2048].decode(errors="replace") + left_out + tail.decode(errors="replace")


def shell() -> None:
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind(API)
    threading.Thread(target=forward, args=(listening, socket.AF_UNIX, GATE), daemon=True).start()
    HOME.mkdir(exist_ok=True)
    with contextlib.suppress(OSError):
        shutil.copytree("/etc/skel", HOME, dirs_exist_ok=True)
    one = Shell()
    for line in sys.stdin:
        try:
            said = one.do(json.loads(line))
        except OSError as error:  # no more disk or processes
            said = {"rc": 1, "stdout": "", "stderr": f"{error}", "seconds": 0.0, "ended": "sandbox"}
        print(json.dumps(said), flush=True)


if __name__ == "__main__":
    if sys.argv[1] == "gate":
        gate(sys.argv[2])
    else:
        shell()
