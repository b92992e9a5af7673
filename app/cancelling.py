"""Ending tasks whose libraries may swallow a cancellation, and what must not be cut short by one."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

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


async def through(work: Coroutine[Any, Any, None]) -> None:
    """Do the work to its end, which it must have. Who is cancelled meanwhile is cancelled then; what the work raises is
    raised otherwise."""
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait((task,))
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        if not task.cancelled():
            task.exception()  # seen, and less than being cancelled
        raise cancelled
    task.result()
