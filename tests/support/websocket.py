"""A WebSocket client (RFC 6455) of a plain socket: each frame is one that we chose. Calls block, with a bound."""

from __future__ import annotations

import base64
import json
import os
import socket
import struct
from collections.abc import Mapping
from typing import Any, Self
from urllib.parse import urlsplit

TIMEOUT_S = 30.0
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


class HandshakeRefused(Exception):
    """`status` is what the server answered instead."""

    def __init__(self, status: int) -> None:
        super().__init__(f"the server answered {status}")
        self.status = status


class WebSocket:
    """One connection. `closed` is the code that the server closed it with, or None."""

    def __init__(self, url: str, path: str, *, headers: Mapping[str, str] | None = None) -> None:
        """Raises HandshakeRefused."""
        place = urlsplit(url)
        self.closed: int | None = None
        self._socket = socket.create_connection((place.hostname or "", place.port or 80), timeout=TIMEOUT_S)
        self._buffer = b""
        told = {
            "Host": place.netloc,
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
            **(headers or {}),
        }
        head = "".join(f"{name}: {value}\r\n" for name, value in told.items())
        self._socket.sendall(f"GET {path} HTTP/1.1\r\n{head}\r\n".encode())
        answer = self._until(b"\r\n\r\n")
        status = int(answer.split(b" ", 2)[1])
        if status != 101:
            self._socket.close()
            raise HandshakeRefused(status)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let the connection go, without a word."""
        self._socket.close()

    def leave(self, *, politely: bool) -> None:
        """End our side, with or without a word, and wait until the server has let the connection go."""
        if politely:
            self.send_raw(struct.pack(">H", 1000), CLOSE)
        self._socket.shutdown(socket.SHUT_WR)
        while self._socket.recv(2**16):
            pass

    def send(self, content: Any) -> None:
        self.send_raw(json.dumps(content).encode())

    def send_raw(self, payload: bytes, kind: int = TEXT) -> None:
        mask = os.urandom(4)
        size = len(payload)
        if size < 126:
            length = bytes([0x80 | size])
        else:
            length = struct.pack(">BH", 0xFE, size) if size < 2**16 else struct.pack(">BQ", 0xFF, size)
        masked = bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))
        self._socket.sendall(bytes([0x80 | kind]) + length + mask + masked)

    def receive(self) -> Any:
        """The next message, decoded; None once the server has closed."""
        while True:
            kind, payload = self._frame()
            if kind == CLOSE:
                self.closed = struct.unpack_from(">H", payload)[0] if payload else 1005
                return None
            if kind in (TEXT, BINARY):
                return json.loads(payload)

    def expect(self, kind: str) -> Any:
        """The next message, which must be of that type."""
        message = self.receive()
        assert message is not None, f"the server closed with {self.closed}"
        assert message["type"] == kind, message
        return message

    def subscribe(self, pattern: str, **options: Any) -> str:
        """The id of a new subscription."""
        self.send({"type": "subscribe", "subscription": {"pattern": pattern, "options": options}})
        [result] = self.expect("subscription_result")["results"]
        assert result["pattern"] == pattern
        assert result["status"] == "ok", result
        return str(result["subscriptionId"])

    def _frame(self) -> tuple[int, bytes]:
        first, second = self._take(2)
        size = second & 0x7F
        if size == 126:
            [size] = struct.unpack(">H", self._take(2))
        elif size == 127:
            [size] = struct.unpack(">Q", self._take(8))
        assert not second & 0x80, "a server masks nothing"
        assert first & 0x80, "the server's frames are whole"
        return first & 0x0F, self._take(size)

    def _take(self, size: int) -> bytes:
        while len(self._buffer) < size:
            self._read()
        taken, self._buffer = self._buffer[:size], self._buffer[size:]
        return taken

    def _until(self, end: bytes) -> bytes:
        while end not in self._buffer:
            self._read()
        taken, _, self._buffer = self._buffer.partition(end)
        return taken

    def _read(self) -> None:
        part = self._socket.recv(2**16)
        if not part:
            raise ConnectionError("the server has closed the connection")
        self._buffer += part
