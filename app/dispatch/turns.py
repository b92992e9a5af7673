"""Work of the event loop in pieces, so many in each of its turns, so that a lot of it does not hold up others."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

TURN_WEIGHT_MAX = 100


class Turns:
    def __init__(self) -> None:
        self._waiting: deque[tuple[int, Callable[[], None]]] = deque()
        self._wake = asyncio.Event()

    def add(self, work: Callable[[], None], *, weight: int) -> None:
        """Have it done in its turn. `weight` is how many things it does. `run` must be running."""
        self._waiting.append((weight, work))
        self._wake.set()

    async def run(self) -> None:
        """Do what was added, in that order, until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            done = 0
            while self._waiting:
                weight, work = self._waiting.popleft()
                done += weight
                work()
                if done >= TURN_WEIGHT_MAX:
                    done = 0
                    await asyncio.sleep(0)
