"""How long the body of a request may take to arrive: who sends a byte now and then, or none, would hold a connection
and what has come so far for ever.

Each second more is paid for with `PACE_BYTES` that have come, so that a large body over a slow line is waited for.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from typing import Any, NamedTuple, Protocol, Self, TypeVar

from app.errors import BodyTimeout

PACE_BYTES = 10_000
WHOLE_BYTES_MAX = 65_536
"""Of a body that is read in one, which is not given more time for its size."""

T = TypeVar("T")


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


class Patience:
    """Bounds short waits that may all last as long, with one timer for all of them: a timer for each would cost as much
    as what is waited for."""

    def __init__(self, timeout_s: float) -> None:
        self.timeout_s = timeout_s
        self._deadlines: dict[asyncio.Task[Any], float] = {}  # in their order, since all may last as long
        self._late: set[asyncio.Task[Any]] = set()
        self._looking = False

    async def wait(self, awaited: Awaitable[T]) -> T:
        """What is awaited. Raises TimeoutError."""
        task, loop = asyncio.current_task(), asyncio.get_running_loop()
        assert task is not None, "a wait has a task"
        self._deadlines[task] = loop.time() + self.timeout_s
        if not self._looking:
            self._looking = True
            loop.call_later(self.timeout_s, self._look)
        try:
            return await awaited
        except asyncio.CancelledError:
            if task in self._late and task.uncancel() == 0:
                raise TimeoutError from None
            raise
        finally:
            self._deadlines.pop(task, None)
            self._late.discard(task)

    def _look(self) -> None:
        """End the waits that have lasted long enough, and look again when the next one will have."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        for task, deadline in list(self._deadlines.items()):
            if deadline > now:
                loop.call_at(deadline, self._look)
                return
            del self._deadlines[task]
            self._late.add(task)
            task.cancel()
        self._looking = False


class Body(NamedTuple):
    """A body of a length that is told before."""

    sender: Sender
    length_bytes: int
    patience: Patience

    async def read(self) -> bytes:
        """All of it. Raises BodyTimeout."""
        if self.length_bytes > WHOLE_BYTES_MAX:
            return b"".join([part async for part in Arrival(self.sender, self.patience.timeout_s)])
        try:
            return await self.patience.wait(self.sender())
        except TimeoutError:
            raise late() from None


def late(
    *, hint: str = f"send it at once, or at least {PACE_BYTES} bytes a second; --receive-timeout allows more"
) -> BodyTimeout:
    return BodyTimeout("the body did not arrive in time", field="body", hint=hint)
