"""The gRPC face: its own port, the same services as Connect, and the workers' bidirectional stream."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import grpc

from app.errors import InvalidArgument, Unavailable
from app.rpc.ironflow_service import refuse
from app.rpc.worker import Conversation
from ironflow.v1 import worker_pb2, worker_pb2_grpc

MESSAGE_BYTES_MAX = 64 * 2**20
OPTIONS = [
    ("grpc.so_reuseport", 0),
    ("grpc.max_receive_message_length", MESSAGE_BYTES_MAX),
    ("grpc.max_send_message_length", MESSAGE_BYTES_MAX),
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", 2_000),
    ("grpc.http2.max_ping_strikes", 0),
]


class WorkerService(worker_pb2_grpc.WorkerServiceServicer):
    """`converse` makes a conversation for an environment."""

    def __init__(self, converse: Callable[[str], Conversation], environment_of: Callable[[object], str]) -> None:
        self._converse = converse
        self._environment_of = environment_of
        self._open: set[Conversation] = set()
        self._stopping = False

    async def Connect(
        self,
        request_iterator: AsyncIterator[worker_pb2.WorkerMessage],
        context: grpc.aio.ServicerContext[worker_pb2.WorkerMessage, worker_pb2.EngineMessage],
    ) -> AsyncIterator[worker_pb2.EngineMessage]:
        if self._stopping:
            await refuse(context, Unavailable("the server is stopping"))
        try:
            environment = self._environment_of(context.invocation_metadata())
        except InvalidArgument as refusal:
            await refuse(context, refusal)
            return
        conversation = self._converse(environment)
        self._open.add(conversation)
        listening = asyncio.create_task(_listen(conversation, request_iterator), name="worker-stream")
        try:
            async for message in conversation.messages():
                yield message
            if listening.done() and (error := listening.exception()) is not None:
                await refuse(context, error)
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
