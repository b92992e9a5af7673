"""What a queue of NATS is told of deliveries: gathered, written together, and confirmed to those who wait for it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from app.errors import Unavailable

if TYPE_CHECKING:
    from nats.aio.client import Client

FLUSH_TIMEOUT_S = 5
SETTLE_TIMEOUT_S = 5.0


class Telling:
    def __init__(self) -> None:
        self._frames: list[bytes] = []
        self._flushed: asyncio.Future[bool] | None = None
        self._flush = asyncio.Event()

    def tell(self, reply: str, verdict: bytes) -> None:
        """What became of the delivery that is answered there."""
        self._frames.append(b"PUB %b %d\r\n%b\r\n" % (reply.encode(), len(verdict), verdict))
        self._flush.set()

    async def sent(self) -> None:
        """Returns when what was told so far has reached NATS. Raises Unavailable."""
        if self._flushed is None:
            self._flushed = asyncio.get_running_loop().create_future()
        self._flush.set()
        reached = False
        with suppress(TimeoutError):
            async with asyncio.timeout(SETTLE_TIMEOUT_S):
                reached = await asyncio.shield(self._flushed)
        if not reached:
            raise Unavailable("NATS is not connected", hint="settle it again in a moment")

    async def write(self, client: Client, last: asyncio.Event) -> None:
        """Until all is written after `last` was set, which `look` is to follow."""
        while not last.is_set() or self._frames or self._flushed is not None:
            await self._flush.wait()
            self._flush.clear()
            frames, self._frames = self._frames, []
            waiting, self._flushed = self._flushed, None
            reached = False
            try:
                if frames:
                    await client._send_command(b"".join(frames))
                if waiting is not None or frames:
                    await client.flush(timeout=FLUSH_TIMEOUT_S)
                reached = True
            finally:
                if waiting is not None:
                    waiting.set_result(reached)

    def look(self) -> None:
        """Have what writes look whether it is over."""
        self._flush.set()

    def drop(self) -> None:
        """The connection is gone: who waits is told so, and what they waited for is not written."""
        if self._flushed is not None:
            self._flushed.set_result(False)
            self._flushed, self._frames = None, []
