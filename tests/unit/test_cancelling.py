"""Tasks end, also where a library forgets that it was cancelled."""

from __future__ import annotations

import asyncio

import pytest

from app.cancelling import end, through


async def deaf(times: int, begun: asyncio.Event) -> None:
    """Forgets so many cancellations."""
    begun.set()
    while True:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            if not times:
                raise
            times -= 1


async def test_a_task_that_forgets_its_cancellation_is_cancelled_again() -> None:
    begun = asyncio.Event()
    task = asyncio.create_task(deaf(2, begun))
    await begun.wait()

    await end(task, None)

    assert task.cancelled()


async def test_what_ended_already_and_what_it_raised_are_left_alone() -> None:
    async def fails() -> None:
        raise ValueError("its own")

    task = asyncio.create_task(fails())
    await asyncio.wait((task,))

    await end(task)

    assert isinstance(task.exception(), ValueError)


async def test_who_is_cancelled_meanwhile_ends_them_first() -> None:
    begun = asyncio.Event()
    task = asyncio.create_task(deaf(2, begun))
    await begun.wait()
    ending = asyncio.create_task(end(task))
    await asyncio.sleep(0)  # it has begun

    ending.cancel()

    with pytest.raises(asyncio.CancelledError):
        await ending
    assert task.cancelled()


async def test_what_has_to_be_gone_through_with_is_and_then_it_is_cancelled() -> None:
    going, done = asyncio.Event(), []

    async def work() -> None:
        await going.wait()
        done.append("all of it")

    task = asyncio.create_task(through(work()))
    await asyncio.sleep(0)  # it has begun
    for _ in range(3):
        task.cancel()
        await asyncio.sleep(0)
    assert not task.done()

    going.set()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert done == ["all of it"]


async def test_what_work_raises_is_raised() -> None:
    async def work() -> None:
        raise ValueError("its own")

    with pytest.raises(ValueError, match="its own"):
        await through(work())
