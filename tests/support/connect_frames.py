"""Frames of Connect's streams, as a client sends and gets them."""

from __future__ import annotations

import gzip
import struct
from collections.abc import Iterable, Iterator

END = 2
"""The flag of a stream's last frame."""


def enveloped(message: bytes, *, packed: bool = False) -> bytes:
    content = gzip.compress(message) if packed else message
    return struct.pack(">BI", int(packed), len(content)) + content


def frames(parts: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """Flags and content of each, as they come."""
    buffer = b""
    for part in parts:
        buffer += part
        while len(buffer) >= 5:
            flags, length = struct.unpack_from(">BI", buffer)
            if len(buffer) < 5 + length:
                break
            yield flags, buffer[5 : 5 + length]
            buffer = buffer[5 + length :]
