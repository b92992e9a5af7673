"""What one answer of an endpoint tells before its end, on its way into history: a bounded number at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from app.dispatch.answers import Told

WAITING_MAX = 100


class Recording:
    """`record` is given what is told, and what to call once that is recorded."""

    def __init__(self, record: Callable[[Told, Callable[[], None]], None]) -> None:
        self._record = record
        self._waiting = 0
        self._fewer = asyncio.Event()

    async def add(self, told: Told) -> None:
        await self._until(WAITING_MAX - 1)
        self._waiting += 1
        self._record(told, self._done)

    async def settled(self) -> None:
        """Returns once everything is recorded."""
        await self._until(0)

    async def _until(self, count: int) -> None:
        while self._waiting > count:
            self._fewer.clear()
            await self._fewer.wait()

    def _done(self) -> None:
        self._waiting -= 1
        self._fewer.set()
