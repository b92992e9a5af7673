"""Connections to the HTTP port on which nothing is asked. Granian waits for ever for the first byte of one, and for the
next request of one that is kept: whoever says nothing would hold one of those that are served at a time.

So they are looked through now and then. One that has asked nothing yet is let go after a short time; one that has, when
no proxy and no browser keeps its side for that long either. Where a request is being answered, as a stream or a socket
is for hours, nothing is hurried.
"""

from __future__ import annotations

import asyncio
from collections.abc import Container, Mapping
from typing import Any, NamedTuple

import structlog

from app.api.accepted import accepted, listed, number_of, shut
from app.api.taking import STALLED_S_MAX, PacedStream, acknowledged_on, bytes_acknowledged, hang_up

log = structlog.get_logger(__name__)

SILENT_TIMEOUTS = 2
"""How many times as long as a head may take to arrive: that is looked after by Granian, once it knows which HTTP it
will be."""
IDLE_S = STALLED_S_MAX
"""Longer than load balancers keep a connection for the next request: who closes first should be the one who sends."""
LOOKS_IN_A_TIMEOUT = 4
LOOK_EVERY_S_MIN, LOOK_EVERY_S_MAX = 0.05, 15.0
QUIET_EVERY_S, QUIET_LOOKS = 0.1, 10
"""As the server stops: how often it looks, and in how many looks a connection is the same before it is let go."""


class _Idle(NamedTuple):
    """Since when nothing has been asked, and whether anything ever was."""

    since: float
    asked: bool


class Connections:
    """Of a client, as `address:port`, the requests that are going, and since when there are none."""

    def __init__(self, *, silent_s: float, idle_s: float = IDLE_S) -> None:
        self._silent_s = silent_s
        self._idle_s = idle_s
        self._going: dict[str, int] = {}
        self._lately: set[str] = set()
        self._idle: dict[str, _Idle] = {}
        self._blind = False
        self._port = 0

    def __len__(self) -> int:
        return len(self._going)

    def __contains__(self, client: object) -> bool:
        """Whether a request of the client is going."""
        return client in self._going

    def begun(self, client: str) -> None:
        """A request came on the client's connection."""
        self._going[client] = self._going.get(client, 0) + 1

    def ended(self, client: str) -> None:
        """It is answered."""
        left = self._going.pop(client) - 1
        if left:
            self._going[client] = left
        if not self._blind:
            self._lately.add(client)

    def overdue(self, there: frozenset[str], *, now: float) -> frozenset[str]:
        """Those of the clients that are there now whose connections are to be let go; the others are forgotten."""
        lately, self._lately = self._lately, set()
        idle: dict[str, _Idle] = {}
        for client in there:
            known = self._idle.get(client)
            if client in self._going or client in lately:
                idle[client] = _Idle(now, True)
            else:
                idle[client] = known or _Idle(now, False)
        self._idle = idle
        return frozenset(
            client for client, one in idle.items() if now - one.since >= (self._idle_s if one.asked else self._silent_s)
        )

    async def run(self, port: int) -> None:
        """Let go of what is overdue at our port, until cancelled."""
        self._port = port
        try:
            if listed():
                await self._look(port)
        finally:
            self._blind = True
            self._lately.clear()

    def paced(self, stream: Any, client: str) -> PacedStream:
        """The stream of an answer, given no more than its client takes, as long as we are at work."""
        number: int | None = None

        async def taken() -> int | None:
            nonlocal number
            if self._blind or not self._port:
                return None
            if number is None:
                number = await asyncio.to_thread(number_of, client, self._port)
            return None if number is None else bytes_acknowledged(number, client, self._port)

        def let_go() -> None:
            if number is not None:
                hang_up(number, client, self._port)

        return PacedStream(stream, taken, let_go)

    async def let_go(self) -> None:
        """As the server stops, let go of connections on which nothing is asked any more, nor any of an answer taken,
        until cancelled. Over HTTP/2 Granian waits until a client has heard that we leave; one that reads only while it
        waits for an answer, as clients without threads do, does not before its next request."""
        if not (self._port and listed()):
            return
        quiet: dict[str, _Quiet] = {}
        while True:
            quiet = await asyncio.to_thread(_let_go_of_quiet, self._port, self, quiet)
            await asyncio.sleep(QUIET_EVERY_S)

    async def _look(self, port: int) -> None:
        every_s = max(LOOK_EVERY_S_MIN, min(LOOK_EVERY_S_MAX, self._silent_s / LOOKS_IN_A_TIMEOUT))
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(every_s)
            there = await asyncio.to_thread(_clients, port)
            overdue = self.overdue(there, now=loop.time())
            if overdue:
                await asyncio.to_thread(_hang_up, port, overdue)
                log.info("connections on which nothing was asked are closed", count=len(overdue))


class _Quiet(NamedTuple):
    """What the client had acknowledged, and in how many looks it was that."""

    acknowledged: int | None
    looks: int


def _let_go_of_quiet(port: int, going: Container[str], before: Mapping[str, _Quiet]) -> dict[str, _Quiet]:
    """How quiet those are now on which nothing is going; whoever was for long enough is let go."""
    now: dict[str, _Quiet] = {}
    for client, connection in accepted(port):
        if client in going:
            continue
        known, acknowledged = before.get(client), acknowledged_on(connection)
        looks = known.looks + 1 if known is not None and known.acknowledged == acknowledged else 1
        now[client] = _Quiet(acknowledged, looks)
        if looks > QUIET_LOOKS:
            shut(connection)
    return now


def _clients(port: int) -> frozenset[str]:
    return frozenset(client for client, _ in accepted(port))


def _hang_up(port: int, clients: frozenset[str]) -> None:
    for client, connection in accepted(port):
        if client in clients:
            shut(connection)
