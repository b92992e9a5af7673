"""A worker that takes jobs from a node's dispatcher, and a test says what becomes of them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import msgspec

from app.dispatch.jobs import Job
from app.dispatch.workers import Session, WorkerInfo, new_session
from app.history.kinds import Failure, RunCompleted
from app.node import Node
from storage import postgres, sqlite
from storage.contract import Storage

LEASE_S = 3_600.0
WAIT_S = 10.0
QUIET_ROUNDS = 3
MEETING_TIMEOUT_S = 30.0


class Taker:
    def __init__(self, node: Node, *functions: str, slots: int = 10, name: str = "w1") -> None:
        self.node = node
        self.jobs: asyncio.Queue[Job] = asyncio.Queue()
        self.cancelled: asyncio.Queue[tuple[Job, str]] = asyncio.Queue()
        self.session: Session = new_session(
            WorkerInfo(name, "default", frozenset(functions or ("f",)), slots),
            transport="stream",
            lease_ttl_s=LEASE_S,
            credit=slots,
            now_us=node.clock.now_us(),
            assign=self.jobs.put_nowait,
            cancel=lambda job, reason: self.cancelled.put_nowait((job, reason)),
        )
        node.dispatcher.join(self.session)

    async def job(self) -> Job:
        """The next job, waited for."""
        async with asyncio.timeout(WAIT_S):
            return await self.jobs.get()

    async def idle(self) -> bool:
        """Whether no job is there once everything recorded so far has been followed."""
        await settled(self.node)
        return self.jobs.empty()

    def complete(self, job: Job, output: bytes = b'"done"') -> None:
        fact = RunCompleted(execution_seq=job.execution_seq, output=msgspec.Raw(output))
        self._end(job, lambda done: self.node.engine.complete("default", job.run_id, fact, done))

    def fail(self, job: Job, error: Failure) -> None:
        seq = job.execution_seq
        self._end(
            job,
            lambda done: self.node.engine.fail("default", job.run_id, execution_seq=seq, error=error, done=done),
        )

    def _end(self, job: Job, record: Callable[[Any], None]) -> None:
        self.node.dispatcher.finish(self.session, job, record)


async def settled(node: Node) -> None:
    """Returns once followers have seen all that was recorded, and recorded what follows from it: when history stands
    still over several rounds of the event loop, the readers and the one writer, in which a commit may be under way."""
    quiet = 0
    while quiet < QUIET_ROUNDS:
        head = node.tail.head
        for _ in range(20):
            await asyncio.sleep(0)
        await _readers_rest(node.storage)
        await node.committer.drain()
        await node.storage.write(lambda tx: None)
        quiet = quiet + 1 if node.tail.head == head else 0


async def _readers_rest(storage: Storage) -> None:
    """Returns once every read asked for so far has ended: all readers meet, so none of them has one in hand."""
    readers = sqlite.READERS if storage.dialect == "sqlite" else postgres.READERS
    meeting = threading.Barrier(readers)
    await asyncio.gather(*(storage.read(lambda tx: meeting.wait(MEETING_TIMEOUT_S)) for _ in range(readers)))
