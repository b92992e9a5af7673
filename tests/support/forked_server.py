"""`ironflow serve` as a process of its own, without the second of imports: forked from one that has made them.

One such process per test process, started with the first server and gone with the test process. It has one thread and
no connection to anything; each child has a session, the arguments, variables, folder and files that it was given, and
goes the whole way of `serve` from binding its socket on. `ForkedServer` does what a `Popen` of the same does.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import pkgutil
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from tests.support import forked, reaper

START_TIMEOUT_S = 60.0
ANSWER_TIMEOUT_S = 120.0
LEFT_OUT = ("app.__main__", "app.cli", "app.debugger")
"""Packages that a server does not load."""
LATER = ("uvloop", "nats", "nats.js.api", "jsonschema", "cryptography.hazmat.primitives.ciphers.aead")
"""What a server loads when it comes to it."""

_guard = threading.Lock()
_forker: socket.socket | None = None


class ForkedServer:
    """One server: the `main` of a module. Its output is to be read from `stdout`; what it complains of goes to the
    given file. On a `terminal` it is one that a person sees."""

    def __init__(
        self,
        module: str,
        arguments: Sequence[str],
        *,
        env: Mapping[str, str],
        stderr: IO[Any],
        terminal: bool = False,
    ) -> None:
        self.args = ["ironflow", *arguments]
        self.returncode: int | None = None
        reading, writing = os.openpty() if terminal else os.pipe()
        order = {"module": module, "arguments": list(arguments), "env": dict(env), "cwd": str(Path.cwd())}
        with open(os.devnull, "rb") as nothing:  # noqa: PTH123 - a device
            try:
                self.pid = _ask(order, [nothing.fileno(), writing, stderr.fileno()])
            finally:
                os.close(writing)
        self._handle = os.pidfd_open(self.pid)  # it may have ended, and is kept until it is waited for
        self.stdout: IO[str] = os.fdopen(reading, encoding="utf-8")

    def send_signal(self, number: signal.Signals) -> None:
        if self.returncode is None:
            signal.pidfd_send_signal(self._handle, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def wait(self, timeout: float) -> int:
        """Its exit code, negative for the signal that ended it. Raises TimeoutExpired."""
        if self.returncode is None:
            waiting = select.poll()
            waiting.register(self._handle, select.POLLIN)
            if not waiting.poll(timeout * 1_000):
                raise subprocess.TimeoutExpired(self.args, timeout)
            self.returncode = _ask({"ended": self.pid}, [])
            os.close(self._handle)
        return self.returncode


def _ask(order: Mapping[str, Any], files: Sequence[int]) -> int:
    """What the other side answers: the pid of a new server, or the exit code of one that ended."""
    message = json.dumps(order).encode()
    assert len(message) < forked.MESSAGE_BYTES_MAX, "more arguments and variables than a message takes"
    with _guard:
        connection = _started()
        try:
            socket.send_fds(connection, [message], files)
            return int(connection.recv(64))
        except (OSError, ValueError):  # whatever it answers from here on is not what it was asked then
            connection.close()
            raise


def _started() -> socket.socket:
    global _forker
    if _forker is None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            command = [sys.executable, "-m", "tests.support.forked_server", str(theirs.fileno())]
            process = subprocess.Popen(command, cwd=forked.ROOT, pass_fds=[theirs.fileno()], start_new_session=True)
        reaper.adopt(process.pid)
        ours.settimeout(START_TIMEOUT_S)
        assert ours.recv(64) == b"ready", "the forking process did not come up"
        ours.settimeout(ANSWER_TIMEOUT_S)
        _forker = ours
        atexit.register(_stop, process, ours)
    return _forker


def _stop(process: subprocess.Popen[bytes], connection: socket.socket) -> None:
    connection.close()
    process.wait(timeout=ANSWER_TIMEOUT_S)
    reaper.release(process.pid)


# --- the other side ---------------------------------------------------------------------------------------------------


def serve(connection: socket.socket) -> None:
    """Fork, or tell how a child ended, as ordered, until the other end is closed: with the process that had it."""
    sys.argv[0] = "ironflow"
    import app.__main__

    app.__main__.import_less()
    _load()
    assert threading.active_count() == 1, "a process with threads cannot be forked"
    gc.collect()
    gc.freeze()
    connection.sendall(b"ready")
    while order := forked.order(connection):
        told, files = order
        if "ended" in told:
            answer = os.waitstatus_to_exitcode(os.waitpid(told["ended"], 0)[1])
        else:
            answer = os.fork()
            if answer == 0:
                connection.close()
                os.setsid()
                os._exit(forked.become(importlib.import_module(told["module"]).main, told, files))
            for file in files:
                os.close(file)
        connection.sendall(b"%d" % answer)


def _load() -> None:
    """Whatever a server comes to load, in the order in which it does."""
    for name in ("app.boot", "app.cli.main", "app.cli.serve", "app.faces", "app.server"):
        importlib.import_module(name)
    import app
    import storage
    from app.loading import without

    with without("anyio", "dotenv", "setproctitle", "watchfiles"):  # as app/boot.py does
        importlib.import_module("granian.server.embed")
    for package in (app, storage):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.startswith(LEFT_OUT):
                importlib.import_module(module.name)
    for name in LATER:
        importlib.import_module(name)


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
