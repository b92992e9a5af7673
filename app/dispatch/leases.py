"""Leases: which worker holds which run, under which fence, and until when unless it is heard of.

In memory only. What makes a late report harmless is the fence, which history carries; a lease is how soon a silent
worker's run goes to another. A parked execution is a lease that ended while the worker keeps its memory.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

from app.clock import Clock
from app.dispatch.jobs import Job
from app.dispatch.queue import Lane
from app.dispatch.workers import Session
from app.errors import StaleExecution
from app.history.entry import Entry
from app.ids import Ids

TOKEN_BYTES = 8
TOKENS_AT_ONCE = 512


class Leases:
    def __init__(self, *, ids: Ids, clock: Clock, always_replay: bool) -> None:
        self._ids = ids
        self._clock = clock
        self._always_replay = always_replay
        self._jobs: dict[str, tuple[Session, Job]] = {}
        self._parked: dict[str, tuple[Session, Job]] = {}
        self._tokens: list[str] = []

    def __len__(self) -> int:
        return len(self._jobs)

    def grant(
        self, session: Session, lane: Lane, run_id: str, *, execution_seq: int, attempt: int, event: Entry, created: Any
    ) -> Job:
        """The run in the session's hands, as a job under a fence of its own. `created` tells the retry policy and the
        version of the function."""
        now = self._clock.now_us()
        job = Job(
            id=self._ids.job(),
            environment=lane[0],
            run_id=run_id,
            function_id=lane[1],
            execution_seq=execution_seq,
            lease_token=self._token(),
            attempt=attempt,
            retry=created.retry,
            event=event,
            function_version=created.function_version,
            always_replay=self._always_replay,
            lease_expires_at=now + session.lease_ttl_us,
            started_at=now,
        )
        session.jobs[job.id] = job
        self._jobs[run_id] = (session, job)
        return job

    def _token(self) -> str:
        """Drawn in bulk: each question to the system gives the interpreter away, and waits to have it back."""
        if not self._tokens:
            drawn = secrets.token_hex(TOKEN_BYTES * TOKENS_AT_ONCE)
            self._tokens = [drawn[at : at + 2 * TOKEN_BYTES] for at in range(0, len(drawn), 2 * TOKEN_BYTES)]
        return self._tokens.pop()

    def held(self, session: Session, job_id: str, *, execution_seq: int, lease_token: str) -> Job:
        """The job, if this session holds it under this fence; its lease begins anew. Raises StaleExecution."""
        job = session.jobs.get(job_id)
        if (
            job is None
            or job.execution_seq != execution_seq
            or not secrets.compare_digest(job.lease_token.encode(), lease_token.encode())
        ):
            raise StaleExecution(
                f"job {job_id[:80]!r} is not held by worker {session.info.id[:80]!r} under this fence",
                hint="drop the job; the run has been given to another worker or has ended",
            )
        job.lease_expires_at = self._clock.now_us() + session.lease_ttl_us
        return job

    def of_run(self, run_id: str) -> tuple[Session, Job] | None:
        """Who holds the run."""
        return self._jobs.get(run_id)

    def overdue(self, session: Session) -> Sequence[Job]:
        """The session's jobs whose time is over."""
        now = self._clock.now_us()
        return [job for job in session.jobs.values() if job.lease_expires_at < now]

    def drop(self, session: Session, job: Job) -> bool:
        """The job is off the worker's hands; whether it was in them."""
        if self._jobs.get(job.run_id, (None, None))[1] is job:
            del self._jobs[job.run_id]
        return session.jobs.pop(job.id, None) is not None

    # Parked executions.

    def park(self, session: Session, job: Job) -> None:
        """The worker keeps the execution in memory, whose end is about to be recorded."""
        if not self._always_replay:
            job.memos = ()
            self._parked[job.run_id] = (session, job)

    def parked_at(self, run_id: str) -> Session | None:
        """The session that keeps the run in memory."""
        parked = self._parked.get(run_id)
        return parked[0] if parked is not None else None

    def unpark(self, run_id: str, reason: str, *, unless: Session | None = None) -> Job | None:
        """Forget where the run is parked, and let that worker drop it; or its job there, if the session is that one."""
        session, job = self._parked.pop(run_id, (None, None))
        if session is None or job is None or session is unless:
            return job
        session.cancel(job, reason)
        return None

    def evicted(self, session: Session, run_id: str, job_id: str) -> bool:
        """The session keeps that execution no longer. Whether it was thought to."""
        keeper, job = self._parked.get(run_id, (None, None))
        if keeper is not session or job is None or job.id != job_id:
            return False
        del self._parked[run_id]
        return True

    def unpark_all(self, session: Session) -> None:
        """The session is gone, with what it kept in memory."""
        if self._parked:
            self._parked = {run_id: parked for run_id, parked in self._parked.items() if parked[0] is not session}
