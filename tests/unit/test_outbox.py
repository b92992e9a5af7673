"""What a worker says, in messages."""

from __future__ import annotations

import asyncio

from ironflow.outbox import Outbox


async def test_what_code_says_at_once_travels_with_the_word_that_let_it_go_on() -> None:
    outbox = Outbox()
    taking = asyncio.create_task(outbox.take())
    await asyncio.sleep(0)

    outbox.add().job_ack.job_id = "j"
    asyncio.get_running_loop().call_soon(lambda: setattr(outbox.add().job_completed, "job_id", "j"))

    async with asyncio.timeout(10):
        message = await taking
    assert [one.WhichOneof("payload") for one in message.batch] == ["job_ack", "job_completed"]
