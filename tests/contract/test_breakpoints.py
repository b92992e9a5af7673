"""Breakpoints: where they hold runs, when they let them go, and what survives a restart."""

from __future__ import annotations

from typing import Any

import pytest

from app.clock import ManualClock
from app.errors import BreakpointNotFound, InvalidArgument, StaleExecution
from app.events.new_event import NewEvent
from app.history.kinds import Held, RunPaused, RunResumed, RunSuspended
from app.history.rebuild import rebuild
from app.node import Node
from app.runs.yields import Sleep
from storage.contract import Storage
from tests.support.worker import (
    Worker,
    answered,
    emit,
    ended,
    history_of,
    memos,
    pass_time,
    recorded,
    register,
    running,
    status_of,
    step_id,
    wait_for,
)


async def begin(node: Node, job: Any, name: str) -> Any:
    """What a worker of ours does before it runs a step; the fact that holds the run, or None."""
    return await answered(
        lambda done: node.engine.begin_step(
            "default",
            job.run_id,
            execution_seq=job.execution_seq,
            step_id=step_id(job, name),
            name=name,
            kind="invoke",
            done=done,
        )
    )


async def test_a_run_is_held_after_a_step_that_fits_and_goes_on_when_the_lease_is_over(
    node: Node, storage: Storage, clock: ManualClock
) -> None:
    await register(node)
    worker = Worker(node)
    run_id = await emit(node)
    job = await worker.job()
    made = await node.breakpoints.create("default", function_id="f", step="ch*", condition="step.output.n > 1")

    await worker.step(job, "reserve", b'{"n":5}')
    await worker.step(job, "charge-1", b'{"n":1}')
    await worker.step(job, "charge-2", b'"text"')
    assert await status_of(node, run_id) == "running"
    await worker.step(job, "charge-3", b'{"n":2}')

    assert await ended(node, run_id) == "paused"
    state = (await node.runs.get("default", run_id)).state
    assert (state.pause_reason, state.held) == ("breakpoint", Held(made.id, f"{run_id}:charge-3:0", "after"))
    assert (await worker.told_to_stop())[0] is job
    await node.breakpoints.renew("default", made.id, ttl_s=60)
    pass_time(clock, worker, seconds=50)
    assert worker.jobs.empty()
    pass_time(clock, worker, seconds=11)
    assert set(memos(await worker.job())) == {"reserve", "charge-1", "charge-2", "charge-3"}
    assert (await recorded(node, run_id, RunResumed.kind)).fact.reason == f"{made.id} is over"  # type: ignore[attr-defined]
    assert await node.breakpoints.list("default") == []
    with pytest.raises(BreakpointNotFound):
        await node.breakpoints.renew("default", made.id)
    assert (await rebuild(storage, node.fold, check=True)).differing == ()


async def test_a_run_is_held_before_a_step_once(node: Node) -> None:
    await register(node)
    worker = Worker(node)
    run_id = await emit(node)
    job = await worker.job()
    assert not node.engine.may_hold("default", run_id, "f")
    await node.breakpoints.create("default", run_id=run_id, step="charge", place="before")
    assert node.engine.may_hold("default", run_id, "f")

    assert await begin(node, job, "reserve") is None
    held = await begin(node, job, "charge")

    assert isinstance(held, RunPaused)
    with pytest.raises(StaleExecution):
        await begin(node, job, "charge")
    await node.engine.resume("default", run_id)
    job = await worker.job()
    assert await begin(node, job, "charge") is None
    await worker.step(job, "charge")
    worker.complete(job)
    assert await ended(node, run_id) == "completed"


