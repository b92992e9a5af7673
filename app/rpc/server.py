"""The gRPC face: its own port, the same services as Connect, and the workers' bidirectional stream."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import grpc

from app.api.connections import IDLE_S

if TYPE_CHECKING:
    Generic: TypeAlias = grpc.GenericRpcHandler[Any, Any]

Add = Callable[[Any], None]

WORKERS = "/ironflow.v1.WorkerService/"
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


class Handlers(grpc.GenericRpcHandler):  # type: ignore[type-arg]
    """What answers each call. What adds the services to a server, `worker` that of workers and `others` the rest, is
    called by the first call of theirs: with the messages, they are a fifth of what a server loads."""

    def __init__(self, *, worker: Add, others: Add) -> None:
        self._worker = worker
        self._others = others
        self._added: dict[Add, Sequence[Generic]] = {}

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        """The method's handler, or None."""
        method: str = handler_call_details.method
        found = (one.service(handler_call_details) for one in self._handlers(method.startswith(WORKERS)))
        return next((handler for handler in found if handler is not None), None)

    def load(self) -> None:
        """Have all services there."""
        for workers in (True, False):
            self._handlers(workers)

    def _handlers(self, workers: bool) -> Sequence[Generic]:
        add = self._worker if workers else self._others
        if add not in self._added:
            added = _Added()
            add(added)
            self._added[add] = added.handlers
        return self._added[add]


class _Added:
    """What generated code adds a service to."""

    def __init__(self) -> None:
        self.handlers: list[Generic] = []

    def add_generic_rpc_handlers(self, handlers: Sequence[Generic]) -> None:
        self.handlers.extend(handlers)

    def add_registered_method_handlers(self, service: str, handlers: object) -> None:
        """The same once more, for servers that look methods up."""
