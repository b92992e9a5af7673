"""Bulk jobs as they are asked for, stopped and read. What works on them is app/scheduler/bulk.py."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Literal, NamedTuple

import msgspec

from app import ids, texts
from app.clock import Clock
from app.errors import InvalidArgument, ResourceExhausted
from app.history.committer import Command, Committer, Decision
from app.history.entry import Draft, Entry
from app.history.kinds import Asked, BulkAdvanced, BulkCompleted, BulkFilter, BulkStarted, BulkStopped
from app.history.tail import Tail
from app.ids import Ids
from app.runs import bulk_job
from app.runs.asking import Request, fingerprint
from app.runs.bulk import NAMED_MAX, POSSIBLE, Chosen, possible
from app.runs.bulk_job import BulkJob, job_of
from app.runs.listing import RunFilter, checked
from app.runs.tags import check_change
from storage import bulk, history, runs
from storage.bulk import BulkJobRow
from storage.contract import Storage, Transaction

LIMIT_MAX = 1_000
RUNNING_MAX = 20
"""At a time in one environment."""
PER_SECOND_MAX = 1_000
ASKED_BYTES_MAX = 100_000
"""Of what is asked for, as it is recorded: it is read with each part, and with each job of a list."""
VERSIONS_READ = 200

_ENDS = frozenset((BulkCompleted.kind, BulkStopped.kind))

Outcomes = Literal["", "changed", "refused"]


class BulkWish(msgspec.Struct, frozen=True):
    """What is to be done to the chosen runs. `add` and `remove` are tags, `compensate` and `detached` are for cancel;
    `per_second` bounds how fast, 0 does not."""

    verb: str
    chosen: Chosen
    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    compensate: bool = False
    detached: bool = False
    per_second: int = 0


class BulkResult(NamedTuple):
    """What became of one run: `code` and `message` say why it was refused, `made` is the new run."""

    run_id: str
    code: str = ""
    message: str = ""
    made: str = ""


class BulkJobs:
    def __init__(self, *, storage: Storage, committer: Committer, tail: Tail, ids: Ids, clock: Clock) -> None:
        self._storage = storage
        self._committer = committer
        self._tail = tail
        self._ids = ids
        self._clock = clock

    async def start(
        self, environment: str, wish: BulkWish, request: Request, *, said: bytes = b"", org: str = ""
    ) -> BulkJob:
        """The job, which goes on by itself; with the request's key the same one where the same was `said`. Raises
        InvalidArgument naming the field, IdempotencyConflict, ResourceExhausted."""
        request = request.checked(needs_reason=True)
        fact = _begun(wish, request, org, self._clock.now_us())
        if request.key:
            fact = msgspec.structs.replace(fact, asked=Asked(request.key, fingerprint(said)))
        job_id = ids.keyed("bulk", environment, request.actor, request.key) if request.key else self._ids.bulk()
        where = bulk_job.stream(job_id)
        total = await self._storage.read(lambda tx: _total(tx, environment, job_id, fact))
        fact = msgspec.structs.replace(fact, total=total)

        def decide(states: Mapping[str, Any], now: int) -> Decision:
            facts = bulk_job.decide_start(states[where], fact)
            return Decision([Draft(where, one, actor=request.actor) for one in facts])

        await self._committer.commit(Command(environment, (where,), decide))
        return await self.get(environment, job_id)

    async def stop(self, environment: str, job_id: str, request: Request) -> BulkJob:
        """The job, which does no more; what it has done stays done. Raises BulkJobNotFound, FailedPrecondition."""
        request = request.checked()
        texts.check(job_id, field="id")
        where = bulk_job.stream(job_id)

        def decide(states: Mapping[str, Any], now: int) -> Decision:
            facts = bulk_job.decide_stop(states[where], environment, job_id, reason=request.reason)
            return Decision([Draft(where, one, actor=request.actor) for one in facts])

        await self._committer.commit(Command(environment, (where,), decide))
        return await self.get(environment, job_id)

    async def get(self, environment: str, job_id: str) -> BulkJob:
        """Raises BulkJobNotFound."""
        texts.check(job_id, field="id")
        row = await self._storage.read_once(lambda tx: bulk.get(tx, environment, job_id))
        return bulk_job.there(job_of(row) if row is not None else None, environment, job_id)

    async def until_ended(self, environment: str, job_id: str, wait_s: float) -> BulkJob:
        """The job once it has ended, or as it is when the time is over. Raises BulkJobNotFound."""
        head, where = self._tail.head, bulk_job.stream(job_id)
        job = await self.get(environment, job_id)
        if job.status != bulk_job.RUNNING:
            return job
        with suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                async for batch in self._tail.follow(head, kinds=_ENDS):
                    if any(entry.stream == where and entry.environment == environment for entry in batch):
                        break
        return await self.get(environment, job_id)

    async def list(self, environment: str, *, status: str = "", limit: int, cursor: str = "") -> Sequence[BulkJob]:
        """The newest first, those before the cursor, which is an id. Raises InvalidArgument."""
        texts.check(cursor, field="cursor")

        def read(tx: Transaction) -> list[BulkJobRow]:
            before = _begun_before(tx, environment, cursor) if cursor else bulk.LAST
            return bulk.page(tx, environment, status=status, before=before, limit=limit)

        return [job_of(row) for row in await self._storage.read(read)]

    async def results(
        self, environment: str, job_id: str, *, outcome: Outcomes = "", limit: int, cursor: str = ""
    ) -> tuple[Sequence[BulkResult], str]:
        """What became of its runs, in the order in which it came to them, and the cursor to go on from, "" at the end.
        A page may have fewer than `limit` and go on all the same. Raises BulkJobNotFound, InvalidArgument."""
        await self.get(environment, job_id)
        version, index = _place(cursor)
        entries = await self._storage.read(
            lambda tx: history.of_stream(
                tx, environment, bulk_job.stream(job_id), after_version=version - 1, limit=VERSIONS_READ
            )
        )
        found: list[BulkResult] = []
        for record in entries:
            results, known = _results(Entry(record), outcome), index if record.version == version else 0
            until = known + limit - len(found)
            found += results[known:until]
            if len(results) > until:
                return found, f"{record.version}.{until}"
        return found, f"{entries[-1].version + 1}.0" if len(entries) == VERSIONS_READ else ""


def _begun_before(tx: Transaction, environment: str, job_id: str) -> tuple[int, str]:
    """Raises InvalidArgument for a job that is not there."""
    row = bulk.get(tx, environment, job_id)
    if row is None:
        raise InvalidArgument(f"cursor {job_id[:80]!r} is not one that a list returned", field="cursor")
    return row.started_at, row.id


def _results(entry: Entry, outcome: Outcomes) -> list[BulkResult]:
    fact = entry.fact
    if not isinstance(fact, BulkAdvanced):
        return []
    changed = [BulkResult(one, made=fact.made.get(one, "")) for one in fact.changed] if outcome != "refused" else []
    refused = [BulkResult(one.run_id, one.code, one.message) for one in fact.refused] if outcome != "changed" else []
    return sorted((*changed, *refused), reverse=True)


def _place(cursor: str) -> tuple[int, int]:
    """The version of the job's stream, and how many results of it are known. Raises InvalidArgument."""
    if not cursor:
        return 1, 0
    version, _, index = cursor.partition(".")
    if not (version.isdecimal() and index.isdecimal() and len(cursor) <= 20 and int(version) > 0):
        raise InvalidArgument(f"cursor {cursor[:80]!r} is not one that a list returned", field="cursor")
    return int(version), int(index)


