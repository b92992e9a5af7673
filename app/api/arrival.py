"""How long the body of a request may take to arrive: who sends a byte now and then, or none, would hold a connection
and what has come so far for ever.

Each second more is paid for with `PACE_BYTES` that have come, so that a large body over a slow line is waited for.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Protocol, Self

from app.errors import BodyTimeout

PACE_BYTES = 10_000
WHOLE_BYTES_MAX = 65_536
"""Of a body that is read in one, which is not given more time for its size."""


class Sender(Protocol):
    """The request's side of an RSGI protocol."""

    async def __call__(self) -> bytes: ...
    def __aiter__(self) -> AsyncIterator[bytes]: ...


class Arrival:
    """The parts of one request's body. Raises BodyTimeout instead of a part that is late."""

    def __init__(self, sender: Sender, timeout_s: float) -> None:
        self._parts = aiter(sender)
        self._deadline = asyncio.get_running_loop().time() + timeout_s

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        try:
            async with asyncio.timeout_at(self._deadline):
                part = await anext(self._parts)
        except TimeoutError:
            raise late() from None
        self._deadline += len(part) / PACE_BYTES
        return part


async def whole(sender: Sender, length_bytes: int, timeout_s: float) -> bytes:
    """A body of that length. Raises BodyTimeout."""
    if length_bytes > WHOLE_BYTES_MAX:
        return b"".join([part async for part in Arrival(sender, timeout_s)])
    try:
        async with asyncio.timeout(timeout_s):
            return await sender()
    except TimeoutError:
        raise late() from None


def late() -> BodyTimeout:
    return BodyTimeout(
        "the body did not arrive in time",
        field="body",
        hint=f"send it at once, or at least {PACE_BYTES} bytes a second; --receive-timeout allows more",
    )
