"""Where NATS is: our own child, or a server elsewhere; and how our connections to it are made."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from app.bus.nats_server import NatsServer

if TYPE_CHECKING:
    from nats.aio.client import Client

CONNECT_TIMEOUT_S = 5
CLOSE_TIMEOUT_S = 5.0
PING_S = 3
"""How often each connection asks whether the server is there. The third question without an answer ends it: a network
that is cut tells nobody."""
PENDING_BYTES_MAX = 64 * 2**20
INBOX = b"_IRONFLOW"
"""Our own replies go where no other user may listen."""
COPIES_MAX = 3
RETRY_S = (0.1, 5.0)
"""Between attempts to connect: at first, and at most."""


class Place:
    """`server` is our own child, or None for those at `url`, separated by commas. Nodes may share those.
    `copies` is how many of a cluster's servers hold each stream: of three, one can be lost."""

    def __init__(self, *, server: NatsServer | None, url: str = "") -> None:
        self.server = server
        self._url = url
        self.copies = COPIES_MAX if server is None and len(url.split(",")) >= COPIES_MAX else 1

    async def connect(self) -> Client:
        """A connection that is not mended when it breaks: whoever has it begins anew, and asks where it is. Our own
        child is waited for. Raises what nats-py raises, OSError, TimeoutError."""
        import nats

        servers, user, password = self._url.split(","), None, None
        if self.server is not None:
            servers, user, password = [await self.server.ready()], self.server.user, self.server.password
        return await nats.connect(
            servers,
            user=user,
            password=password,
            allow_reconnect=False,
            connect_timeout=CONNECT_TIMEOUT_S,
            ping_interval=PING_S,
            pending_size=PENDING_BYTES_MAX,
            inbox_prefix=INBOX,
            error_cb=_ignore,
        )

    async def stay_connected(self, use: Callable[[Client, asyncio.Event], Awaitable[None]]) -> None:
        """Use a connection, and when that ends a new one, until cancelled: whatever happens to NATS is waited out.
        `use` is given an event which is set when its connection is lost; then it is to return."""
        delay_s = RETRY_S[0]
        while True:
            try:
                await self._used_once(use)
                delay_s = RETRY_S[0]
            except Exception as error:
                if not isinstance(error, failures()):
                    raise
            await asyncio.sleep(delay_s)
            delay_s = min(delay_s * 2, RETRY_S[1])

    async def _used_once(self, use: Callable[[Client, asyncio.Event], Awaitable[None]]) -> None:
        closed = asyncio.Event()
        client = await self.connect()

        def over(reading: asyncio.Task[None]) -> None:
            closed.set()
            if not reading.cancelled():
                reading.exception()  # seen: whoever uses the connection is told by the event

        # nats-py, a pinned release, does not call its `closed_cb` where the connection broke before all was written.
        assert client._reading_task is not None
        client._reading_task.add_done_callback(over)
        try:
            await use(client, closed)
        finally:
            with suppress(*failures()):  # it is given up either way, and not in place of what ended its use
                async with asyncio.timeout(CLOSE_TIMEOUT_S):
                    await client.close()


async def _ignore(error: Exception) -> None:
    """What goes wrong is raised by the calls that fail; nats-py would write it to the log besides."""


def failures() -> tuple[type[Exception], ...]:
    """What a connection that is lost or refused raises; asked for only when something was raised, so that nats-py is
    loaded late."""
    from nats.errors import Error

    return (OSError, TimeoutError, Error)
