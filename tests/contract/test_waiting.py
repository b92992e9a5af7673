"""Waits for events: which event ends which wait, and that none is lost. Both stores."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from app.clock import ManualClock
from app.errors import InvalidArgument
from app.events.new_event import NewEvent
from app.history.kinds import RunFailed, RunSuspended, RunWoken, StepCompleted, StepWaiting
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


async def told(node: Node, name: str, data: bytes = b"null", **options: Any) -> str:
    return (await node.emitter.emit(NewEvent("default", name, data, **options))).event_id


async def test_an_event_ends_the_wait_and_is_given_to_the_code(node: Node) -> None:
    await register(node)
    worker = Worker(node)
    run_id = await emit(node)
    job = await worker.job()
    worker.wait(job, wait_for(job, "paid", "payment.*"))
    await recorded(node, run_id, RunSuspended.kind)
    assert await status_of(node, run_id) == "waiting"

    event_id = await told(node, "payment.received", b'{"amount": 7}', metadata=b'{"tenant":"a"}')
    again = await worker.job()

    given = memos(again)["paid"]
    assert (given["id"], given["name"], given["data"]) == (event_id, "payment.received", {"amount": 7})
    assert given["metadata"] == {"tenant": "a"}
    assert again.execution_seq == job.execution_seq + 1
    worker.complete(again)
    assert await ended(node, run_id) == "completed"
    [step] = (await node.runs.get("default", run_id)).steps.values()
    assert (step.type, step.status, step.wait_event, step.event_id) == (
        "wait_for_event",
        "completed",
        "payment.*",
        event_id,
    )


@pytest.mark.parametrize(
    ("match", "match_value", "data", "fits"),
    [
        ("data.id", "", b'{"id":1}', True),
        ("data.id", "", b'{"id":"1"}', True),
        ("data.id", "", b'{"id":1.0}', True),
        ("data.id", "", b'{"id":2}', False),
        ("data.id", "", b"{}", False),
        ("$.data.id", "", b'{"id":1}', True),
        ("data.order.id", "x-7", b'{"order":{"id":"x-7"}}', True),
        ("data.items.0.id", "7", b'{"items":[{"id":7}]}', True),
        ("data.items[1].id", "7", b'{"items":[{"id":7}]}', False),
        ("data.ok", "true", b'{"ok":true}', True),
        ("data.id == 1 && data.total > 5", "", b'{"id":1,"total":6}', True),
        ("data.id == 1 && data.total > 5", "", b'{"id":1,"total":5}', False),
        ("event.data.total > 5", "", b"{}", False),
    ],
)
async def test_only_an_event_that_matches_ends_the_wait(
    node: Node, match: str, match_value: str, data: bytes, *, fits: bool
) -> None:
    await register(node)
    worker = Worker(node)
    await emit(node, data=b'{"id":1}')
    job = await worker.job()
    worker.wait(
        job,
        wait_for(job, "a", "thing.done", match=match, match_value=match_value),
        wait_for(job, "b", "thing.last"),
    )
    await node.committer.drain()

    await told(node, "thing.done", data)
    await told(node, "other.done", data)
    await told(node, "thing.last")

    job = await worker.job()
    assert ("a" in memos(job)) is fits
    if not fits:
        assert "b" in memos(job)


async def test_a_match_without_a_value_to_compare_with_is_refused(node: Node) -> None:
    await register(node)
    worker = Worker(node)
    await emit(node, data=b'{"items":[]}')
    job = await worker.job()

    for match in ("data.id", "data.items", "1 +", "nobody == 1"):
        with pytest.raises(InvalidArgument):
            worker.wait(job, wait_for(job, "a", "thing.done", match=match))


async def test_one_event_ends_the_waits_of_many_runs_and_each_wait_takes_one(node: Node) -> None:
    await register(node)
    worker = Worker(node)
    runs = [await emit(node) for _ in range(5)]
    for _ in runs:
        job = await worker.job()
        worker.wait(job, wait_for(job, "a", "go.*"))
    await node.committer.drain()

    first, _ = await told(node, "go.first"), await told(node, "go.second")

    for _ in runs:
        job = await worker.job()
        assert memos(job)["a"]["id"] == first
        worker.complete(job)
    assert [await ended(node, run_id) for run_id in runs] == ["completed"] * 5


async def test_an_event_before_the_wait_counts_only_within_its_lookback(node: Node, clock: ManualClock) -> None:
    await register(node)
    worker = Worker(node)
    await told(node, "go.old")
    pass_time(clock, worker, seconds=60)
    wanted = [await told(node, "go.one"), await told(node, "go.two")]
    await emit(node)
    job = await worker.job()

    worker.wait(job, wait_for(job, "a", "go.*", lookback_ms=30_000))
    job = await worker.job()
    assert memos(job)["a"]["id"] == wanted[0]

    worker.wait(job, wait_for(job, "b", "go.*", lookback_ms=30_000))
    job = await worker.job()
    assert memos(job)["b"]["id"] == wanted[1]  # an event is taken once

    worker.wait(job, wait_for(job, "c", "go.*", lookback_ms=30_000))
    await node.committer.drain()
    late = await told(node, "go.late")
    assert memos(await worker.job())["c"]["id"] == late


async def test_a_lookback_does_not_find_the_event_that_started_the_run(node: Node) -> None:
    await register(node)
    worker = Worker(node)
    await emit(node)
    job = await worker.job()
    worker.wait(job, wait_for(job, "a", "order.placed", lookback_ms=60_000, timeout_s=1_000))
    await recorded(node, job.run_id, RunSuspended.kind)

    await told(node, "order.placed")

    [again] = [one for one in (await worker.job(), await worker.job()) if one.run_id == job.run_id]
    assert memos(again)["a"]["id"] != job.emitted.id


@pytest.mark.parametrize("on_timeout", ["fail", "default", "error"])
async def test_a_wait_that_times_out(node: Node, clock: ManualClock, on_timeout: str) -> None:
    await register(node)
    worker = Worker(node)
    run_id = await emit(node)
    job = await worker.job()
    default = msgspec.Raw(b'{"none":1}')
    worker.wait(job, wait_for(job, "a", "never.comes", timeout_s=10, on_timeout=on_timeout, default=default))
    await node.committer.drain()

    pass_time(clock, worker, seconds=9)
    assert await status_of(node, run_id) == "waiting"
    pass_time(clock, worker, seconds=1)

    if on_timeout == "fail":
        assert await ended(node, run_id) == "failed"
        record = await node.runs.get("default", run_id)
        assert record.state.error is not None
        assert (record.state.error.code, record.state.attempt) == ("WAIT_TIMEOUT", 1)
        assert next(iter(record.steps.values())).status == "timed_out"
        await node.engine.resume("default", run_id)
        job = await worker.job()
        assert memos(job) == {}  # it waits anew
        worker.wait(job, wait_for(job, "a", "does.come"))
        await recorded(node, run_id, StepWaiting.kind, after=record.state.position)
        await told(node, "does.come")
        assert "a" in memos(await worker.job())
        return
    job = await worker.job()
    assert memos(job)["a"] == ({"none": 1} if on_timeout == "default" else "WAIT_TIMEOUT")


async def test_an_event_recorded_in_time_counts_though_the_deadline_came_before_it_was_seen(
    node: Node, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The event is recorded before the deadline, in a commit that the deadline overtakes."""
    await register(node)
    worker = Worker(node)
    await emit(node)
    job = await worker.job()
    worker.wait(job, wait_for(job, "a", "go.now", timeout_s=10))
    await recorded(node, job.run_id, RunSuspended.kind)

    emitting = asyncio.create_task(told(node, "go.now"))
    await asyncio.sleep(0)  # submitted, not yet recorded
    pass_time(clock, worker, seconds=0)
    written = node.storage.write

    async def slowly(work: Any) -> Any:
        result = await written(work)
        pass_time(clock, worker, seconds=10)
        await asyncio.sleep(0)
        return result

    monkeypatch.setattr(node.storage, "write", slowly)
    event_id = await emitting

    assert memos(await worker.job())["a"]["id"] == event_id


