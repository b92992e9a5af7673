"""The one message of a call that has one: whose it is comes first, then it has `--receive-timeout` to arrive, as the
body of an HTTP request has, and then it has to be a message of the call.

By itself gRPC reads it before anybody is asked who they are, waits for it for ever, and answers bytes that are none
with UNKNOWN and a stack trace in the log. So to gRPC these calls are streams of requests, which are read in here; on
the wire that is the same. What really streams, as workers do, is not hurried.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc
from google.protobuf.message import DecodeError

from app.api.answers import error_of
from app.api.arrival import Patience, late
from app.api.door import Door
from app.errors import InvalidArgument
from app.metrics import Metrics
from app.rpc import metadata
from app.rpc.refusing import refuse
from app.rpc.sending import Answers, sent

Decode = Callable[[bytes], Any]
Requests = AsyncIterator[Any]


class Receiving(grpc.aio.ServerInterceptor):  # type: ignore[type-arg]
    def __init__(self, door: Door, metrics: Metrics, *, receive_timeout_s: float) -> None:
        self._door = door
        self._metrics = metrics
        self._patience = Patience(receive_timeout_s)

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Any]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        handler = await continuation(handler_call_details)
        if handler is None:  # there is no such method
            return None
        handler = handler._replace(request_deserializer=_checked(handler.request_deserializer))
        if handler.request_streaming:
            return handler._replace(stream_stream=sent(handler.stream_stream))
        call = handler_call_details.method.rpartition(".")[2]
        handler = handler._replace(request_streaming=True)
        if handler.response_streaming:
            return handler._replace(unary_stream=None, stream_stream=self._streaming(call, handler.unary_stream))
        return handler._replace(unary_unary=None, stream_unary=self._answering(call, handler.unary_unary))

    def _answering(self, call: str, method: Callable[[Any, Any], Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def answer(requests: Requests, context: Any) -> Any:
            return await method(await self._received(call, requests, context), context)

        return answer

    def _streaming(self, call: str, method: Answers) -> Callable[..., Awaitable[None]]:
        send = sent(method)

        async def stream(requests: Requests, context: Any) -> None:
            await send(await self._received(call, requests, context), context)

        return stream

    async def _received(self, call: str, requests: Requests, context: Any) -> Any:
        """The message of somebody who is known. What is wrong ends the call, with a stable code."""
        try:
            metadata.recognise(self._door, context, call)
            return await self._first(requests)
        except Exception as error:  # noqa: BLE001 - gRPC tells errors by status and metadata
            self._metrics.refused(error_of(error).code)
            await refuse(context, error, method=call)

    async def _first(self, requests: Requests) -> Any:
        """Raises BodyTimeout, InvalidArgument."""
        try:
            return await self._patience.wait(anext(requests))
        except TimeoutError:
            raise late(hint="send it at once; --receive-timeout allows more") from None
        except StopAsyncIteration:
            raise InvalidArgument("the call has no message", field="body", hint="send one") from None


def _checked(decode: Decode) -> Decode:
    def decoded(raw: bytes) -> Any:
        try:
            return decode(raw)
        except DecodeError as error:
            raise InvalidArgument(
                f"the bytes are no message of this call: {error}", field="body", hint="see proto/ironflow/v1"
            ) from None

    return decoded
