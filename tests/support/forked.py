"""The command line as a process of its own, without the half second of imports: forked from one that has made them.

One such process per test process, started when first asked and gone with it. It forks once per command: the child has
the arguments, variables, folder and files that it was given, runs `ironflow` and ends; nothing is left in the parent.
"""

from __future__ import annotations

import atexit
import importlib
import json
import os
import pkgutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.support import reaper

START_TIMEOUT_S = 60.0
MESSAGE_BYTES_MAX = 1 << 20
ROOT = Path(__file__).parents[2]

_guard = threading.Lock()
_forker: tuple[subprocess.Popen[bytes], socket.socket] | None = None


def run(
    arguments: Sequence[str], *, env: Mapping[str, str], cwd: Path, stdin: str = "", timeout_s: float = 60
) -> subprocess.CompletedProcess[str]:
    """What `subprocess.run([python, "-m", "app", *arguments], …)` gives, with its output captured as text. Raises
    TimeoutExpired, and then the command is gone."""
    with _guard, tempfile.TemporaryFile() as told, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        told.write(stdin.encode())
        told.seek(0)
        connection = _started()
        order = json.dumps({"arguments": list(arguments), "env": dict(env), "cwd": str(cwd)}).encode()
        assert len(order) < MESSAGE_BYTES_MAX, "more arguments and variables than a message takes"
        socket.send_fds(connection, [order], [told.fileno(), out.fileno(), err.fileno()])
        connection.settimeout(timeout_s)
        try:
            code = int(connection.recv(64))
        except (TimeoutError, ValueError):
            _stop()
            raise subprocess.TimeoutExpired(list(arguments), timeout_s) from None
        out.seek(0)
        err.seek(0)
        return subprocess.CompletedProcess(list(arguments), code, out.read().decode(), err.read().decode())


def _started() -> socket.socket:
    global _forker
    if _forker is None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            command = [sys.executable, "-m", "tests.support.forked", str(theirs.fileno())]
            env = {**os.environ, "PYTHONUTF8": "1"}
            process = subprocess.Popen(command, cwd=ROOT, env=env, pass_fds=[theirs.fileno()], start_new_session=True)
        reaper.adopt(process.pid)
        ours.settimeout(START_TIMEOUT_S)
        assert ours.recv(64) == b"ready", "the forking process did not come up"
        _forker = process, ours
        atexit.register(_stop)
    return _forker[1]


def _stop() -> None:
    global _forker
    if _forker is not None:
        process, connection = _forker
        _forker = None
        connection.close()
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(timeout=30)
        reaper.release(process.pid)


# --- the other side ---------------------------------------------------------------------------------------------------


def serve(connection: socket.socket) -> None:
    """Fork for each order, until the other end is closed: with the process that had it, however it ended."""
    sys.argv[0] = "ironflow"
    import app.__main__
    import app.cli

    app.__main__.import_less()
    for module in pkgutil.iter_modules(app.cli.__path__, "app.cli."):
        importlib.import_module(module.name)
    connection.sendall(b"ready")
    while asked := order(connection):
        told, files = asked
        pid = os.fork()
        if pid == 0:
            connection.close()
            os._exit(become(app.__main__.main, told, files))
        for file in files:
            os.close(file)
        _, status = os.waitpid(pid, 0)
        connection.sendall(b"%d" % os.waitstatus_to_exitcode(status))


def order(connection: socket.socket) -> tuple[dict[str, Any], list[int]] | None:
    message, files, _, _ = socket.recv_fds(connection, MESSAGE_BYTES_MAX, 3)
    return (json.loads(message), files) if message else None


def become(main: Callable[[], None], told: Mapping[str, Any], files: Sequence[int]) -> int:
    """In a child that was just forked: be the command; returns its exit code."""
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    os.chdir(told["cwd"])
    os.environ.clear()
    os.environ.update(told["env"])
    time.tzset()
    sys.argv[1:] = told["arguments"]
    try:
        main()
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 0 if ended.code is None else 1
        if isinstance(ended.code, str):
            sys.stderr.write(ended.code + "\n")
    except BaseException:  # noqa: BLE001 - as the interpreter does
        traceback.print_exc()
        code = 1
    threading._shutdown()  # type: ignore[attr-defined]  # as at the end of an interpreter: threads that go on hold it up
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    return code


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