async def test_an_event_after_the_deadline_does_not_count_even_if_nobody_looked(
    storage: Storage, clock: ManualClock
) -> None:
    async with running(storage, clock) as node:
        await register(node)
        worker = Worker(node)
        run_id = await emit(node)
        job = await worker.job()
        worker.wait(job, wait_for(job, "a", "go.now", timeout_s=10))
        await recorded(node, run_id, RunSuspended.kind)

    clock.advance(seconds=11)
    async with running(storage, clock) as node:
        await told(node, "go.now")
        assert await ended(node, run_id) == "failed"


async def test_waits_side_by_side_end_each_by_itself(node: Node, clock: ManualClock) -> None:
    await register(node)
    worker = Worker(node)
    run_id = await emit(node)
    job = await worker.job()
    now = clock.now_us()
    three = (
        wait_for(job, "a", "go.a"),
        Sleep(step_id(job, "nap"), "nap", now + 5_000_000),
        wait_for(job, "b", "go.b", timeout_s=20, on_timeout="error"),
    )
    worker.wait(job, *three)
    await node.committer.drain()

    await told(node, "go.a")
    job = await worker.job()
    assert list(memos(job)) == ["a"]
    worker.wait(job, *three[1:])
    await node.committer.drain()

    pass_time(clock, worker, seconds=5)
    job = await worker.job()
    assert list(memos(job)) == ["a", "nap"]
    worker.wait(job, three[2])
    await node.committer.drain()

    pass_time(clock, worker, seconds=15)
    job = await worker.job()
    assert memos(job)["b"] == "WAIT_TIMEOUT"
    kinds = await history_of(node, run_id)
    assert kinds.count(StepWaiting.kind) == 2


