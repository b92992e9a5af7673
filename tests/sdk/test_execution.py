"""An execution by itself: what it leaves when it is over."""

from __future__ import annotations

import asyncio
import gc
import weakref
from datetime import UTC, datetime
from typing import Any

import pytest

from ironflow import Context, Function, NonRetryableError, function
from ironflow.assignment import Assignment, Recorded
from ironflow.context import Event
from ironflow.execution import Execution
from ironflow.reports import Report, RunCompleted, RunFailed, Sleep, Waiting
from ironflow.threads import Threads
from tests.support.bounds import within

LATER = datetime(2040, 1, 1, tzinfo=UTC)
NAP = "run_1:nap:0"


@function("naps")
async def naps(ctx: Context) -> int:
    await ctx.step.sleep_until("nap", LATER)
    return 1


@function("fails")
async def fails(ctx: Context) -> int:
    await ctx.step.sleep_until("nap", LATER)
    raise NonRetryableError("no")


class Told:
    """What an execution reports."""

    def __init__(self) -> None:
        self.reports: asyncio.Queue[Report] = asyncio.Queue()

    def report(self, report: Report) -> None:
        self.reports.put_nowait(report)

    async def next(self) -> Report:
        async with within("a report"):
            return await self.reports.get()


def assigned(*steps: Recorded) -> Assignment:
    event = Event(id="evt_1", name="e", data=None, timestamp=LATER, metadata={})
    return Assignment(run_id="run_1", function_id="f", event=event, steps=[*steps], attempt=1)


def slept(step_id: str = NAP) -> Recorded:
    return Recorded(step_id, b"null", kind=Sleep.kind, news=True)


def execution_of(made: Function, sink: Any) -> Execution:
    threads = Threads(1, name="test")
    return Execution(
        assigned(),
        function=made,
        sink=sink,
        handlers=threads,
        threads=threads,
        on_end=lambda _: None,
        parks=lambda: True,
    )


async def parked(made: Function, told: Told) -> tuple[Execution, asyncio.Task[None]]:
    execution = execution_of(made, told)
    task = execution.start()
    waiting = await told.next()
    assert isinstance(waiting, Waiting)
    assert waiting.parked
    return execution, task


@pytest.mark.parametrize(("made", "end"), [(naps, RunCompleted), (fails, RunFailed), (naps, None)])
async def test_what_is_over_is_freed_without_a_search_for_garbage(made: Function, end: type[Report] | None) -> None:
    told = Told()
    execution, task = await parked(made, told)
    kept = weakref.ref(execution)
    gc.disable()
    try:
        if end is None:
            execution.abandon()
        else:
            execution.resume(assigned(slept()), told)
            assert isinstance(await told.next(), end)
        async with within("the end of the task"):
            await task

        del execution, task
        await asyncio.sleep(0)

        assert kept() is None
    finally:
        gc.enable()


@function("rushes")
async def rushes(ctx: Context) -> list[str]:
    """Which nap was over first, and which then."""
    order: list[str] = []

    async def nap(name: str) -> None:
        await ctx.step.sleep_until(name, LATER)
        order.append(name)

    await asyncio.gather(nap("a"), nap("b"))
    return order


async def test_a_run_that_waits_for_one_thing_goes_on_with_it_at_once() -> None:
    told = Told()
    execution, _ = await parked(naps, told)

    execution.resume(assigned(slept()), told)
    await asyncio.sleep(0)  # the turn that the code goes on in

    assert told.reports.get_nowait() == RunCompleted(b"1")


async def test_what_ends_side_by_side_goes_on_in_recorded_order_and_the_rest_is_waited_for() -> None:
    told = Told()
    execution, _ = await parked(rushes, told)
    execution.resume(assigned(slept("run_1:b:0")), told)
    again = await told.next()
    assert isinstance(again, Waiting)
    assert [wait.step_id for wait in again.waits] == ["run_1:a:0"]

    execution.resume(assigned(slept("run_1:a:0")), told)

    assert await told.next() == RunCompleted(b'["b","a"]')
    together, _ = await parked(rushes, told)
    together.resume(assigned(slept("run_1:b:0"), slept("run_1:a:0")), told)
    assert await told.next() == RunCompleted(b'["b","a"]')
