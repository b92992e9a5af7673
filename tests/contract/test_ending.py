"""Runs that are ended from outside: what they did is undone first, where that can be, and none of them hangs."""

from __future__ import annotations

import pytest

from app.clock import ManualClock
from app.dispatch.jobs import Job
from app.history.kinds import Failure, RetryPolicy, RunSuspended, StepCompleted
from app.history.rebuild import rebuild
from app.node import Node
from app.runs.ending import UNWIND_US_MAX
from app.runs.yields import Sleep
from storage.contract import Storage
from tests.support.worker import (
    Worker,
    answered,
    emit,
    ended,
    invoke,
    memos,
    pass_time,
    recorded,
    register,
    running,
    status_of,
    step_id,
    wait_for,
)

DONE = Failure("the end", code="X", retryable=False)


async def began(node: Node, worker: Worker) -> Job:
    """A job whose first step is recorded."""
    await emit(node)
    job = await worker.job()
    await worker.step(job, "charge")
    return job


async def undo(node: Node, job: Job) -> None:
    name = "compensate:charge"
    fact = StepCompleted(
        step_id(job, name), name, type="compensate", execution_seq=job.execution_seq, compensation_for="charge"
    )
    await answered(lambda done: node.engine.step("default", job.run_id, fact, done))


@pytest.mark.parametrize("cause", ["cancelled", "timed_out", "failed"])
async def test_a_run_is_handed_out_once_more_to_undo_what_it_did(
    node: Node, storage: Storage, clock: ManualClock, cause: str
) -> None:
    await register(node, timeout_ms=5_000)
    worker = Worker(node, unwinds=True)
    job = await began(node, worker)
    if cause == "cancelled":
        await node.engine.cancel("default", job.run_id, reason="changed my mind", compensate=True)
    elif cause == "timed_out":
        pass_time(clock, worker, seconds=5)
    else:
        worker.wait(job, wait_for(job, "shipped", "never.comes", timeout_s=10))
        await recorded(node, job.run_id, RunSuspended.kind)
        pass_time(clock, worker, seconds=10)

    again = await worker.job()
    assert again.unwind is not None
    assert again.unwind.cause == cause
    assert memos(again)["charge"] == 1
    assert again.execution_seq == job.execution_seq + 1
    await undo(node, again)
    worker.fail(again, DONE)

    assert await ended(node, job.run_id) == ("cancelled" if cause == "cancelled" else "failed")
    record = await node.runs.get("default", job.run_id)
    assert record.state.not_undone == ""
    if cause != "cancelled":
        assert record.state.error is not None
        assert record.state.error.code == {"timed_out": "RUN_TIMEOUT", "failed": "WAIT_TIMEOUT"}[cause]
    assert (await rebuild(storage, node.fold, check=True)).differing == ()


async def test_a_run_that_did_nothing_or_whose_worker_cannot_undo_ends_at_once(node: Node) -> None:
    await register(node)
    able, unable = Worker(node, unwinds=True), Worker(node, name="w2", functions=("g",))
    await register(node, id="g")

    await node.emitter.emit(_event("order.placed"))
    idle, busy = await able.job(), await unable.job()
    await unable.step(busy, "charge")
    for job in (idle, busy):
        await node.engine.cancel("default", job.run_id, reason="", compensate=True)

    assert [await ended(node, job.run_id) for job in (idle, busy)] == ["cancelled", "cancelled"]


def _event(name: str):  # type: ignore[no-untyped-def]
    from app.events.new_event import NewEvent

    return NewEvent("default", name, b"1")


async def test_unwinding_goes_on_elsewhere_when_its_worker_is_lost(storage: Storage, clock: ManualClock) -> None:
    async with running(storage, clock) as node:
        await register(node)
        worker = Worker(node, unwinds=True)
        job = await began(node, worker)
        await node.engine.cancel("default", job.run_id, reason="", compensate=True)
        again = await worker.job()
        await undo(node, again)

    async with running(storage, clock) as node:
        worker = Worker(node, unwinds=True)
        once_more = await worker.job()
        assert once_more.unwind is not None
        assert "compensate:charge" in memos(once_more)
        worker.complete(once_more)
        assert await ended(node, job.run_id) == "cancelled"


async def test_without_a_worker_unwinding_ends_at_its_deadline(storage: Storage, clock: ManualClock) -> None:
    async with running(storage, clock) as node:
        await register(node)
        worker = Worker(node, unwinds=True)
        job = await began(node, worker)
        node.dispatcher.leave(worker.session, reason="gone")
        await node.engine.cancel("default", job.run_id, reason="", compensate=True)
        assert await status_of(node, job.run_id) == "waiting_for_capacity"

    async with running(storage, clock) as node:
        clock.advance(us=UNWIND_US_MAX)
        assert await ended(node, job.run_id) == "cancelled"
        assert "no worker" in (await node.runs.get("default", job.run_id)).state.not_undone


async def test_a_worker_that_does_not_come_back_from_unwinding_loses_it_at_the_deadline(
    node: Node, clock: ManualClock
) -> None:
    await register(node)
    worker = Worker(node, unwinds=True)
    job = await began(node, worker)
    await node.engine.cancel("default", job.run_id, reason="", compensate=True)
    await worker.job()

    pass_time(clock, worker, seconds=UNWIND_US_MAX / 1_000_000)

    assert await ended(node, job.run_id) == "cancelled"


@pytest.mark.parametrize("how", ["waits", "fails", "diverges", "is cancelled again"])
async def test_unwinding_ends_whatever_the_code_does(node: Node, clock: ManualClock, how: str) -> None:
    from app.history.kinds import Divergence

    await register(node, retry=RetryPolicy(max_attempts=2, initial_delay_ms=1_000))
    worker = Worker(node, unwinds=True)
    job = await began(node, worker)
    await node.engine.cancel("default", job.run_id, reason="", compensate=True)
    again = await worker.job()

    match how:
        case "waits":
            worker.wait(again, Sleep(step_id(again, "nap"), "nap", clock.now_us()))
        case "fails":
            worker.fail(again, Failure("crash"))
            await node.committer.drain()
            pass_time(clock, worker, seconds=1)
            worker.fail(await worker.job(), Failure("crash again"))
        case "diverges":
            divergence = Divergence("x", "a", "b")
            worker.node.dispatcher.finish(
                worker.session,
                again,
                lambda done: node.engine.diverge(
                    "default", job.run_id, execution_seq=again.execution_seq, divergence=divergence, done=done
                ),
            )
        case _:
            await node.engine.cancel("default", job.run_id, reason="now")

    assert await ended(node, job.run_id) == "cancelled"
    assert (await node.runs.get("default", job.run_id)).state.not_undone != ""


async def test_children_of_a_run_that_unwinds_are_cancelled_first(node: Node) -> None:
    await register(node)
    await register(node, id="child", triggers=())
    worker = Worker(node, unwinds=True, functions=("f", "child"))
    job = await began(node, worker)
    worker.wait(job, invoke(job, "child"))
    child = await worker.job()

    await node.engine.cancel("default", job.run_id, reason="", compensate=True)

    assert await ended(node, child.run_id) == "cancelled"
    assert (await worker.job()).unwind is not None