async def test_a_run_is_held_before_it_waits_and_after(node: Node, clock: ManualClock) -> None:
    await register(node)
    worker = Worker(node)
    run_id = await emit(node)
    job = await worker.job()
    before = await node.breakpoints.create("default", function_id="f", step="paid", place="before")
    await node.breakpoints.create("default", function_id="f", step="paid", condition="step.output.data.n == 1")

    worker.wait(job, wait_for(job, "paid", "payment.came"), Sleep(step_id(job, "nap"), "nap", clock.now_us() + 10**9))
    assert await ended(node, run_id) == "paused"
    assert (await history_of(node, run_id))[-1] == "run.paused"  # nothing of the wait has begun
    await node.breakpoints.delete("default", before.id)
    job = await worker.job()
    worker.wait(job, wait_for(job, "paid", "payment.came"))
    await recorded(node, run_id, RunSuspended.kind)
    await node.emitter.emit(NewEvent("default", "payment.came", b'{"n":1}'))

    assert await ended(node, run_id) == "paused"
    assert (await history_of(node, run_id))[-3:] == ["step.completed", "run.woken", "run.paused"]
    assert worker.jobs.empty()


async def test_a_run_is_held_before_each_of_its_waits_once(node: Node) -> None:
    await register(node)
    worker = Worker(node)
    run_id = await emit(node)
    await node.breakpoints.create("default", function_id="f", place="before")

    for _ in range(2):
        job = await worker.job()
        worker.wait(job, wait_for(job, "a", "came.a"), wait_for(job, "b", "came.b"))
        assert await ended(node, run_id) == "paused"
        await node.engine.resume("default", run_id)
    job = await worker.job()
    worker.wait(job, wait_for(job, "a", "came.a"), wait_for(job, "b", "came.b"))

    await recorded(node, run_id, RunSuspended.kind)


async def test_a_person_holds_a_run_on_that_a_breakpoint_held(node: Node) -> None:
    await register(node)
    worker = Worker(node)
    run_id = await emit(node)
    made = await node.breakpoints.create("default", run_id=run_id)
    await worker.step(await worker.job(), "a")
    assert await ended(node, run_id) == "paused"

    await node.engine.pause("default", run_id, reason="mine")
    await node.breakpoints.delete("default", made.id)
    await node.committer.drain()

    assert (await node.runs.get("default", run_id)).state.pause_reason == "mine"
    assert worker.jobs.empty()


async def test_a_lease_survives_a_restart_and_one_that_ended_meanwhile_lets_go(
    storage: Storage, clock: ManualClock
) -> None:
    async with running(storage, clock) as node:
        await register(node)
        worker = Worker(node)
        held = []
        for ttl_s in (60, 600):
            run_id = await emit(node)
            await node.breakpoints.create("default", run_id=run_id, ttl_s=ttl_s)
            await worker.step(await worker.job(), "a")
            assert await ended(node, run_id) == "paused"
            held.append(run_id)

    clock.advance(seconds=61)
    async with running(storage, clock) as node:
        job = await Worker(node).job()
        assert job.run_id == held[0]
        assert await status_of(node, held[1]) == "paused"
        assert [one.run_id for one in await node.breakpoints.list("default")] == held[1:]


async def test_runs_of_others_are_left_alone(node: Node) -> None:
    await register(node)
    worker = Worker(node)
    run_id = await emit(node)
    await node.breakpoints.create("default", run_id="run_other")
    await node.breakpoints.create("default", function_id="g")
    await node.breakpoints.create("elsewhere", function_id="f")
    job = await worker.job()

    await worker.step(job, "a")
    worker.complete(job)

    assert await ended(node, run_id) == "completed"


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({}, "run_id"),
        ({"run_id": "r", "function_id": "f"}, "run_id"),
        ({"function_id": "f", "step": ""}, "step"),
        ({"function_id": "f", "place": "within"}, "place"),
        ({"function_id": "f", "condition": "step.output >"}, "condition"),
        ({"function_id": "f", "condition": "event.data.n > 1"}, "condition"),
        ({"function_id": "f", "ttl_s": 0.5}, "ttl_s"),
        ({"function_id": "f", "owner": "a\0"}, "owner"),
    ],
)
async def test_what_cannot_hold_is_refused(node: Node, options: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        await node.breakpoints.create("default", **options)

    assert refused.value.field == field
    with pytest.raises(BreakpointNotFound):
        await node.breakpoints.delete("default", "bp_none")
