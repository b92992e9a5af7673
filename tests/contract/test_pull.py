"""Polling workers through a whole node, with a clock that the test moves. Both stores."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from app.clock import ManualClock
from app.dispatch.jobs import Job
from app.dispatch.pull import ACK_TTL_S, LEASE_TTL_S, PullWorkers
from app.dispatch.reports import Reported
from app.dispatch.workers import WorkerInfo
from app.errors import InvalidArgument, StaleExecution, WorkerNotFound
from app.events.new_event import NewEvent
from app.history.kinds import Fact, Failure, RunCompleted, RunReleased, StepCompleted, StepFailed
from app.ids import Ids
from app.node import Node
from app.runs.definition import Definition
from storage.contract import Storage, StorageError
from tests.support.bounds import WAIT_S, within
from tests.support.failing import Failing
from tests.support.nodes import alive


class Worker:
    """A polling worker."""

    def __init__(self, node: Node, clock: ManualClock) -> None:
        self.node = node
        self.pull = PullWorkers(dispatcher=node.dispatcher, engine=node.engine, clock=clock)

    def register(self, **more: Any) -> None:
        options: dict[str, Any] = {"id": "w", "function_ids": frozenset("f"), "max_concurrent_jobs": 10, **more}
        self.pull.register(WorkerInfo(environment="default", **options))

    async def poll(self, *, wait_s: float = 20.0, available: int = 10) -> list[Job]:
        async with asyncio.timeout(20):
            return [*await self.pull.poll("default", "w", available=available, wait_s=wait_s)]

    async def job(self) -> Job:
        [job] = await self.poll()
        return job

    def ack(self, job: Job) -> None:
        self.pull.ack("default", "w", job.id, execution_seq=job.execution_seq, lease_token=job.lease_token)

    async def progress(self, job: Job, *steps: StepCompleted | StepFailed) -> None:
        await self.pull.progress("default", "w", job, [Reported(step) for step in steps])

    async def complete(self, job: Job) -> None:
        await self.pull.complete("w", job, RunCompleted(execution_seq=job.execution_seq))


@pytest.fixture
async def node(storage: Storage, clock: ManualClock) -> AsyncIterator[Node]:
    """A running node over a store that can fail."""
    failing: Any = Failing(storage)
    made = Node(storage=failing, clock=clock, ids=Ids(clock))
    async with alive(made):
        yield made


@pytest.fixture
async def worker(node: Node, clock: ManualClock) -> Worker:
    await node.functions.register("default", Definition(id="f"))
    made = Worker(node, clock)
    made.register()
    return made


async def emit(node: Node) -> str:
    [run_id] = (await node.emitter.emit(NewEvent("default", "f", b"1"))).run_ids
    return run_id


async def status(node: Node, run_id: str) -> str:
    return (await node.runs.get("default", run_id)).state.status


async def executions(node: Node, run_id: str) -> int:
    return (await node.runs.get("default", run_id)).executions


async def polling(worker: Worker, **options: Any) -> asyncio.Task[list[Job]]:
    """A poll that is being held."""
    task = asyncio.create_task(worker.poll(**options))
    await asyncio.sleep(0)
    return task


async def recorded(node: Node, kind: type[Fact]) -> None:
    """Returns once history has an entry of that kind."""
    async with asyncio.timeout(20):
        async for batch in node.tail.follow(0):
            if any(entry.kind == kind.kind for entry in batch):
                return


async def test_a_held_poll_ends_with_the_job_and_an_empty_one_with_its_time(
    node: Node, worker: Worker, clock: ManualClock
) -> None:
    held = await polling(worker)
    run_id = await emit(node)
    assert [job.run_id for job in await held] == [run_id]

    held = await polling(worker, wait_s=20.0)
    clock.advance(seconds=20)
    assert await held == []
    assert await worker.poll(wait_s=0.0) == []


async def test_no_more_jobs_are_given_than_asked_for(node: Node, worker: Worker) -> None:
    run_ids = {await emit(node) for _ in range(3)}

    given: set[str] = set()
    while given != run_ids:
        jobs = await worker.poll(available=2)
        assert 1 <= len(jobs) <= 2
        given |= {job.run_id for job in jobs}


async def test_a_poll_asks_for_no_second_run_while_the_start_of_one_is_being_recorded(
    node: Node, worker: Worker
) -> None:
    run_ids = {await emit(node) for _ in range(2)}
    given: set[str] = set()
    while given != run_ids:
        given |= {job.run_id for job in await worker.poll()}
    worker.register()  # its jobs go back to the queue, to be started again
    async with within("both runs to wait for a worker"):
        while node.dispatcher.queued < 2:  # noqa: ASYNC110 - who follows history queues them, and tells nobody
            await asyncio.sleep(0)

    assert await worker.poll(available=1, wait_s=0.0) == []
    [session] = node.dispatcher.sessions
    assert session.starting == 1
    [job] = await worker.poll(available=1)

    assert list(session.jobs) == [job.id]
    assert session.starting == 0


async def test_a_poll_that_is_dropped_leaves_its_job_for_the_next(node: Node, worker: Worker) -> None:
    held = await polling(worker)
    held.cancel()
    await asyncio.wait([held], timeout=WAIT_S)

    run_id = await emit(node)

    assert (await worker.job()).run_id == run_id


async def test_a_job_assigned_while_its_poll_is_dropped_is_not_lost(node: Node, worker: Worker) -> None:
    held = await polling(worker)
    given: asyncio.Future[Job] = asyncio.get_running_loop().create_future()
    [session] = node.dispatcher.sessions
    assign = session.assign

    def drop(job: Job) -> None:
        assign(job)
        held.cancel()
        given.set_result(job)

    session.assign = drop
    await emit(node)
    async with within("the job"):
        job = await given
    await asyncio.wait([held], timeout=WAIT_S)
    session.assign = assign

    assert await worker.poll() == [job]


async def test_a_second_poll_takes_the_place_of_the_first(node: Node, worker: Worker) -> None:
    first = await polling(worker)
    second = await polling(worker)

    assert await first == []
    run_id = await emit(node)
    assert [job.run_id for job in await second] == [run_id]


async def test_a_job_that_is_not_acknowledged_goes_to_the_next_poll(
    node: Node, worker: Worker, clock: ManualClock
) -> None:
    run_id = await emit(node)
    lost = await worker.job()

    held = await polling(worker)
    clock.advance(seconds=ACK_TTL_S + 2)
    [again] = await held or await worker.poll()

    assert (again.run_id, again.attempt, again.execution_seq) == (run_id, 1, lost.execution_seq + 1)
    with pytest.raises(StaleExecution):
        worker.ack(lost)
    worker.ack(again)


async def test_a_heartbeat_keeps_the_jobs_it_lists_and_no_other(node: Node, worker: Worker, clock: ManualClock) -> None:
    kept, dropped = await emit(node), await emit(node)
    jobs: dict[str, Job] = {}
    while len(jobs) < 2:
        jobs |= {job.run_id: job for job in await worker.poll()}
    for job in jobs.values():
        worker.ack(job)

    for _ in range(5):
        clock.advance(seconds=LEASE_TTL_S / 3)
        worker.pull.heartbeat("default", "w", {jobs[kept].id: None})
    [again] = await worker.poll()

    assert again.run_id == dropped
    await worker.complete(jobs[kept])
    assert await status(node, kept) == "completed"
    with pytest.raises(StaleExecution):
        worker.ack(jobs[dropped])


async def test_a_worker_that_falls_silent_must_register_again(node: Node, worker: Worker, clock: ManualClock) -> None:
    await emit(node)
    job = await worker.job()

    clock.advance(seconds=LEASE_TTL_S + 2)
    await recorded(node, RunReleased)

    with pytest.raises(WorkerNotFound):
        await worker.poll()
    worker.register()
    assert (await worker.job()).run_id == job.run_id


async def test_a_poll_of_the_former_registration_ends_with_none(node: Node, worker: Worker) -> None:
    held = await polling(worker)

    worker.register()

    assert await held == []
    run_id = await emit(node)
    assert (await worker.job()).run_id == run_id


async def test_a_step_that_is_told_again_is_recorded_once(node: Node, worker: Worker) -> None:
    run_id = await emit(node)
    job = await worker.job()
    done = StepCompleted(f"{run_id}:a:0", "a", msgspec.Raw(b"1"), execution_seq=job.execution_seq)
    failed = StepFailed(f"{run_id}:b:0", "b", Failure("no"), execution_seq=job.execution_seq)
    before = node.tail.head

    for steps in ((done,), (done, failed), (failed,), (done, failed)):
        await worker.progress(job, *steps)

    assert node.tail.head - before == 2 + 1  # run.started came with the first of them
    await worker.complete(job)
    steps = (await node.runs.get("default", run_id)).steps.values()
    assert [(step.name, step.status) for step in steps] == [("a", "completed"), ("b", "failed")]


async def test_a_report_that_the_store_refused_may_come_again(node: Node, worker: Worker) -> None:
    run_id = await emit(node)
    job = await worker.job()
    failing: Any = node.storage
    failed = StepFailed(f"{run_id}:b:0", "b", Failure("no"), execution_seq=job.execution_seq)
    done = StepCompleted(f"{run_id}:a:0", "a", execution_seq=job.execution_seq)
    await worker.progress(job, done)  # and with it, that the run began

    failing.error = StorageError("broken")
    for report in (worker.progress(job, failed), worker.complete(job)):
        with pytest.raises(StorageError):
            await report
    failing.error = None
    await worker.progress(job, failed)
    await worker.complete(job)

    assert await status(node, run_id) == "completed"
    steps = (await node.runs.get("default", run_id)).steps.values()
    assert [step.status for step in steps] == ["completed", "failed"]
    assert await executions(node, run_id) == 1


async def test_a_job_that_was_cancelled_is_no_longer_the_workers(node: Node, worker: Worker) -> None:
    run_id = await emit(node)
    job = await worker.job()

    await node.engine.cancel("default", run_id, reason="enough")

    with pytest.raises(StaleExecution):
        await worker.complete(job)
    assert await status(node, run_id) == "cancelled"
    assert await worker.poll(wait_s=0.0) == []


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"id": ""}, "worker_id"),
        ({"id": "w\0"}, "worker_id"),
        ({"id": "w" * 256}, "worker_id"),
        ({"function_ids": frozenset()}, "function_ids"),
        ({"function_ids": frozenset(map(str, range(1_001)))}, "function_ids"),
        ({"max_concurrent_jobs": 0}, "max_concurrent_jobs"),
        ({"max_concurrent_jobs": 10_001}, "max_concurrent_jobs"),
    ],
)
async def test_a_worker_that_cannot_be_is_refused(worker: Worker, wrong: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        worker.register(**wrong)

    assert refused.value.field == field


async def test_a_worker_that_registers_anew_while_its_drain_is_recorded_drains_all_the_same(
    node: Node, worker: Worker
) -> None:
    worker.register()
    asking = asyncio.create_task(node.worker_steering.drain("default", "w", actor="ak_ada", reason="a release"))
    await asyncio.sleep(0)  # it was submitted, and is not answered before the next await

    worker.register()
    async with within("the drain"):
        session = await asking

    assert session is node.dispatcher.sessions.get("default", "w")
    assert session is not None
    assert session.draining
