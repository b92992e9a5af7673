"""Waiting for whichever of several signals comes first."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

First = Callable[[float | None], Awaitable[None]]


@contextmanager
def listening(*signals: Awaitable[object]) -> Iterator[First]:
    """Waits for the signals from the next turn of the loop on, so that none is missed that comes while one looks
    whether there is anything to wait for. Gives what returns when one has come, or after so many seconds, if not None.
    """
    waits = [asyncio.ensure_future(signal) for signal in signals]

    async def first(timeout_s: float | None) -> None:
        await asyncio.wait(waits, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)

    try:
        yield first
    finally:
        for wait in waits:
            wait.cancel()
