"""Who makes the answers of a gRPC stream is cancelled where it waits for one to be sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from app.rpc.sending import sent


class Stuck:
    """A call whose client takes nothing."""

    def __init__(self) -> None:
        self.writing = asyncio.Event()

    async def write(self, message: object) -> None:
        self.writing.set()
        await asyncio.Event().wait()


async def cut(requests: Any, context: Any) -> AsyncGenerator[str, None]:
    try:
        yield "an answer"
    except asyncio.CancelledError:
        raise PermissionError("the key was revoked") from None


async def left(requests: Any, context: Any) -> AsyncGenerator[str, None]:
    try:
        yield "an answer"
    except asyncio.CancelledError:
        return


@pytest.mark.parametrize(("answers", "end"), [(cut, PermissionError), (left, asyncio.CancelledError)])
async def test_a_call_that_is_cut_while_it_sends_ends_as_its_maker_says(answers: Any, end: type[BaseException]) -> None:
    call = Stuck()
    sending = asyncio.ensure_future(sent(answers)(None, call))
    await call.writing.wait()

    sending.cancel()

    with pytest.raises(end):
        await sending
