"""Ending tasks whose libraries may swallow a cancellation."""

from __future__ import annotations

import asyncio

AGAIN_S = 0.2


async def end(*tasks: asyncio.Task[object] | None) -> None:
    """Cancel the tasks until they are over; what they raise is theirs. One cancellation is not always enough:
    `asyncio.wait_for` of Python 3.11, which nats-py uses, forgets one that comes when what it waits for is done. Who is
    cancelled meanwhile ends them all the same, and is cancelled then."""
    waiting = {task for task in tasks if task is not None and not task.done()}
    cancelled: asyncio.CancelledError | None = None
    while waiting:
        for task in waiting:
            task.cancel()
        try:
            await asyncio.wait(waiting, timeout=AGAIN_S)
        except asyncio.CancelledError as error:
            cancelled = error
        waiting = {task for task in waiting if not task.done()}
    if cancelled is not None:
        raise cancelled
