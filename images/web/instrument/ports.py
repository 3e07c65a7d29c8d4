"""Listening: a port, a thread for each connection, and the extra TCP ports that labs open and close."""

from __future__ import annotations

import contextlib
import errno
import socket
import threading
import time
from collections.abc import Callable

from .journal import Journal

Handle = Callable[[socket.socket, str], None]
"""Serves one connection; gets the socket, which is closed afterwards, and the caller's address."""


def listen(port: int) -> socket.socket:
    """Open a port on all addresses. Raises: OSError where it is taken or not allowed."""
    return socket.create_server(("0.0.0.0", port), backlog=512)


def serve(listener: socket.socket, handle: Handle) -> None:
    """Accept until the listener is shut down, each connection in a thread of its own."""
    while True:
        try:
            connection, (caller, _) = listener.accept()
            threading.Thread(target=_serve_one, args=(handle, connection, caller), daemon=True).start()
        except (OSError, RuntimeError) as error:
            if getattr(error, "errno", None) in (errno.EINVAL, errno.EBADF):
                return
            # Out of file descriptors or threads for the moment: the caller sees it, the port must survive it.
            time.sleep(0.01)


def _serve_one(handle: Handle, connection: socket.socket, caller: str) -> None:
    # A caller that goes away or falls silent, as probes do that time out, is no error; the log has it.
    with connection, contextlib.suppress(OSError):
        handle(connection, caller)


class TcpPort:
    """A port that speaks no protocol: "hang" holds its connections, "close" drops them at once."""

    def __init__(self, port: int, manner: str, journal: Journal) -> None:
        self.port = port
        self.manner = manner
        self._journal = journal
        self._lock = threading.Lock()
        self._listener: socket.socket | None = None
        self._held: set[socket.socket] = set()

    def open(self) -> None:
        """Accept connections; nothing happens where the port is open. Raises: OSError where it is taken."""
        with self._lock:
            if self._listener is not None:
                return
            self._listener = listen(self.port)
            threading.Thread(target=serve, args=(self._listener, self._handle), daemon=True).start()

    def close(self) -> None:
        """Refuse connections from now on, and drop those that are held."""
        with self._lock:
            if self._listener is not None:
                # close() alone leaves the port open for as long as a thread waits in accept().
                self._listener.shutdown(socket.SHUT_RDWR)
                self._listener.close()
                self._listener = None
            held = tuple(self._held)
        for connection in held:
            _hang_up(connection)

    def show(self) -> dict[str, object]:
        """Give the port's state as JSON."""
        with self._lock:
            return {
                "port": self.port,
                "manner": self.manner,
                "open": self._listener is not None,
                "held": len(self._held),
            }

    def _handle(self, connection: socket.socket, caller: str) -> None:
        with self._lock:
            if self._listener is None:
                return
            self._held.add(connection)
        # Written only now: who reads the line may close the port at once, and this connection is to be dropped too.
        self._journal.write(path=f"tcp:{self.port}", **{"from": caller})
        try:
            while self.manner == "hang" and connection.recv(4096):
                pass
        finally:
            with self._lock:
                self._held.discard(connection)


def _hang_up(connection: socket.socket) -> None:
    # The other side may have been faster.
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
