"""Streams of answers: how each begins and ends, and that its maker is cancelled where it waits for one to be sent, too.

To gRPC a generator of answers is suspended while it sends: cancelled then, it would end the call without a status, and
whoever cut it, because a key was revoked, without having told why. So what makes answers is driven in here. The headers
go out before the first answer, to their end: gRPC counts them as sent when what they were sent with is, and would send
them a second time with the status of a call that is cut in between, which ends it without a word.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing, suppress
from typing import Any, TypeVar

from app.access.authorize import Resource
from app.api.caller import Caller
from app.api.services import Services
from app.cancelling import through
from app.rpc import metadata
from app.rpc.refusing import Context, refuse

Answers = Callable[[Any, Any], AsyncGenerator[Any, None]]

M = TypeVar("M")


async def answered(
    services: Services,
    context: Context,
    call: str,
    answers: Callable[[Caller], AsyncGenerator[M, None]],
    *,
    about: Resource = "*",
) -> AsyncGenerator[M, None]:
    """What is made for the caller of `Service/Method`, if they may do it to that resource, and as long as they may.
    Whatever goes wrong ends the call in gRPC's way."""
    try:
        caller = metadata.admitted(services.door, context, call, about)
        with services.door.live.going(caller.grant):
            async with aclosing(answers(caller)) as messages:
                async for message in messages:
                    yield message
    except Exception as error:  # noqa: BLE001 - gRPC tells errors by status and metadata
        await refuse(context, error, method=call, request_id=services.ids.request())


async def singly(batches: AsyncGenerator[Sequence[M], None]) -> AsyncGenerator[M, None]:
    """What they hold, one by one."""
    async with aclosing(batches):
        async for batch in batches:
            for one in batch:
                yield one


def sent(answers: Answers) -> Callable[[Any, Any], Awaitable[None]]:
    """A method that sends what the generator makes, given the request or requests and the context of a call."""

    async def send(asked: Any, context: Any) -> None:
        begun = False
        async with aclosing(answers(asked, context)) as messages:
            async for message in messages:
                try:
                    if not begun:  # sent with the message they could be sent again, with a status that cuts it off
                        await through(context.send_initial_metadata(()))
                        begun = True
                    await context.write(message)
                except asyncio.CancelledError as cancelled:
                    with suppress(StopAsyncIteration):
                        await messages.athrow(cancelled)
                    raise

    return send
