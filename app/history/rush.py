"""A rush: so many commands go first that they fill a transaction by themselves. It is over when none of them waits.

What others bring meanwhile could not be in the next transaction, and the work of reading it, or of telling others what
is recorded, would only keep those waiting whose time has come. So whoever can, stands back, but not for long.
"""

from __future__ import annotations

import asyncio

PATIENCE_S = 4.0
"""How long somebody stands back in all, until a rush is over."""


class Rush:
    """`on` is said by the queue of commands."""

    def __init__(self) -> None:
        self._over = asyncio.Event()
        self._over.set()

    @property
    def on(self) -> bool:
        return not self._over.is_set()

    @on.setter
    def on(self, on: bool) -> None:
        if on:
            self._over.clear()
        else:
            self._over.set()

    async def over(self) -> None:
        await self._over.wait()


class StandingBack:
    """One who stands back in a rush, for at most PATIENCE_S; then no more until it is over."""

    def __init__(self, rush: Rush) -> None:
        self._rush = rush
        self._patience_s = PATIENCE_S

    async def turn(self) -> None:
        """Returns when it is one's turn: at once where there is no rush."""
        if not self._rush.on:
            self._patience_s = PATIENCE_S
            return
        if self._patience_s <= 0:
            return
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            async with asyncio.timeout(self._patience_s):
                await self._rush.over()
        except TimeoutError:
            pass
        self._patience_s -= loop.time() - began
