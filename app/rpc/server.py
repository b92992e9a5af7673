"""The gRPC face: its own port, the same services as Connect, and the workers' bidirectional stream."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing

import grpc

from app.api.connections import IDLE_S
from app.api.door import Door
from app.rpc import metadata
from app.rpc.conversations import Conversations
from app.rpc.ironflow_service import refuse
from ironflow.v1 import worker_pb2, worker_pb2_grpc

MESSAGE_BYTES_MAX = 64 * 2**20
CALLS_MAX = 10_000
"""At a time on one connection."""
PINGS_MAX = 100
"""That come quicker than any client's ought to, before its connection is closed."""
OPTIONS = [
    ("grpc.so_reuseport", 0),
    ("grpc.max_receive_message_length", MESSAGE_BYTES_MAX),
    ("grpc.max_send_message_length", MESSAGE_BYTES_MAX),
    ("grpc.max_concurrent_streams", CALLS_MAX),
    ("grpc.max_connection_idle_ms", int(IDLE_S * 1_000)),
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", 2_000),
    ("grpc.http2.max_ping_strikes", PINGS_MAX),
]


def options(*, receive_timeout_s: float) -> list[tuple[str, int]]:
    """How gRPC serves: a connection has that time to become one of HTTP/2, and of TLS if that is used. One on which a
    call is going, such as a worker's stream, stays as long as its client answers."""
    return [*OPTIONS, ("grpc.server_handshake_timeout_ms", max(1, int(receive_timeout_s * 1_000)))]


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
