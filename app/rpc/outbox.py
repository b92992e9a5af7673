"""What a worker is to be told, until its stream takes it: what gathers while one message is sent goes as the next."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence

from ironflow.v1 import worker_pb2

BATCH_MAX = 2_000
BATCH_BYTES_MAX = 8 * 2**20
MESSAGES_MAX = 100_000
"""A worker that reports and never reads is given up when this many messages wait for it."""


class Outbox:
    """`overflowing` is called in the event loop's next turn, whenever a message finds no room."""

    def __init__(self, overflowing: Callable[[], None]) -> None:
        self.batches = False
        """Whether the worker accepts several messages as one."""
        self._overflowing = overflowing
        self._messages: list[worker_pb2.EngineMessage] = []
        self._wake = asyncio.Event()
        self._closed = False

    def put(self, message: worker_pb2.EngineMessage) -> None:
        if len(self._messages) >= MESSAGES_MAX:
            asyncio.get_running_loop().call_soon(self._overflowing)
            return
        self._messages.append(message)
        self._wake.set()

    def close(self) -> None:
        """What is there is taken yet, and then no more is."""
        self._closed = True
        self._wake.set()

    async def messages(self) -> AsyncIterator[worker_pb2.EngineMessage]:
        """Until it is closed: what is to be sent."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            queued, self._messages = self._messages, []
            for message in _batched(queued) if self.batches else queued:
                yield message
            if self._closed and not self._messages:
                return


def _batched(messages: Sequence[worker_pb2.EngineMessage]) -> Iterator[worker_pb2.EngineMessage]:
    """The messages in order, in batches of bounded count and size: none grows past one job beyond the limit."""
    batches: list[list[worker_pb2.EngineMessage]] = []
    size = BATCH_BYTES_MAX
    for message in messages:
        if size >= BATCH_BYTES_MAX or len(batches[-1]) >= BATCH_MAX:
            batches.append([])
            size = 0
        batches[-1].append(message)
        if message.HasField("job") or message.HasField("memo_page"):  # the kinds that can be large
            size += message.ByteSize()
    for batch in batches:
        yield batch[0] if len(batch) == 1 else worker_pb2.EngineMessage(batch=batch)
