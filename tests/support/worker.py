"""A worker of a few lines over a node in process: it takes jobs, and the test says what becomes of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from app.clock import ManualClock
from app.dispatch.jobs import Job
from app.dispatch.workers import Session, WorkerInfo, new_session
from app.events.new_event import NewEvent
from app.history.committer import submitted
from app.history.entry import Entry
from app.history.kinds import Failure, RunCompleted, StepCompleted, Trigger
from app.ids import Ids
from app.node import Node
from app.runs.definition import Definition
from app.runs.yields import Invoke, Sleep, WaitForEvent, Yield
from storage import history
from storage.contract import Storage
from tests.support.bounds import within
from tests.support.nodes import alive

LEASE_S = 15.0


class Worker:
    """Takes jobs from the dispatcher; the test says what becomes of them."""

    def __init__(
        self,
        node: Node,
        *,
        slots: int = 10,
        name: str = "w1",
        functions: tuple[str, ...] = ("f",),
        unwinds: bool = False,
        lease_s: float = LEASE_S,
    ) -> None:
        self.node = node
        self.jobs: asyncio.Queue[Job] = asyncio.Queue()
        self.cancelled: asyncio.Queue[tuple[Job, str]] = asyncio.Queue()
        self.session: Session = new_session(
            WorkerInfo(name, "default", frozenset(functions), slots),
            transport="stream",
            lease_ttl_s=lease_s,
            credit=slots,
            now_us=node.clock.now_us(),
            assign=self.jobs.put_nowait,
            cancel=lambda job, reason: self.cancelled.put_nowait((job, reason)),
            unwinds=unwinds,
        )
        node.dispatcher.join(self.session)

    async def job(self) -> Job:
        async with within(f"a job for worker {self.session.info.id}"):
            return await self.jobs.get()

    async def told_to_stop(self) -> tuple[Job, str]:
        """The next job that the worker is told to give up, and why."""
        async with within(f"worker {self.session.info.id} to be told to stop"):
            return await self.cancelled.get()

    async def step(self, job: Job, name: str, output: bytes = b"1") -> None:
        fact = StepCompleted(
            f"{job.run_id}:{name}:0", name, msgspec.Raw(output), execution_seq=job.execution_seq, attempt=job.attempt
        )
        await answered(lambda done: self.node.engine.step("default", job.run_id, fact, done))

    def complete(self, job: Job, output: bytes = b'"done"') -> None:
        fact = RunCompleted(execution_seq=job.execution_seq, output=msgspec.Raw(output))
        self.node.dispatcher.finish(
            self.session, job, lambda done: self.node.engine.complete("default", job.run_id, fact, done)
        )

    def fail(self, job: Job, error: Failure) -> None:
        self.node.dispatcher.finish(
            self.session,
            job,
            lambda done: self.node.engine.fail(
                "default", job.run_id, execution_seq=job.execution_seq, error=error, done=done
            ),
        )

    def sleep(self, job: Job, name: str, until: int) -> None:
        self.wait(job, Sleep(f"{job.run_id}:{name}:0", name, until))

    def wait(self, job: Job, *wanted: Yield, parked: bool = False) -> None:
        record = self.node.engine.suspend(
            "default", job.run_id, wanted, execution_seq=job.execution_seq, event=job.event
        )
        if parked:
            self.node.dispatcher.park(self.session, job)
        self.node.dispatcher.finish(self.session, job, record)


async def answered(submit: Any) -> Any:
    """What a command is answered, submitted with `submit(done)`. Raises what it is refused with."""
    async with within("the answer of a command"):
        return await submitted(submit)


async def register(node: Node, **options: Any) -> None:
    options = {"id": "f", "triggers": (Trigger(event="order.>"),), **options}
    await node.functions.register("default", Definition(**options))


async def emit(node: Node, name: str = "order.placed", data: bytes = b'{"id":1}', **options: Any) -> str:
    emitted = await node.emitter.emit(NewEvent("default", name, data, **options))
    [run_id] = emitted.run_ids
    return run_id


async def status_of(node: Node, run_id: str) -> str:
    return (await node.runs.get("default", run_id)).state.status


async def ended(node: Node, run_id: str) -> str:
    async with within(f"the end of run {run_id}"):
        assert await node.waits.until_ended("default", run_id, 10)
    return await status_of(node, run_id)


def step_id(job: Job, name: str) -> str:
    return f"{job.run_id}:{name}:0"


def wait_for(job: Job, name: str, event: str, *, timeout_s: float = 3_600.0, **options: Any) -> WaitForEvent:
    """A wait that begins now, by the clock that the job was handed out at."""
    return WaitForEvent(step_id(job, name), name, event, job.started_at + int(timeout_s * 1_000_000), **options)


def invoke(job: Job, function_id: str, name: str = "", **options: Any) -> Invoke:
    name = name or function_id
    return Invoke(step_id(job, name), name, function_id, **options)


def memos(job: Job) -> dict[str, Any]:
    """What the job was handed: outputs by name, and of failed steps their code."""
    return {
        memo.name: msgspec.json.decode(memo.output or b"null") if memo.error is None else memo.error.code
        for memo in job.memos
    }


async def history_of(node: Node, run_id: str) -> Sequence[str]:
    """The kinds of the run's entries, in order."""
    entries = await node.storage.read(lambda tx: list(history.whole_stream(tx, "default", f"run/{run_id}")))
    return [entry.kind for entry in entries]


async def recorded(node: Node, run_id: str, kind: str, *, after: int = 0) -> Entry:
    """The run's first entry of that kind after a position, once it is there."""
    async with within(f"{kind} of run {run_id}"):
        async for batch in node.tail.follow(after):
            for entry in batch:
                if entry.stream == f"run/{run_id}" and entry.kind == kind:
                    return entry
    raise AssertionError("the tail does not end")


@asynccontextmanager
async def running(storage: Storage, clock: ManualClock, **options: Any) -> AsyncIterator[Node]:
    """A node of its own on the store; it is gone without a word afterwards, as if it had been killed."""
    node = Node(storage=storage, clock=clock, ids=Ids(clock), **options)
    async with alive(node, drained=False):
        yield node


def pass_time(clock: ManualClock, *workers: Worker, seconds: float) -> None:
    """Move the clock; the workers are heard of meanwhile."""
    for worker in workers:
        worker.session.last_seen_at += int(seconds * 1_000_000)
        for job in worker.session.jobs.values():
            job.lease_expires_at += int(seconds * 1_000_000)
    clock.advance(seconds=seconds)
