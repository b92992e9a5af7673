"""Runs through a whole node, with a worker that is a few lines of the test. Both stores."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from app.clock import ManualClock
from app.errors import IdempotencyConflict, InvalidArgument, RunChanged, RunNotFound, StaleExecution
from app.events.new_event import NewEvent
from app.history.kinds import Failure, RetryPolicy, Trigger
from app.history.rebuild import rebuild
from app.history.verify import verify
from app.node import Node
from app.runs.definition import Definition
from app.runs.listing import RunFilter
from storage.contract import Storage
from tests.support.worker import LEASE_S, Worker, emit, ended, register, running, status_of


async def test_an_event_becomes_a_run_that_a_worker_completes(node: Node, storage: Storage) -> None:
    await register(node)
    worker = Worker(node)

    run_id = await emit(node, data=b'{"id":  7}')
    job = await worker.job()
    await worker.step(job, "a", b'{"x":1}')
    worker.complete(job)

    assert await ended(node, run_id) == "completed"
    record = await node.runs.get("default", run_id)
    assert bytes(record.input) == b'{"id":  7}'
    assert record.output is not None
    assert bytes(record.output) == b'"done"'
    assert [(step.name, step.status) for step in record.steps.values()] == [("a", "completed")]
    assert (await verify(storage)).bad_position is None


async def test_runs_wait_for_a_worker_and_are_handed_out_in_order(node: Node) -> None:
    await register(node)
    runs = [await emit(node) for _ in range(3)]
    assert await status_of(node, runs[0]) == "waiting_for_capacity"

    worker = Worker(node, slots=1)
    seen = []
    for _ in runs:
        job = await worker.job()
        assert worker.jobs.empty()
        seen.append(job.run_id)
        worker.complete(job)

    assert seen == runs
    assert await ended(node, runs[-1]) == "completed"


async def test_the_next_execution_is_given_what_was_recorded(node: Node) -> None:
    await register(node)
    first = Worker(node)
    run_id = await emit(node)
    job = await first.job()
    await first.step(job, "a", b"[1, 2]")
    node.dispatcher.leave(first.session, reason="killed")

    second = Worker(node, name="w2")
    again = await second.job()

    assert again.run_id == run_id
    assert again.execution_seq == job.execution_seq + 1
    assert again.attempt == job.attempt
    assert [(memo.name, bytes(memo.output or b"")) for memo in again.memos] == [("a", b"[1, 2]")]
    with pytest.raises(StaleExecution):
        await first.step(job, "b")


async def test_a_silent_worker_loses_its_runs_after_its_lease(node: Node, clock: ManualClock) -> None:
    await register(node)
    silent = Worker(node)
    await emit(node)
    job = await silent.job()
    second = Worker(node, name="w2")

    for _ in range(int(LEASE_S) + 2):
        clock.advance(seconds=1)
        second.session.last_seen_at = clock.now_us()
        await asyncio.sleep(0)
    again = await second.job()

    assert again.run_id == job.run_id
    assert silent.session.closed


async def test_a_failed_attempt_is_retried_when_its_time_has_come(node: Node, clock: ManualClock) -> None:
    await register(node, retry=RetryPolicy(max_attempts=2, initial_delay_ms=5_000, on_exhausted="fail"))
    worker = Worker(node)
    run_id = await emit(node)
    worker.fail(await worker.job(), Failure("boom", code="E"))
    await node.committer.drain()
    assert await status_of(node, run_id) == "waiting"
    assert worker.jobs.empty()

    worker.session.last_seen_at += 10_000_000
    clock.advance(seconds=5)
    second = await worker.job()
    assert second.attempt == 2
    worker.fail(second, Failure("boom again"))

    assert await ended(node, run_id) == "failed"


async def test_a_run_that_waits_for_its_next_attempt_is_tried_at_once_when_held_and_let_go(node: Node) -> None:
    await register(node, retry=RetryPolicy(max_attempts=2, initial_delay_ms=5_000, on_exhausted="fail"))
    worker = Worker(node)
    run_id = await emit(node)
    worker.fail(await worker.job(), Failure("boom", code="E"))
    await node.committer.drain()
    waiting = await node.runs.row("default", run_id)

    await node.engine.pause("default", run_id, reason="now", expected=waiting.version)
    held = await node.runs.row("default", run_id)
    await node.engine.resume("default", run_id, reason="now", expected=held.version)
    job = await worker.job()

    assert (waiting.status, held.status, job.run_id, job.attempt) == ("waiting", "paused", run_id, 1)
    with pytest.raises(RunChanged):  # it has gone on: what was shown is not what is there
        await node.engine.pause("default", run_id, reason="now", expected=waiting.version)
    assert not (await node.runs.get("default", run_id)).state.pause_requested


async def test_a_sleep_frees_the_worker_and_ends_on_time(node: Node, clock: ManualClock) -> None:
    await register(node)
    worker = Worker(node, slots=1)
    run_id = await emit(node)
    worker.sleep(await worker.job(), "nap", clock.now_us() + 3_000_000)
    other = await emit(node)
    worker.complete(await worker.job())
    assert await ended(node, other) == "completed"

    clock.advance(seconds=3)
    job = await worker.job()

    assert job.run_id == run_id
    assert [memo.name for memo in job.memos] == ["nap"]


async def test_a_run_over_its_timeout_fails_and_its_worker_is_told(node: Node, clock: ManualClock) -> None:
    await register(node, timeout_ms=2_000)
    worker = Worker(node)
    run_id = await emit(node)
    job = await worker.job()
    await worker.step(job, "a")

    clock.advance(seconds=2)

    assert await ended(node, run_id) == "failed"
    told, _ = await worker.told_to_stop()
    assert told is job


async def test_cancelling_tells_the_worker_and_frees_its_slot(node: Node) -> None:
    await register(node)
    worker = Worker(node, slots=1)
    run_id = await emit(node)
    job = await worker.job()
    waiting = await emit(node)

    await node.engine.cancel("default", run_id, reason="changed my mind")

    assert (await worker.job()).run_id == waiting
    told, _ = await worker.told_to_stop()
    assert told is job
    assert await status_of(node, run_id) == "cancelled"
    with pytest.raises(StaleExecution):
        await worker.step(job, "late")


async def test_what_was_running_goes_on_after_a_restart(storage: Storage, clock: ManualClock) -> None:
    async with running(storage, clock) as node:
        await register(node)
        worker = Worker(node)
        ids = [await emit(node) for _ in range(3)]
        jobs = [await worker.job() for _ in ids]
        await worker.step(jobs[0], "a")
        worker.sleep(jobs[1], "nap", clock.now_us() + 1_000_000)
        await node.committer.drain()

    clock.advance(seconds=1)
    async with running(storage, clock) as node:
        worker = Worker(node)
        for _ in ids:
            worker.complete(await worker.job())
        assert [await ended(node, run_id) for run_id in ids] == ["completed"] * 3

    assert (await rebuild(storage, node.fold, check=True)).differing == ()


async def test_an_idempotency_key_names_one_event(node: Node) -> None:
    await register(node)
    event = NewEvent("default", "order.placed", b'{"id":1}', idempotency_key="k1")

    first = await node.emitter.emit(event)
    again = await node.emitter.emit(event)

    assert (again.event_id, again.run_ids, again.duplicate) == (first.event_id, first.run_ids, True)
    for other in (b'{"id":2}', b'{"id": 1}'):
        with pytest.raises(IdempotencyConflict):
            await node.emitter.emit(NewEvent("default", "order.placed", other, idempotency_key="k1"))
    elsewhere = await node.emitter.emit(NewEvent("other", "order.placed", b"2", idempotency_key="k1"))
    assert elsewhere.event_id != first.event_id


async def test_a_trigger_expression_decides_which_events_start_a_run(node: Node) -> None:
    await register(node, triggers=(Trigger(event="order.*", expression="event.data.total > 100 && name != 'order.x'"),))

    async def runs(name: str, data: bytes) -> int:
        return len((await node.emitter.emit(NewEvent("default", name, data))).run_ids)

    assert await runs("order.placed", b'{"total":101}') == 1
    assert await runs("order.placed", b'{"total":100}') == 0
    assert await runs("order.x", b'{"total":500}') == 0
    assert await runs("order.placed", b"{}") == 0
    assert await runs("order.placed.now", b'{"total":500}') == 0
    assert await runs("f", b"null") == 1  # a function's id is an implicit event


async def test_registering_the_same_content_again_keeps_the_version(node: Node) -> None:
    definition = Definition("g", triggers=(Trigger(event="a.b"),))
    first, created = await node.functions.register("default", definition)
    same, created_again = await node.functions.register("default", definition)
    changed, _ = await node.functions.register("default", msgspec.structs.replace(definition, timeout_ms=5))

    assert (created, created_again) == (True, False)
    assert (first.fact.version, same.fact.version, changed.fact.version) == (1, 1, 2)


async def test_a_trigger_that_was_changed_no_longer_fires(node: Node) -> None:
    await node.functions.register("default", Definition("g", triggers=(Trigger(event="a.b"),)))
    await node.functions.register("default", Definition("g", triggers=(Trigger(event="c.d"),)))

    assert (await node.emitter.emit(NewEvent("default", "a.b", b"1"))).run_ids == ()
    assert len((await node.emitter.emit(NewEvent("default", "c.d", b"1"))).run_ids) == 1


@pytest.mark.parametrize(
    "definition",
    [
        Definition(""),
        Definition("x", triggers=(Trigger(event="a..b"),)),
        Definition("x", triggers=(Trigger(event="a.>.b"),)),
        Definition("x", triggers=(Trigger(),)),
        Definition("x", triggers=(Trigger(event="a", expression="1 +"),)),
        Definition("x", triggers=(Trigger(event="a", expression="nobody == 1"),)),
        Definition("x", retry=RetryPolicy(max_attempts=0)),
        Definition("x", retry=RetryPolicy(on_exhausted="explode")),
        Definition("x", retry=RetryPolicy(backoff_factor=0.5)),
        Definition("x", timeout_ms=-1),
        Definition("x", preferred_mode="sideways"),
    ],
)
async def test_a_bad_definition_is_refused_and_nothing_recorded(node: Node, definition: Definition) -> None:
    with pytest.raises(InvalidArgument):
        await node.functions.register("default", definition)

    assert node.tail.head == 0


async def test_runs_are_listed_newest_first_by_filter_and_cursor(node: Node) -> None:
    await register(node)
    runs = [await emit(node, name=f"order.n{n % 2}") for n in range(5)]

    first = await node.runs.list("default", RunFilter(), limit=2)
    second = await node.runs.list("default", RunFilter(), limit=2, cursor=first.next_cursor)
    last = await node.runs.list("default", RunFilter(), limit=2, cursor=second.next_cursor)
    some = await node.runs.list("default", RunFilter(search="r.n1"))
    none = await node.runs.list("default", RunFilter(statuses=("failed", "paused")))

    listed = [row.id for page in (first, second, last) for row in page.rows]
    assert listed == runs[::-1]
    assert last.next_cursor == ""
    assert (first.total, first.total_exact) == (5, True)
    assert [row.id for row in some.rows] == [runs[3], runs[1]]
    assert none.rows == []
    with pytest.raises(InvalidArgument, match="exploded"):
        await node.runs.list("default", RunFilter(statuses=("exploded",)))
    with pytest.raises(RunNotFound):
        await node.runs.get("other", runs[0])
