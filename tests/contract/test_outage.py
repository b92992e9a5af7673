"""What an outage of the store costs: time, and nothing else. A node over a store that fails on demand; both stores."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from app.clock import ManualClock
from app.dispatch import dispatcher
from app.errors import Unavailable
from app.events.invoke import CALLER_LEFT
from app.events.new_event import NewEvent
from app.history import command_queue, committer, insist, tail
from app.history.kinds import CancelOn, Failure, Trigger
from app.history.verify import verify
from app.ids import Ids
from app.node import Node
from app.rpc.worker import Conversation
from app.runs.listing import RunFilter
from ironflow.v1 import worker_pb2
from storage.contract import Storage, StorageUnavailable
from tests.support.bounds import within
from tests.support.failing import Failing
from tests.support.nodes import alive
from tests.support.taker import settled
from tests.support.worker import Worker, emit, ended, history_of, recorded, register

GONE = StorageUnavailable("gone")


@pytest.fixture
def failing(storage: Storage) -> Failing:
    return Failing(storage)


@pytest.fixture
async def node(failing: Any, clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Node]:
    """A running node over a store that can fail; it tries again at once."""
    for module in (committer, insist, tail, dispatcher):
        monkeypatch.setattr(module, "RETRY_STORE_S", 0.001)
    made = Node(storage=failing, clock=clock, ids=Ids(clock))
    async with alive(made):
        yield made
        failing.error = None


async def refused(failing: Failing) -> None:
    """Returns when the store has refused something from now on."""
    failing.refused.clear()
    async with asyncio.timeout(10):
        await failing.refused.wait()


@pytest.mark.parametrize("happened", [True, False])
async def test_who_waits_for_a_commit_without_answer_is_told_the_truth(
    node: Node, failing: Failing, storage: Storage, happened: bool
) -> None:
    failing.lose_answer = happened
    asked = asyncio.create_task(node.emitter.emit(NewEvent("default", "a", b"1")))
    await refused(failing)

    with pytest.raises(StorageUnavailable):
        await node.emitter.emit(NewEvent("default", "b", b"2"))
    assert not asked.done()
    failing.error = None

    if happened:
        assert (await asked).event_id
    else:
        with pytest.raises(StorageUnavailable):
            await asked
    await node.emitter.emit(NewEvent("default", "c", b"3"))
    assert node.tail.head == (2 if happened else 1)
    assert (await verify(storage)).bad_position is None


@pytest.mark.parametrize("happened", [True, False])
async def test_a_run_is_not_lost_when_nobody_knows_whether_it_started(
    node: Node, failing: Failing, happened: bool
) -> None:
    await register(node)
    run_id = await emit(node)
    failing.lose_answer = happened
    worker = Worker(node)
    job = await worker.job()
    await refused(failing)

    failing.error = None
    if not happened:
        job = await worker.job()  # once more, now that it can be recorded

    worker.complete(job)
    assert await ended(node, run_id) == "completed"


async def test_during_an_outage_workers_are_not_given_runs_again_and_again(node: Node, failing: Failing) -> None:
    await register(node)
    runs = [await emit(node) for _ in range(5)]
    failing.error = GONE
    worker = Worker(node, slots=1)
    for _ in range(10):
        await refused(failing)
    assert worker.jobs.qsize() == 1

    failing.error = None

    given = set()
    worker.jobs.get_nowait()  # it was cancelled
    for _ in runs:
        job = await worker.job()
        given.add(job.run_id)
        worker.complete(job)
    assert given == set(runs)


async def test_followers_wait_an_outage_out(node: Node, failing: Any) -> None:
    await node.emitter.emit(NewEvent("default", "a", b"1"))
    behind = tail.Tail(failing, node.clock)
    await behind.start()
    failing.error = GONE
    following = asyncio.ensure_future(anext(aiter(behind.follow(0))))
    await refused(failing)

    failing.error = None

    async with asyncio.timeout(10):
        assert [entry.position for entry in await following] == [1]


async def test_a_timeout_that_comes_during_an_outage_counts_after_it(
    node: Node, failing: Failing, clock: ManualClock
) -> None:
    await register(node, timeout_ms=2_000)
    worker = Worker(node)
    run_id = await emit(node)
    job = await worker.job()
    await worker.step(job, "a")
    failing.error = GONE
    clock.advance(seconds=2)
    await refused(failing)

    failing.error = None

    assert await ended(node, run_id) == "failed"


async def test_a_run_that_is_resumed_in_an_outage_can_still_be_cancelled_by_events(
    node: Node, failing: Failing
) -> None:
    await register(node, cancel_on=(CancelOn("stop", match="data.id"),))
    worker = Worker(node)
    run_id = await emit(node)
    worker.fail(await worker.job(), Failure("no", retryable=False))
    assert await ended(node, run_id) == "failed"
    failing.read_error = GONE
    await node.engine.resume("default", run_id)
    await refused(failing)
    failing.read_error = None
    await worker.job()
    async with within("the run to be among those that events cancel"):
        while not cancelled_by_stop(node):  # noqa: ASYNC110 - who follows history reads it again, and tells nobody
            await asyncio.sleep(0)

    await node.emitter.emit(NewEvent("default", "stop", b'{"id":1}'))

    assert await ended(node, run_id) == "cancelled"


def cancelled_by_stop(node: Node) -> list[str]:
    return node.cancellations.matching("default", "stop", lambda: {"data": {"id": 1}}, dict)


async def test_a_cron_trigger_that_is_registered_in_an_outage_ticks(
    node: Node, failing: Failing, clock: ManualClock
) -> None:
    failing.read_error = GONE
    registered = asyncio.create_task(register(node, triggers=(Trigger(cron="* * * * *", event="tick"),)))
    await refused(failing)
    failing.read_error = None
    await registered
    await settled(node)

    clock.advance(seconds=60)

    assert (await Worker(node).job()).emitted.name == "tick"


async def test_a_run_is_given_back_also_when_too_many_commands_wait(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    await register(node)
    leaving = Worker(node, name="leaving")
    run_id = await emit(node)
    await leaving.job()
    await node.committer.drain()
    monkeypatch.setattr(command_queue, "WAITING_WEIGHT_MAX", 0)
    node.dispatcher.leave(leaving.session, reason="gone")
    other = Worker(node, name="other")

    monkeypatch.setattr(command_queue, "WAITING_WEIGHT_MAX", 100)

    assert (await other.job()).run_id == run_id


async def test_draining_waits_for_the_commit_that_is_under_way(node: Node) -> None:
    asked = asyncio.create_task(node.emitter.emit(NewEvent("default", "a", b"1")))
    await asyncio.sleep(0)  # it is submitted

    await node.committer.drain()

    await asyncio.sleep(0)  # its caller has been woken
    assert asked.done()


async def test_a_caller_who_leaves_before_the_run_is_recorded_has_it_cancelled_too(node: Node) -> None:
    await register(node)
    calling = asyncio.create_task(node.invoker.invoke_and_wait(NewEvent("default", "f", b"1")))
    await asyncio.sleep(0)  # it is submitted

    calling.cancel(CALLER_LEFT)

    with pytest.raises(asyncio.CancelledError):
        await calling
    [run] = (await node.runs.list("default", RunFilter())).rows
    assert run.status == "cancelled"


def registered(node: Node) -> Conversation:
    """A conversation with a worker that has one slot, `w`."""
    conversation = Conversation(
        dispatcher=node.dispatcher,
        engine=node.engine,
        emitter=node.emitter,
        topics=node.topics,
        ids=node.ids,
        clock=node.clock,
        environment="default",
    )
    registration = worker_pb2.WorkerRegister(worker_id="w", function_ids=["f"], max_concurrent_jobs=1)
    conversation.receive(worker_pb2.WorkerMessage(register=registration))
    return conversation


async def test_steps_told_with_the_end_of_a_run_are_recorded_whenever_the_end_is(node: Node, failing: Failing) -> None:
    await register(node)
    conversation = registered(node)
    run_id = await emit(node)
    async for message in conversation.messages():
        if message.HasField("job"):
            break
    await recorded(node, run_id, "run.started")
    job = message.job
    failed = worker_pb2.JobFailed(job_id=job.job_id, execution_seq=job.execution_seq, lease_token=job.lease_token)
    failed.error.message = "no"
    failed.steps.add(id=f"{run_id}:compensate:a:0", status="completed")
    failing.lose_answer = False

    conversation.receive(worker_pb2.WorkerMessage(job_failed=failed))
    await refused(failing)
    failing.error = None

    await recorded(node, run_id, "run.failed")
    assert await history_of(node, run_id) == ["run.created", "run.started", "step.completed", "run.failed"]


async def test_a_worker_that_was_given_up_has_to_register_again(node: Node) -> None:
    """One that was only frozen would otherwise stay connected, and never be given a run again."""
    conversation = registered(node)
    [session] = node.dispatcher.sessions

    node.dispatcher.leave(session, reason="it was silent")

    with pytest.raises(Unavailable):
        conversation.receive(worker_pb2.WorkerMessage(heartbeat=worker_pb2.WorkerHeartbeat(worker_id="w")))


HEARTBEAT = worker_pb2.WorkerMessage(heartbeat=worker_pb2.WorkerHeartbeat(worker_id="w"))


async def queued(node: Node, count: int) -> None:
    async with within(f"{count} runs to wait for a worker"):
        while node.dispatcher.queued < count:  # noqa: ASYNC110 - who follows history queues them, and tells nobody
            await asyncio.sleep(0)


async def heard_job(conversation: Conversation) -> worker_pb2.JobAssignment:
    async with asyncio.timeout(10):
        async for message in conversation.messages():
            if message.HasField("job"):
                return message.job
    raise AssertionError("the conversation has ended")


async def test_a_heartbeat_grants_no_slot_of_a_run_whose_start_is_being_recorded(node: Node) -> None:
    await register(node)
    before = Worker(node, slots=2)
    runs = [await emit(node) for _ in range(2)]
    for _ in runs:
        await before.job()
    node.dispatcher.leave(before.session, reason="gone")
    await queued(node, 2)
    conversation = registered(node)  # it is to have one of them, and that is not recorded yet

    conversation.receive(HEARTBEAT)

    [session] = node.dispatcher.sessions
    assert (session.credit, session.starting, len(session.jobs)) == (0, 1, 0)
    for _ in runs:
        job = await heard_job(conversation)
        assert (session.credit, session.starting, list(session.jobs)) == (0, 0, [job.job_id])
        told = worker_pb2.JobCompleted(
            job_id=job.job_id, output_json=b"1", execution_seq=job.execution_seq, lease_token=job.lease_token
        )
        conversation.receive(worker_pb2.WorkerMessage(job_completed=told))
    assert [await ended(node, run_id) for run_id in runs] == ["completed", "completed"]
    assert (session.credit, session.starting, len(session.jobs)) == (1, 0, 0)


async def test_a_heartbeat_in_an_outage_grants_no_slot_that_a_run_waits_in(node: Node, failing: Failing) -> None:
    await register(node)
    for _ in range(2):
        await emit(node)
    await queued(node, 2)
    failing.error = GONE
    conversation = registered(node)
    [session] = node.dispatcher.sessions

    for _ in range(5):
        await refused(failing)
        conversation.receive(HEARTBEAT)
        assert (session.credit, session.starting + len(session.jobs)) == (0, 1)
