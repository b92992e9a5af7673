"""Messages of the base protocol (Debug Adapter Protocol, section Base Protocol): a header, an empty line, JSON.

Strict, because whatever may connect to a TCP port may also be a web page: any header but Content-Length, any line
that is not one, and any message too large ends the conversation without an answer.
"""

from __future__ import annotations

import json
import re
import threading
from typing import Any, BinaryIO

MESSAGE_BYTES_MAX = 8 * 2**20
HEADER_BYTES_MAX = 64

_HEADER = re.compile(rb"Content-Length: (\d{1,9})\r?\n")


class BadFrame(Exception):
    """What came is no message of the protocol."""


def read(stream: BinaryIO) -> dict[str, Any] | None:
    """The next message; None at the end. Raises BadFrame."""
    line = stream.readline(HEADER_BYTES_MAX)
    if not line:
        return None
    found = _HEADER.fullmatch(line)
    if found is None or stream.readline(HEADER_BYTES_MAX) not in (b"\r\n", b"\n"):
        raise BadFrame("a message begins with the header Content-Length and an empty line")
    size = int(found[1])
    if size > MESSAGE_BYTES_MAX:
        raise BadFrame(f"a message of {size} bytes is too large, at most {MESSAGE_BYTES_MAX} are taken")
    body = stream.read(size)
    if len(body) < size:
        return None
    try:
        message = json.loads(body)
    except ValueError as error:
        raise BadFrame(f"a message is not JSON: {error}") from None
    if not isinstance(message, dict):
        raise BadFrame("a message is an object")
    return message


class Writer:
    """Writes messages, numbered from 1, from any thread."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()
        self._seq = 0

    def send(self, message: dict[str, Any]) -> None:
        with self._lock:
            self._seq += 1
            body = json.dumps({"seq": self._seq, **message}, ensure_ascii=False, default=str).encode()
            self._stream.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
            self._stream.flush()
