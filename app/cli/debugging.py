"""The debug adapter of a server: `ironflow dap` as a child process beside it, on loopback, that ends with it.

A process of its own, since a recording of 100,000 records keeps it busy for seconds. Whoever attaches says an API key
as the token: what one may do is decided by the server, as for any client.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

STOP_TIMEOUT_S = 5.0


@contextmanager
def adapter(listening: socket.socket, url: str) -> Iterator[None]:
    """Serve clients that connect to the socket, which is the child's from now on, with the runs of the server."""
    command = [sys.executable] if getattr(sys, "frozen", False) else [sys.executable, "-m", "app"]
    known = {name: value for name, value in os.environ.items() if name != "IRONFLOW_API_KEY"}  # a client has its own
    number = listening.fileno()
    child = subprocess.Popen(
        [*command, "dap", "--socket", str(number), "--server", url],
        stdin=subprocess.PIPE,  # it ends when that does, so also when this process is killed
        pass_fds=[number],
        env={**known, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    listening.close()
    try:
        yield
    finally:
        assert child.stdin is not None
        with suppress(BrokenPipeError):
            child.stdin.close()
        try:
            child.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
