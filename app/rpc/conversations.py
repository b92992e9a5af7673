"""The conversations with workers that are open, whatever carries them: a gRPC stream, or one of Connect's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable

from app.errors import Unavailable
from app.history.rush import Rush, StandingBack
from app.rpc.worker import Conversation
from ironflow.v1 import worker_pb2


class Conversations:
    """`make` makes a conversation for an environment. What workers report is read after a `rush`."""

    def __init__(self, make: Callable[[str], Conversation], rush: Rush) -> None:
        self._make = make
        self._rush = rush
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
        listening = asyncio.create_task(self._listen(conversation, requests), name="worker-stream")
        try:
            async for message in conversation.messages():
                yield message
            if listening.done() and (error := listening.exception()) is not None:
                raise error
        finally:
            listening.cancel()
            conversation.close("the worker's connection ended")
            self._open.discard(conversation)

    async def _listen(self, conversation: Conversation, requests: AsyncIterator[worker_pb2.WorkerMessage]) -> None:
        standing_back = StandingBack(self._rush)
        try:
            async for message in requests:
                await standing_back.turn()
                conversation.receive(message)
        finally:
            conversation.close("the worker's connection ended")

    def stop(self) -> None:
        """Take no new worker, and end the conversations there are."""
        self._stopping = True
        for conversation in list(self._open):
            conversation.close("the server is stopping")