def _begun(wish: BulkWish, request: Request, org: str, now: int) -> BulkStarted:
    """The fact, without a total. Raises InvalidArgument."""
    if wish.verb not in POSSIBLE:
        raise InvalidArgument(f"verb {wish.verb[:80]!r} is unknown", field="verb", hint=f"one of {', '.join(POSSIBLE)}")
    if not 0 <= wish.per_second <= PER_SECOND_MAX:
        raise InvalidArgument(
            f"per_second {wish.per_second} is out of range", field="per_second", hint=f"0 to {PER_SECOND_MAX}"
        )
    add, remove = check_change(wish.add, wish.remove) if wish.verb == "tag" else ((), ())
    filter: BulkFilter | None = None
    run_ids: tuple[str, ...] = ()
    if isinstance(wish.chosen, RunFilter):
        checked(wish.chosen)
        chosen = possible(wish.verb, wish.chosen)
        filter = BulkFilter(**{**msgspec.structs.asdict(chosen), "until": min(chosen.until, now)})
    else:
        run_ids = tuple(sorted(set(wish.chosen), reverse=True))
        if not 1 <= len(run_ids) <= NAMED_MAX:
            raise InvalidArgument(
                f"{len(run_ids)} runs are named", field="run_ids", hint=f"1 to {NAMED_MAX}, or choose them by a filter"
            )
        if not run_ids[-1]:  # a job that has come to it would be one that has not begun
            raise InvalidArgument("one of the ids is empty", field="run_ids", hint="leave it out")
    fact = BulkStarted(
        verb=wish.verb,
        total=0,
        filter=filter,
        run_ids=run_ids,
        reason=request.reason,
        add=tuple(add),
        remove=tuple(remove),
        compensate=wish.compensate,
        detached=wish.detached,
        per_second=wish.per_second,
        org=org,
    )
    size_bytes = len(msgspec.json.encode(fact))
    if size_bytes > ASKED_BYTES_MAX:
        raise InvalidArgument(
            f"what chooses the runs takes {size_bytes:,} bytes",
            field="run_ids" if run_ids else "filter",
            hint=f"at most {ASKED_BYTES_MAX:,}; an id of a run has 30 characters",
        )
    return fact


def _total(tx: Transaction, environment: str, job_id: str, fact: BulkStarted) -> int:
    """How many runs it is about. Raises ResourceExhausted for one job more than may run, not for one that was begun."""
    running = bulk.count_running(tx, environment, limit=RUNNING_MAX)
    if running >= RUNNING_MAX and bulk.get(tx, environment, job_id) is None:
        raise ResourceExhausted(
            f"{running} bulk jobs are running here", hint="wait for one to end, or stop one: `ironflow bulk list`"
        )
    if fact.filter is None:
        return len(fact.run_ids)
    chosen = run_filter(fact.filter)
    counts = runs.by_time(tx, environment, width=2**62, first="", **chosen.told())
    return sum(count for _, _, count in counts)


def run_filter(filter: BulkFilter) -> RunFilter:
    return RunFilter(**msgspec.structs.asdict(filter))
