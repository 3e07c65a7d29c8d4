"""Start the instrument: read the environment, open the ports, then wait for the signal to stop."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable

from . import settings as environment
from .application import PATHS, Application
from .background import Clients
from .control import Control
from .faults import Faults
from .http_server import HttpServer
from .journal import Journal
from .ports import TcpPort, listen, serve

STOPPERS = (signal.SIGTERM, signal.SIGINT)


def main() -> int:
    """Run until told to stop; give the exit code."""
    # Blocked before the first thread is started and fetched by sigwait: no handler to race with, and unlike
    # a signal without a handler a blocked one is not thrown away when the process is PID 1.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOPPERS)
    # As PID 1 we inherit the orphans of every `kubectl exec`; ignored children leave no zombies.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        settings = environment.read(os.environ)
    except environment.BadSetting as bad:
        print(bad, file=sys.stderr)
        return 2
    journal = Journal()
    started = journal.write(event="started", name=settings.name)["t"]
    code = _wait_for_stop(settings, journal, settings.start_delay_s) if settings.start_delay_s else None
    if code is not None:
        return code
    try:
        _open_ports(settings, journal, started)
    except OSError as error:
        print(f"cannot listen: {error.strerror}", file=sys.stderr)
        return 1
    journal.write(event="listening")
    return _wait_for_stop(settings, journal, None) or 0


def _open_ports(settings: environment.Settings, journal: Journal, started: object) -> None:
    faults = Faults(PATHS, settings.faults)
    ports = {port: TcpPort(port, manner, journal) for port, manner in settings.listeners.items()}
    application = Application(settings, faults, started)
    http = HttpServer(application, Control(faults, journal, Clients(), ports), journal)
    listener = listen(settings.port)
    for port in ports.values():
        port.open()
    if settings.grpc_port is not None:
        _serve_grpc(settings, settings.grpc_port, faults, journal)
    _start(lambda: serve(listener, http.handle))


def _serve_grpc(settings: environment.Settings, port: int, faults: Faults, journal: Journal) -> None:
    listener = listen(port)

    def run() -> None:
        # Here and not above: h2 costs more time and memory than all the rest, and few labs probe by gRPC.
        from .grpc_health import GrpcHealth  # noqa: PLC0415

        serve(listener, GrpcHealth(faults, journal, has_service=settings.grpc_health).handle)

    _start(run)


def _start(run: Callable[[], None]) -> None:
    threading.Thread(target=run, daemon=True).start()


def _wait_for_stop(settings: environment.Settings, journal: Journal, seconds: float | None) -> int | None:
    """Give the exit code once a signal asks to stop; None when the seconds are over."""
    until = None if seconds is None else time.monotonic() + seconds
    while True:
        if until is None:
            number: int = signal.sigwait(STOPPERS)
        else:
            info = signal.sigtimedwait(STOPPERS, max(0.0, until - time.monotonic()))
            if info is None:
                return None
            number = info.si_signo
        journal.write(event=signal.Signals(number).name.lower())
        if number == signal.SIGINT:
            return 130
        if not settings.ignore_sigterm:
            return settings.exit_on_term


if __name__ == "__main__":
    # Not sys.exit: it would wait for nothing useful, and requests that hang must not hold us back.
    code = main()
    sys.stderr.flush()
    os._exit(code)
