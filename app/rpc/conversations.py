"""The conversations with workers that are open, whatever carries them: a gRPC stream, or one of Connect's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable

from app.errors import Unavailable
from app.rpc.worker import Conversation
from ironflow.v1 import worker_pb2


class Conversations:
    """`make` makes a conversation for an environment."""

    def __init__(self, make: Callable[[str], Conversation]) -> None:
        self._make = make
        self._open: set[Conversation] = set()
        self._stopping = False

    async def converse(
        self, environment: str, requests: AsyncIterator[worker_pb2.WorkerMessage]
    ) -> AsyncGenerator[worker_pb2.EngineMessage, None]:
        """What the worker is told, until either side ends it. Raises Unavailable when the server is stopping, and what
        made a message unreadable."""
        if self._stopping:
            raise Unavailable("the server is stopping")
        conversation = self._make(environment)
        self._open.add(conversation)
        listening = asyncio.create_task(_listen(conversation, requests), name="worker-stream")
        try:
            async for message in conversation.messages():
                yield message
            if listening.done() and (error := listening.exception()) is not None:
                raise error
        finally:
            listening.cancel()
            conversation.close("the worker's connection ended")
            self._open.discard(conversation)

    def stop(self) -> None:
        """Take no new worker, and end the conversations there are."""
        self._stopping = True
        for conversation in list(self._open):
            conversation.close("the server is stopping")


async def _listen(conversation: Conversation, requests: AsyncIterator[worker_pb2.WorkerMessage]) -> None:
    try:
        async for message in requests:
            conversation.receive(message)
    finally:
        conversation.close("the worker's connection ended")