async def test_what_comes_while_the_run_executes_makes_it_go_on_at_once(node: Node) -> None:
    await register(node)
    worker = Worker(node)
    run_id = await emit(node)
    job = await worker.job()
    both = (wait_for(job, "a", "go.a"), wait_for(job, "b", "go.b"))
    worker.wait(job, *both)
    await node.committer.drain()
    await told(node, "go.a")
    job = await worker.job()
    assert list(memos(job)) == ["a"]
    at = node.tail.head
    await told(node, "go.b")
    await recorded(node, run_id, StepCompleted.kind, after=at)

    worker.wait(job, both[1])
    again = await worker.job()

    assert list(memos(again)) == ["a", "b"]
    assert (await history_of(node, run_id)).count(RunWoken.kind) == 1


async def test_a_memo_has_the_order_in_which_the_code_was_told(node: Node) -> None:
    await register(node)
    worker = Worker(node)
    run_id = await emit(node)
    job = await worker.job()
    both = (wait_for(job, "a", "go.a"), wait_for(job, "b", "go.b"))
    worker.wait(job, *both)
    await node.committer.drain()
    await told(node, "go.a")
    job = await worker.job()
    at = node.tail.head
    await told(node, "go.b")  # recorded before the step, but the code hears of it with its next execution
    await recorded(node, run_id, StepCompleted.kind, after=at)
    fact = StepCompleted(step_id(job, "s"), "s", msgspec.Raw(b"1"), execution_seq=job.execution_seq)
    await answered(lambda done: node.engine.step("default", run_id, fact, done))
    worker.wait(job, both[1])

    again = await worker.job()

    assert list(memos(again)) == ["a", "s", "b"]


async def test_an_event_whose_consequence_was_lost_is_found_after_a_kill(storage: Storage, clock: ManualClock) -> None:
    async with running(storage, clock) as node:
        await register(node)
        worker = Worker(node)
        run_id = await emit(node)
        job = await worker.job()
        worker.wait(job, wait_for(job, "a", "go.now"))
        await recorded(node, run_id, RunSuspended.kind)
        node.engine.resolve_event = lambda *_, **__: None  # type: ignore[method-assign]
        event_id = await told(node, "go.now")
        await told(node, "go.now")

    async with running(storage, clock) as node:
        worker = Worker(node)
        job = await worker.job()
        assert memos(job)["a"]["id"] == event_id
        worker.complete(job)
        assert await ended(node, run_id) == "completed"
        assert (await rebuild(storage, node.fold, check=True)).differing == ()


async def test_what_a_lookback_found_is_found_again_after_a_kill(storage: Storage, clock: ManualClock) -> None:
    async with running(storage, clock) as node:
        await register(node)
        worker = Worker(node)
        event_id = await told(node, "go.now")
        run_id = await emit(node)
        job = await worker.job()
        node.engine.resolve_event = lambda *_, **__: None  # type: ignore[method-assign]
        worker.wait(job, wait_for(job, "a", "go.now", lookback_ms=60_000))
        await recorded(node, run_id, RunSuspended.kind)

    async with running(storage, clock) as node:
        assert memos(await Worker(node).job())["a"]["id"] == event_id


async def test_a_wait_survives_a_restart_and_its_deadline_too(storage: Storage, clock: ManualClock) -> None:
    async with running(storage, clock) as node:
        await register(node)
        worker = Worker(node)
        ids = [await emit(node) for _ in range(2)]
        for _ in ids:
            job = await worker.job()
            worker.wait(job, wait_for(job, "a", "go.now", match="data.id", match_value=job.run_id, timeout_s=60))
            await recorded(node, job.run_id, RunSuspended.kind)

    async with running(storage, clock) as node:
        worker = Worker(node)
        await told(node, "go.now", msgspec.json.encode({"id": ids[1]}))
        job = await worker.job()
        assert job.run_id == ids[1]
        pass_time(clock, worker, seconds=60)
        failed = await recorded(node, ids[0], RunFailed.kind)
        assert isinstance(failed.fact, RunFailed)
        assert failed.fact.error.code == "WAIT_TIMEOUT"


async def test_a_retry_does_not_begin_a_wait_anew_and_keeps_its_delay(node: Node, clock: ManualClock) -> None:
    from app.history.kinds import Failure, RetryPolicy

    await register(node, retry=RetryPolicy(max_attempts=5, initial_delay_ms=5_000))
    worker = Worker(node)
    run_id = await emit(node)
    job = await worker.job()
    both = (wait_for(job, "a", "go.a"), wait_for(job, "b", "go.b"))
    worker.wait(job, *both)
    await node.committer.drain()
    await told(node, "go.a")
    worker.fail(await worker.job(), Failure("boom"))
    await node.committer.drain()

    at = node.tail.head
    await told(node, "go.b")
    await recorded(node, run_id, StepCompleted.kind, after=at)
    assert worker.jobs.empty()
    assert await status_of(node, run_id) == "waiting"
    pass_time(clock, worker, seconds=5)

    assert list(memos(await worker.job())) == ["a", "b"]
