"""Streams of answers, whose maker is cancelled where it waits for one to be sent, too.

To gRPC a generator of answers is suspended while it sends: cancelled then, it would end the call without a status, and
whoever cut it, because a key was revoked, without having told why. So what makes answers is driven in here.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, suppress
from typing import Any

Answers = Callable[[Any, Any], AsyncGenerator[Any, None]]


def sent(answers: Answers) -> Callable[[Any, Any], Awaitable[None]]:
    """A method that sends what the generator makes, given the request or requests and the context of a call."""

    async def send(asked: Any, context: Any) -> None:
        async with aclosing(answers(asked, context)) as messages:
            async for message in messages:
                try:
                    await context.write(message)
                except asyncio.CancelledError as cancelled:
                    with suppress(StopAsyncIteration):
                        await messages.athrow(cancelled)
                    raise

    return send
