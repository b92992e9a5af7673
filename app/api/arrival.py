"""The body of a request, which arrives whole and in time or not at all.

Who sends a byte now and then, or none, would hold a connection and what has come so far for ever: each second more is
paid for with `PACE_BYTES` that have come, so that a large body over a slow line is waited for. And who is killed while
sending leaves a part that looks like a whole, since Granian tells the end of a body and a broken connection alike: by
empty parts, one and the end over HTTP/1.1, as many as are asked for over HTTP/2.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from typing import Any, Protocol, Self, TypeVar

from granian._granian import RSGIProtocolClosed as ProtocolClosed

from app.errors import BodyCut, BodyTimeout

PACE_BYTES = 10_000
WHOLE_BYTES_MAX = 65_536
"""Of a body that is read in one, which is not given more time for its size."""
EMPTY_PARTS_MAX = 16
"""One after the other. A client may send some, and more are none of a client's."""

T = TypeVar("T")


class Sender(Protocol):
    """The request's side of an RSGI protocol."""

    async def __call__(self) -> bytes: ...
    def __aiter__(self) -> AsyncIterator[bytes]: ...


class Headers(Protocol):
    def get(self, name: str, /) -> str | None: ...


class Parts:
    """A body as it comes, to its end, before which `empty` parts came. Raises BodyCut for more than a client sends."""

    def __init__(self, sender: Sender) -> None:
        self._sender = aiter(sender)
        self.empty = 0

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        part = await anext(self._sender)
        self.empty = 0 if part else self.empty + 1
        if self.empty > EMPTY_PARTS_MAX:
            raise cut()
        return part


class Arrival:
    """The parts of one request's body, of a length that is told before or `chunked`, if it is not HTTP/2 that tells its
    end; `whole` once nothing of it is to come. Raises BodyTimeout instead of a part that is late, BodyCut instead of an
    end before it is whole."""

    def __init__(
        self, sender: Sender, timeout_s: float, *, length_bytes: int | None = None, chunked: bool = False
    ) -> None:
        self._parts = Parts(sender)
        self._missing_bytes = length_bytes
        self._chunked = chunked
        self.whole = not length_bytes and not chunked
        self._deadline = asyncio.get_running_loop().time() + timeout_s

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        try:
            async with asyncio.timeout_at(self._deadline):
                part = await anext(self._parts)
        except TimeoutError:
            raise late() from None
        except StopAsyncIteration:
            if self._missing_bytes or (self._chunked and self._parts.empty > 1):
                raise cut() from None
            self.whole = True
            raise
        if self._missing_bytes is not None:
            self._missing_bytes -= len(part)
            self.whole = not self._missing_bytes
        self._deadline += len(part) / PACE_BYTES
        return part


def arriving(sender: Sender, headers: Headers, timeout_s: float) -> Arrival:
    """The body of a request with these headers."""
    length = headers.get("content-length")
    chunked = headers.get("transfer-encoding") is not None
    return Arrival(sender, timeout_s, length_bytes=None if length is None else int(length), chunked=chunked)


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
        loop = asyncio.get_running_loop()
        task = asyncio.current_task(loop)
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


class Body:
    """A body of a length that is told before; `whole` once all of it was read."""

    __slots__ = ("_patience", "_sender", "length_bytes", "whole")

    def __init__(self, sender: Sender, length_bytes: int, patience: Patience) -> None:
        self._sender = sender
        self._patience = patience
        self.length_bytes = length_bytes
        self.whole = not length_bytes

    async def read(self) -> bytes:
        """All of it. Raises BodyTimeout, BodyCut."""
        if self.length_bytes > WHOLE_BYTES_MAX:
            arrival = Arrival(self._sender, self._patience.timeout_s, length_bytes=self.length_bytes)
            content = b"".join([part async for part in arrival])
        else:
            try:
                content = await self._patience.wait(self._sender())
            except TimeoutError:
                raise late() from None
            except ProtocolClosed:
                raise cut() from None
            if len(content) != self.length_bytes:
                raise cut()
        self.whole = True
        return content


def late(
    *, hint: str = f"send it at once, or at least {PACE_BYTES} bytes a second; --receive-timeout allows more"
) -> BodyTimeout:
    return BodyTimeout("the body did not arrive in time", field="body", hint=hint)


def cut() -> BodyCut:
    hint = "send it again, all of it, and nothing after its last chunk"
    return BodyCut("the body ended before all of it had come", field="body", hint=hint)


def closing(version: str) -> list[tuple[str, str]]:
    """Headers of an answer to a request whose body was not read to its end: Granian closes the connection behind it,
    and a client that is not told may send its next request there (RFC 9112 §9.6). Over HTTP/2 the stream ends, and
    others go on."""
    return [("connection", "close")] if version.startswith("1") else []
