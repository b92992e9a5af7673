"""What the worker has to say: all that is queued while one message is being sent travels as the next one.

The first word after a rest waits for one turn of the event loop: code that what came has let go on then runs before it
is sent, and what that says at once, such as the end of a short run, travels with it.
"""

from __future__ import annotations

import asyncio
from collections import deque

from ironflow.v1 import worker_pb2

BATCH_MAX = 1_000
BATCH_BYTES_MAX = 8 * 2**20


class Outbox:
    """Messages in order, in envelopes of bounded count and size: none grows past one result beyond the limit."""

    def __init__(self) -> None:
        self._envelopes: deque[worker_pb2.WorkerMessage] = deque()
        self._count = 0
        self._bytes = 0
        self._wake: asyncio.Future[None] | None = None
        self._flushed: asyncio.Future[None] | None = None
        self._sending = False

    def add(self, size_bytes: int = 0) -> worker_pb2.WorkerMessage:
        """A new message at the end, to be filled in before the event loop turns. `size_bytes` is that of its payload,
        if it can be large."""
        if not self._envelopes or self._count >= BATCH_MAX or self._bytes >= BATCH_BYTES_MAX:
            self._envelopes.append(worker_pb2.WorkerMessage())
            self._count = self._bytes = 0
        self._count += 1
        self._bytes += size_bytes
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)
        return self._envelopes[-1].batch.add()

    async def take(self) -> worker_pb2.WorkerMessage:
        """All that is queued, as one message, or as much as fits; waits for something. One message goes as it is."""
        self._sending = False
        while not self._envelopes:
            if self._flushed is not None and not self._flushed.done():
                self._flushed.set_result(None)
            self._wake = asyncio.get_running_loop().create_future()
            await self._wake
            await asyncio.sleep(0)
        self._sending = True
        envelope = self._envelopes.popleft()
        if not self._envelopes:
            self._count = self._bytes = 0
        return envelope.batch[0] if len(envelope.batch) == 1 else envelope

    async def flushed(self) -> None:
        """Returns when everything has been taken and sent. One caller at a time."""
        if self._envelopes or self._sending:
            self._flushed = asyncio.get_running_loop().create_future()
            await self._flushed
