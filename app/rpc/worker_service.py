"""The workers' bidirectional stream over gRPC."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing

import grpc

from app.api.door import Door
from app.rpc import metadata
from app.rpc.conversations import Conversations
from app.rpc.refusing import refuse
from ironflow.v1 import worker_pb2, worker_pb2_grpc


class WorkerService(worker_pb2_grpc.WorkerServiceServicer):
    def __init__(self, conversations: Conversations, door: Door) -> None:
        self._conversations = conversations
        self._door = door

    async def Connect(
        self,
        request_iterator: AsyncIterator[worker_pb2.WorkerMessage],
        context: grpc.aio.ServicerContext[worker_pb2.WorkerMessage, worker_pb2.EngineMessage],
    ) -> AsyncIterator[worker_pb2.EngineMessage]:
        try:
            caller = metadata.admitted(self._door, context, "WorkerService/Connect")
            with self._door.live.going(caller.grant):
                async with aclosing(self._conversations.converse(caller.environment, request_iterator)) as messages:
                    async for message in messages:
                        yield message
        except Exception as error:  # noqa: BLE001 - whatever it is, the worker is told in gRPC's way
            await refuse(context, error, method="WorkerService/Connect")
