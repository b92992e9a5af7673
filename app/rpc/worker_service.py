"""The workers' bidirectional stream over gRPC."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator

from app.api.caller import Caller
from app.api.services import Services
from app.rpc.conversations import Conversations
from app.rpc.refusing import Context
from app.rpc.sending import answered
from ironflow.v1 import worker_pb2, worker_pb2_grpc


class WorkerService(worker_pb2_grpc.WorkerServiceServicer):
    """`Connect`, whose conversations end with the server."""

    def __init__(self, conversations: Conversations, services: Services) -> None:
        self._conversations = conversations
        self._services = services

    def Connect(
        self, request_iterator: AsyncIterator[worker_pb2.WorkerMessage], context: Context
    ) -> AsyncIterator[worker_pb2.EngineMessage]:
        def answers(caller: Caller) -> AsyncGenerator[worker_pb2.EngineMessage, None]:
            return self._conversations.converse(caller.environment, request_iterator)

        return answered(self._services, context, "WorkerService/Connect", answers)
