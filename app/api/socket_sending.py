"""Frames of a socket, many on their way at a time: to wait for each by itself takes two threads' turns a frame."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import Any

from app.api.answers import encode

Send = Callable[[Any], Coroutine[Any, Any, None]]

FRAMES_MAX = 128
CHARS_MAX = 2**18
"""On their way at a time; one more frame may be, however large."""


def sender(transport: Any) -> Send:
    """What sends JSON by a socket's transport. It holds nothing else: a connection is closed when nobody holds its
    transport any more, and what refers to itself is held until garbage is looked for."""

    async def send(content: Any) -> None:
        await transport.send_str(encode(content).decode())

    return send


async def send_all(send: Callable[[str], Awaitable[None]], frames: Iterable[str]) -> None:
    """Send them in order; returns once the connection has taken all. Raises ProtocolClosed.

    Granian has one thread for its connections, which begins to send in the order in which it is asked to."""
    sent: list[Awaitable[None]] = []
    chars = 0
    for frame in frames:
        sent.append(send(frame))
        chars += len(frame)
        if len(sent) >= FRAMES_MAX or chars > CHARS_MAX:
            await _all(sent)
            sent, chars = [], 0
    await _all(sent)


async def _all(sent: Iterable[Awaitable[None]]) -> None:
    for one in sent:
        await one
