"""Answers in parts, sent no faster than their client takes them. Granian queues whatever a stream is given and never
waits, so who has stopped reading would have as much of history in our memory as they asked for.

How far a client is, the system knows: it counts the bytes of a connection that the other side has acknowledged
(tcp(7), TCP_INFO; RFC 4898, tcpEStatsAppHCThruOctetsAcked). Where a system does not tell, nothing is waited for.
Streams of one HTTP/2 connection share its count: one that stands still is noticed as far as the others do not flow.

Who takes nothing at all for long is let go, and what was made for them with it.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from granian._granian import RSGIProtocolClosed as ProtocolClosed

from app.api.accepted import in_place, shut

log = structlog.get_logger(__name__)

LOOK_BYTES = 2**18
"""Given between two looks at what was taken."""
AHEAD_BYTES_MAX = 2**20
"""Given and not taken, before more is made: beside it, the system's own buffer for the connection."""
WAIT_S_MIN, WAIT_S_MAX = 0.01, 0.25
STALLED_S_MAX = 660.0
"""As long as a connection may be kept on which nothing is asked."""

_BYTES_ACKED = struct.Struct("=120xQ")
"""Where TCP_INFO has it, since Linux 4.1."""

Taken = Callable[[], Awaitable[int | None]]
"""How many bytes of a connection its client has acknowledged, since any time; None if nobody knows, or it has ended."""
LetGo = Callable[[], None]
"""Ends the connection."""

Pacing = Callable[[Any], "PacedStream"]
"""Makes a stream of Granian's a paced one."""


class PacedStream:
    """A stream of Granian's, given as much as its client takes."""

    def __init__(self, stream: Any, taken: Taken, let_go: LetGo) -> None:
        self._stream = stream
        self._taken = taken
        self._let_go = let_go
        self._given = 0
        self._ahead = 0
        self._acknowledged: int | None = None

    async def send_bytes(self, part: bytes) -> None:
        """Returns once more may be sent. Raises ProtocolClosed."""
        await self._stream.send_bytes(part)
        self._given += len(part)
        if self._given >= LOOK_BYTES:
            await self._let_take()

    async def _let_take(self) -> None:
        self._ahead, self._given, wait_s, stalled_s = self._ahead + self._given, 0, WAIT_S_MIN, 0.0
        while (acknowledged := await self._taken()) is not None:
            before, self._acknowledged = self._acknowledged, acknowledged
            # More is acknowledged than was given: heads and frames. What is over is not counted for later parts.
            self._ahead = max(0, self._ahead - (0 if before is None else acknowledged - before))
            if self._ahead <= AHEAD_BYTES_MAX:
                return
            if acknowledged != before:
                stalled_s = 0.0
            if stalled_s >= STALLED_S_MAX:
                log.info("a client that takes nothing of its answer is let go", seconds=round(stalled_s))
                self._let_go()
                raise ProtocolClosed
            await asyncio.sleep(wait_s)
            stalled_s += wait_s
            wait_s = min(2 * wait_s, WAIT_S_MAX)


def bytes_acknowledged(number: int, client: str, port: int) -> int | None:
    """Of the client's connection at our port, if the file of that number still is that connection."""
    for found, connection in in_place((number,), port):
        if found == client:
            return acknowledged_on(connection)
    return None


def hang_up(number: int, client: str, port: int) -> None:
    """End that connection, if the file still is it."""
    for found, connection in in_place((number,), port):
        if found == client:
            shut(connection)


def acknowledged_on(connection: socket.socket) -> int | None:
    """How many bytes its client has acknowledged; None if that is not known."""
    try:
        told = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _BYTES_ACKED.size)
        [count] = _BYTES_ACKED.unpack(told)
    except (OSError, AttributeError, struct.error):  # it has ended, or this system does not count
        return None
    return int(count)
