"""The socket of `ironflow serve`, listening before anything is imported that takes time.

Clients queue in its backlog while the rest loads. Whatever is unclear here is left to app/cli/serve.py, which reads all
settings and takes the socket only if it listens where they say.
"""

from __future__ import annotations

import _socket  # what `socket` is made of: that takes another 3 ms
import os

TYPE_CHECKING = False  # as in app/resources.py
if TYPE_CHECKING:
    import socket
    from collections.abc import Mapping, Sequence

HOST, PORT = "127.0.0.1", 9123
BACKLOG = 1024

_listening: list[tuple[int, _socket.socket]] = []


def listen(arguments: Sequence[str], environment: Mapping[str, str] = os.environ) -> None:
    """Listen where these arguments of `serve` say, if they say it plainly and nobody else listens there."""
    if any(one in ("-h", "--help", "-f", "--file") or one.startswith("--file=") for one in arguments):
        return
    host = _given("--host", arguments) or environment.get("IRONFLOW_HOST") or HOST
    port = _given("--port", arguments) or environment.get("IRONFLOW_PORT") or str(PORT)
    if host != HOST or not port.isdecimal() or int(port) > 65_535:
        return
    listening = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
    prepare(listening)
    try:
        listening.bind((host, int(port)))
        listening.listen(BACKLOG)
    except OSError:
        listening.close()
        return
    _listening.append((int(port), listening))


def prepare(listening: _socket.socket) -> None:
    """What holds for its port, and for every connection that is accepted there: the kernel asks after a client from
    which nothing is heard, and ends the connection of one that is gone without a word."""
    listening.setsockopt(_socket.SOL_SOCKET, _socket.SO_REUSEADDR, 1)
    listening.setsockopt(_socket.SOL_SOCKET, _socket.SO_KEEPALIVE, 1)
    if hasattr(_socket, "TCP_KEEPIDLE"):
        for option, value in ((_socket.TCP_KEEPIDLE, 60), (_socket.TCP_KEEPINTVL, 15), (_socket.TCP_KEEPCNT, 4)):
            listening.setsockopt(_socket.IPPROTO_TCP, option, value)


def take(host: str, port: int) -> socket.socket | None:
    """The socket if it was made for that place; else it is closed."""
    if not _listening:
        return None
    import socket

    wanted, listening = _listening.pop()
    if (host, port) == (HOST, wanted):
        return socket.socket(fileno=listening.detach())
    listening.close()
    return None


def _given(flag: str, arguments: Sequence[str]) -> str:
    """The last value that a flag is given."""
    found = ""
    for at, one in enumerate(arguments):
        if one == flag and at + 1 < len(arguments):
            found = arguments[at + 1]
        elif one.startswith(f"{flag}="):
            found = one.removeprefix(f"{flag}=")
    return found
