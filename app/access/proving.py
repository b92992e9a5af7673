"""Proving who one is by a password: guesses are throttled, and few are worked on at a time, for each takes a core for a
tenth of a second and 32 MiB.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import ParamSpec, TypeVar

from app.access import passwords
from app.access.throttle import Throttle
from app.clock import Clock
from app.errors import RateLimited

WORKED_ON_MAX = 2
WAITING_MAX = 50
"""For that; whoever comes then is told to come again."""

Kept = Callable[[], Awaitable[str]]
"""Finds what a password is checked against; "" for none, which none is right for."""
P = ParamSpec("P")
T = TypeVar("T")


class Proving:
    def __init__(self, clock: Clock) -> None:
        self.throttle = Throttle(clock)
        self._working = asyncio.Semaphore(WORKED_ON_MAX)
        self._waiting = 0

    async def proves(self, password: str, kept: Kept, *keys: str) -> bool:
        """Whether the password is the one of which what `kept` finds was kept; after as much work either way. Failures
        count against all keys. Raises RateLimited, before it looks for anything."""
        if len(password) > passwords.CHARS_MAX:
            return False
        self.throttle.check(*keys)
        if self._waiting >= WAITING_MAX:
            raise RateLimited("too many passwords wait to be checked", retry_after_s=WAITING_MAX // 10)
        self.throttle.failed(*keys)  # until it is known otherwise: of many at once none is for free
        self._waiting += 1
        try:
            found = await kept()
            right = await self._work(passwords.matches, password, found)
        finally:
            self._waiting -= 1
        if right:
            self.throttle.succeeded(*keys)
        return right

    async def hashed(self, password: str) -> str:
        """What to keep of it."""
        return await self._work(passwords.hashed, password)

    async def _work(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        async with self._working:
            return await asyncio.to_thread(work, *args, **kwargs)
