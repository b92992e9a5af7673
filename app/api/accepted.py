"""Connections that were accepted at our HTTP port. Granian does not tell us of them: they are found among the process'
own files, and looked at in place. None is copied: closing a copy of the database's file would let go of the locks that
the process has on it (fcntl(2), F_SETLK).
"""

from __future__ import annotations

import ipaddress
import os
import resource
import socket
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

OPEN_FILES = Path("/proc/self/fd")


def listed() -> bool:
    """Whether this system lists the files of a process."""
    return OPEN_FILES.is_dir()


def accepted(port: int) -> Iterator[tuple[str, socket.socket]]:
    """All of them, by their clients, as Granian writes those. A socket is to be used before the next one is taken."""
    return in_place(_numbers(), port)


def number_of(client: str, port: int) -> int | None:
    """Of the file that is the client's connection."""
    return next((connection.fileno() for found, connection in accepted(port) if found == client), None)


def in_place(numbers: Iterable[int], port: int) -> Iterator[tuple[str, socket.socket]]:
    """Those among the files of these numbers."""
    for number in numbers:
        try:
            if not stat.S_ISSOCK(os.fstat(number).st_mode):
                continue
            connection = socket.socket(fileno=number)
        except OSError:  # it was closed just now
            continue
        try:
            if connection.family in (socket.AF_INET, socket.AF_INET6) and (client := _client(connection, port)):
                yield client, connection
        finally:
            connection.detach()


def shut(connection: socket.socket) -> None:
    """Whoever reads from it is told that it has ended."""
    with suppress(OSError):  # it has just now
        connection.shutdown(socket.SHUT_RDWR)


def _numbers() -> Iterable[int]:
    """Of the process' open files."""
    try:
        return [int(file.name) for file in OPEN_FILES.iterdir()]
    except OSError:  # out of files, which is when connections have to be let go: there is a file of each number
        return range(resource.getrlimit(resource.RLIMIT_NOFILE)[0])


def _client(connection: socket.socket, port: int) -> str:
    """Whose connection it is, as Granian writes it; "" if it is none that was accepted at the port."""
    try:
        own, peer = connection.getsockname(), connection.getpeername()
    except OSError:
        return ""
    return _written(connection.family, peer) if own[1] == port else ""


def _written(family: int, peer: Any) -> str:
    if family == socket.AF_INET:
        return f"{peer[0]}:{peer[1]}"
    address, scope = peer[0].partition("%")[0], peer[3]
    if not address.startswith("::ffff:"):
        address = str(ipaddress.IPv6Address(address))
    return f"[{address}%{scope}]:{peer[1]}" if scope else f"[{address}]:{peer[1]}"
