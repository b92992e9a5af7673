"""The frames of Connect's streams (connectrpc.com/docs/protocol, "Enveloped-Message"): a prefix, then a message.

flags (1 byte: 1 compressed, 2 end of the stream)  length (4 bytes, big-endian)  message
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import AsyncIterator
from typing import Any

import msgspec

from app.api.answers import error_of
from app.errors import InvalidArgument, PayloadTooLarge

COMPRESSED, END = 1, 2
MESSAGE_BYTES_MAX = 64 * 2**20

_PREFIX = struct.Struct(">BI")


def framed(message: bytes) -> bytes:
    return _PREFIX.pack(0, len(message)) + message


def ending(error: Exception | None = None) -> bytes:
    """The last frame of an answer: how the stream ended."""
    content: dict[str, Any] = {"metadata": {}}
    if error is not None:
        told = error_of(error)
        content["error"] = {"code": told.connect, "message": str(told)}
        content["metadata"] = {"ironflow-code": [told.code], "ironflow-hint": [told.hint]}
    message = msgspec.json.encode(content)
    return _PREFIX.pack(END, len(message)) + message


async def messages(parts: AsyncIterator[bytes], *, encoding: str) -> AsyncIterator[bytes]:
    """The messages of a request's body, unpacked by `encoding` where they are compressed. Raises InvalidArgument for a
    body that is no such stream or ends within a message, PayloadTooLarge."""
    buffer = bytearray()
    async for part in parts:
        buffer += part
        while len(buffer) >= _PREFIX.size:
            flags, length = _PREFIX.unpack_from(buffer)
            if length > MESSAGE_BYTES_MAX:
                raise _too_large()
            end = _PREFIX.size + length
            if len(buffer) < end:
                break
            message = bytes(buffer[_PREFIX.size : end])
            del buffer[:end]
            if flags & END:
                return
            yield _unpacked(message, encoding) if flags & COMPRESSED else message
    if buffer:
        raise InvalidArgument("the body ends within a message", field="body", hint="send whole messages")


def _unpacked(message: bytes, encoding: str) -> bytes:
    if encoding != "gzip":
        raise InvalidArgument(
            "a message is compressed", field="Connect-Content-Encoding", hint="say gzip, or send it as it is"
        )
    unpacker = zlib.decompressobj(wbits=31)
    try:
        content = unpacker.decompress(message, MESSAGE_BYTES_MAX + 1)
    except zlib.error as error:
        raise InvalidArgument(f"a message is not gzip: {error}", field="body") from None
    if len(content) > MESSAGE_BYTES_MAX:
        raise _too_large()
    if not unpacker.eof:
        raise InvalidArgument("a message is not one whole gzip member", field="body")
    return content


def _too_large() -> PayloadTooLarge:
    return PayloadTooLarge(
        f"a message is larger than {MESSAGE_BYTES_MAX} bytes", field="body", hint="send less at once"
    )
