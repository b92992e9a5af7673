"""Waits of tests that end: what never comes fails a test by name instead of holding it up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from app.cancelling import end

WAIT_S = 30.0
"""For what comes at once, on a machine that has much else to do."""
END_TIMEOUT_S = 30.0


@asynccontextmanager
async def within(what: str, seconds: float = WAIT_S) -> AsyncIterator[None]:
    """The block has that long. Raises AssertionError that says `what` was waited for in vain."""
    try:
        async with asyncio.timeout(seconds) as bound:
            yield
    except TimeoutError:
        if not bound.expired():
            raise
        raise AssertionError(f"waited {seconds:g} s in vain for {what}") from None


async def stop(*tasks: asyncio.Task[Any]) -> None:
    """Cancel the tasks, again and again where a library forgets it; returns once they are over. Raises AssertionError
    with the names of those that go on."""
    names = ", ".join(task.get_name() for task in tasks if not task.done())
    async with within(f"the end of {names}", END_TIMEOUT_S):
        await end(*tasks)
