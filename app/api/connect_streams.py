"""Connect's streaming calls (connectrpc.com/docs/protocol, "Streaming-Request"): the published streaming worker's
`WorkerService/Connect`, both ways at once, and so over HTTP/2 only (h2c with prior knowledge, or TLS).

A call that has begun is always answered with 200; how it ended is said in the last frame.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

from google.protobuf.message import DecodeError
from granian._granian import RSGIProtocolClosed as ProtocolClosed
from granian.rsgi import Scope

from app.api import envelopes
from app.api.answers import JSON, encode, note
from app.api.caller import environment
from app.errors import InvalidArgument, PermissionDenied
from app.rpc.conversations import Conversations
from ironflow.v1 import worker_pb2

WORKER_PATH = "/ironflow.v1.WorkerService/Connect"
PROTO = "application/connect+proto"
_BROWSERS = ("origin", "sec-fetch-site")


class ConnectStreams:
    def __init__(self, conversations: Conversations) -> None:
        self._conversations = conversations

    def takes(self, method: str, path: str) -> bool:
        return method == "POST" and path == WORKER_PATH

    async def answer(self, scope: Scope, protocol: Any) -> None:
        """Converse until either side ends the stream."""
        if (status_and_hint := _refused(scope)) is not None:
            status, hint = status_and_hint
            content = {"code": "unimplemented", "message": "this call cannot be answered as it came", "hint": hint}
            protocol.response_bytes(status, [("content-type", JSON)], encode(content))
            return
        told = protocol.response_stream(200, [("content-type", PROTO), ("connect-accept-encoding", "gzip")])
        error: Exception | None = None
        try:
            await self._converse(scope, protocol, told)
        except ProtocolClosed:
            return
        except Exception as failed:  # noqa: BLE001 - whatever it is, the worker is told
            error = failed
            note(failed, method="WorkerService/Connect")
        try:
            await told.send_bytes(envelopes.ending(error))
        except ProtocolClosed:
            return

    async def _converse(self, scope: Scope, protocol: Any, told: Any) -> None:
        if any(name in scope.headers for name in _BROWSERS):
            raise PermissionDenied("workers are no web pages", field="Origin")
        requests = _messages(protocol, scope.headers.get("connect-content-encoding") or "identity")
        async with aclosing(self._conversations.converse(environment(scope.headers.get), requests)) as messages:
            async for message in messages:
                await told.send_bytes(envelopes.framed(message.SerializeToString()))


def _refused(scope: Scope) -> tuple[int, str] | None:
    if (scope.headers.get("content-type") or "").partition(";")[0].strip() != PROTO:
        return 415, f"send {PROTO}, or use gRPC"
    if scope.http_version not in ("2", "2.0"):
        return 505, "use HTTP/2: with prior knowledge where the address is http://"
    return None


async def _messages(protocol: Any, encoding: str) -> AsyncIterator[worker_pb2.WorkerMessage]:
    async for raw in envelopes.messages(_parts(protocol), encoding=encoding):
        try:
            yield worker_pb2.WorkerMessage.FromString(raw)
        except DecodeError as error:
            raise InvalidArgument(f"a message is no WorkerMessage: {error}", field="body") from None


async def _parts(protocol: Any) -> AsyncIterator[bytes]:
    """The body as it comes, until the worker has no more to say or is gone."""
    async for part in protocol:
        yield part
