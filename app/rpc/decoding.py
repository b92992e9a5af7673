"""Bytes that are no message of their call: the caller's fault, and told as such.

By itself gRPC answers UNKNOWN with the name of a Python class, and logs a stack trace for each of them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import Any

import grpc
from google.protobuf.message import DecodeError

from app.errors import InvalidArgument
from app.rpc.ironflow_service import refuse

Decode = Callable[[bytes], Any]


class Decoding(grpc.aio.ServerInterceptor):  # type: ignore[type-arg]
    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Any]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        handler = await continuation(handler_call_details)
        if handler is None:  # there is no such method
            return None
        if handler.request_streaming:
            return handler._replace(request_deserializer=_raising(handler.request_deserializer))
        handler = handler._replace(request_deserializer=_returning(handler.request_deserializer))
        if handler.response_streaming:
            return handler._replace(unary_stream=_checked_stream(handler.unary_stream))
        return handler._replace(unary_unary=_checked(handler.unary_unary))


def _raising(decode: Decode) -> Decode:
    """For a stream, which is read by what answers it."""

    def decoded(raw: bytes) -> Any:
        try:
            return decode(raw)
        except DecodeError as error:
            raise _malformed(error) from None

    return decoded


def _returning(decode: Decode) -> Decode:
    """For one message, which gRPC reads before anybody could answer."""

    def decoded(raw: bytes) -> Any:
        try:
            return decode(raw)
        except DecodeError as error:
            return _malformed(error)

    return decoded


def _checked(method: Callable[[Any, Any], Awaitable[Any]]) -> Callable[[Any, Any], Awaitable[Any]]:
    async def checked(request: Any, context: Any) -> Any:
        if isinstance(request, InvalidArgument):
            await refuse(context, request)
        return await method(request, context)

    return checked


def _checked_stream(method: Callable[[Any, Any], Any]) -> Callable[[Any, Any], AsyncIterator[Any]]:
    async def checked(request: Any, context: Any) -> AsyncIterator[Any]:
        if isinstance(request, InvalidArgument):
            await refuse(context, request)
        async with aclosing(method(request, context)) as messages:
            async for message in messages:
                yield message

    return checked


def _malformed(error: DecodeError) -> InvalidArgument:
    return InvalidArgument(
        f"the bytes are no message of this call: {error}", field="body", hint="see proto/ironflow/v1"
    )
