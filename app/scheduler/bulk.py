"""Works on the bulk jobs that run: part after part of their runs, until none is left or somebody stops them.

It follows history for what is started, and has nothing to remember: how far a job is stands in its row. So a restart
goes on where it was, and when another node leads, that one goes on. Two that believe that they lead do no harm: a part
is recorded for the place where its job is, or not at all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

import structlog

from app import texts
from app.clock import Clock
from app.errors import Conflict, IronflowError
from app.history.committer import Committer
from app.history.insist import passing
from app.history.kinds import BulkStarted
from app.history.tail import Tail
from app.runs import bulk_acts
from app.runs.asking import Request
from app.runs.bulk_acts import Attempt
from app.runs.bulk_job import BulkJob, job_of
from app.runs.bulk_jobs import BulkJobs, run_filter
from app.runs.forks import Forks
from storage import bulk, runs
from storage.contract import StorageError, Transaction

log = structlog.get_logger(__name__)

PART_MAX = 50
"""Runs that are changed in one commit."""
JOBS_MAX = 1_000
RETRY_US = 1_000_000
SECOND_US = 1_000_000

_KINDS = frozenset((BulkStarted.kind,))

Ask = Callable[[str], None]
"""Raises PermissionDenied for a run that may not be changed so."""
Asks = Callable[[BulkJob], Ask]
"""For whom the job acts, as they are now. Raises IronflowError if they are nobody any more."""


class Turn(Protocol):
    async def lead(self) -> None:
        """Wait until it is this node that is to work."""


class BulkWork:
    def __init__(
        self, *, tail: Tail, committer: Committer, jobs: BulkJobs, forks: Forks, asks: Asks, turn: Turn, clock: Clock
    ) -> None:
        self._tail = tail
        self._committer = committer
        self._jobs = jobs
        self._forks = forks
        self._asks = asks
        self._turn = turn
        self._clock = clock
        self._due: dict[tuple[str, str], int] = {}
        self._begun = asyncio.Event()
        self._position = 0

    async def start(self) -> None:
        self._position = self._tail.head

    async def run(self) -> None:
        """Work on whatever is started, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follow(), name="bulk-follow")
            tasks.create_task(self._work(), name="bulk-work")

    async def _follow(self) -> None:
        async for _ in self._tail.follow(self._position, kinds=_KINDS):
            self._begun.set()

    async def _work(self) -> None:
        while True:
            await self._turn.lead()
            self._begun.clear()
            rows = await self._tail.read(lambda tx: bulk.running(tx, limit=JOBS_MAX))
            jobs, now = [job_of(row) for row in rows], self._clock.now_us()
            self._due = {key: self._due.get(key, 0) for key in ((job.environment, job.id) for job in jobs)}
            due = [job for job in jobs if self._due[job.environment, job.id] <= now]
            for job in due:
                self._due[job.environment, job.id] = await self._advance(job)
            if not due:
                await self._clock.wait_until(min(self._due.values(), default=None), self._begun)

    async def _advance(self, job: BulkJob) -> int:
        """Do the next part of the job; the instant from which on it may go further."""
        begun_at = self._clock.now_us()
        try:
            ask = self._asks(job)
            count = min(PART_MAX, job.asked.per_second or PART_MAX)
            run_ids = await self._tail.read(lambda tx: _next(tx, job, count))
            attempts = await self._attempts(job, run_ids, ask)
            await self._committer.commit(bulk_acts.part(job, attempts, last=len(run_ids) < count))
        except Conflict:  # it was stopped, or another node was faster: its row tells
            return begun_at
        except (StorageError, IronflowError) as error:
            if passing(error):
                log.warning("bulk job cannot go on, trying again", job=job.id, reason=str(error))
                return begun_at + RETRY_US
            await self._give_up(job, error)
            return begun_at + RETRY_US
        return begun_at + (len(run_ids) * SECOND_US // job.asked.per_second if job.asked.per_second else 0)

    async def _attempts(self, job: BulkJob, run_ids: Sequence[str], ask: Ask) -> dict[str, Attempt]:
        async def one(run_id: str) -> Attempt:
            try:
                ask(run_id)
            except IronflowError as refused:
                return refused
            return await bulk_acts.attempt(self._forks, job, run_id)

        return dict(zip(run_ids, await asyncio.gather(*map(one, run_ids)), strict=True))

    async def _give_up(self, job: BulkJob, error: BaseException) -> None:
        """It cannot go on, and says why."""
        log.warning("bulk job was stopped", job=job.id, reason=str(error))
        try:
            await self._jobs.stop(
                job.environment, job.id, Request(f"it could not go on: {error}"[: texts.REASON_CHARS_MAX])
            )
        except (StorageError, IronflowError) as still:
            log.warning("bulk job is not stopped yet", job=job.id, reason=str(still))


def _next(tx: Transaction, job: BulkJob, count: int) -> list[str]:
    """The ids of the runs that are next, from the newest to the oldest."""
    asked = job.asked
    if asked.filter is None:
        return [one for one in asked.run_ids if not job.until or one < job.until][:count]
    chosen = run_filter(asked.filter).told()
    rows = runs.page(tx, job.environment, before=job.until or runs.LAST, limit=count, **chosen)
    return [row.id for row in rows]
