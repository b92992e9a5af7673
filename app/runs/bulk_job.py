"""A job that does one thing to many runs, as a noun of history: `bulk/<id>`. Pure decisions and their fold.

    start ──► running ── no run is left ──► completed
                 └─────── stop ───────────► stopped (the rest stay as they are)

It goes through the runs by their ids, from the newest to the oldest, so that what it makes is never among them. How far
it is is recorded together with what was done up to there: a job that a node has begun another one goes on with, and
nothing is done twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
from msgspec.structs import replace

from app.errors import BulkJobNotFound, Conflict, FailedPrecondition, IdempotencyConflict
from app.history.entry import Entry
from app.history.fold import Restored
from app.history.kinds import BulkAdvanced, BulkCompleted, BulkStarted, BulkStopped, Fact
from storage import bulk
from storage.bulk import BulkJobRow
from storage.contract import Transaction

RUNNING, COMPLETED, STOPPED = STATUSES = ("running", "completed", "stopped")

_asked = msgspec.json.Decoder(BulkStarted)


def stream(job_id: str) -> str:
    return f"bulk/{job_id}"


class BulkJob(msgspec.Struct, frozen=True):
    """`asked` is what is to be done to which runs; `until` the run that was looked at last, "" before the first.
    Instants in µs, `ended_at` 0 while it runs. `reason` is why it was stopped."""

    environment: str
    id: str
    asked: BulkStarted
    started_by: str
    started_at: int
    status: str = RUNNING
    until: str = ""
    changed: int = 0
    refused: int = 0
    changed_at: int = 0
    ended_at: int = 0
    ended_by: str = ""
    reason: str = ""
    version: int = 0
    position: int = 0


def job_of(row: BulkJobRow) -> BulkJob:
    return BulkJob(**{**row._asdict(), "asked": _asked.decode(row.asked)})


# Decisions.


def decide_start(known: BulkJob | None, fact: BulkStarted) -> list[Fact]:
    """Nothing if the same was asked for under its key already. Raises IdempotencyConflict."""
    if known is None:
        return [fact]
    if known.asked.asked != fact.asked:
        raise IdempotencyConflict(
            f"this idempotency key was used for another job: {known.id}",
            field="Idempotency-Key",
            hint="use a new key for a new job",
        )
    return []


def decide_advance(known: BulkJob | None, seen: BulkJob, fact: BulkAdvanced | None, *, last: bool) -> list[Fact]:
    """What was done since `seen`; with `last` there is no more. Raises Conflict if it was done by another node
    meanwhile, or the job was stopped."""
    known = there(known, seen.environment, seen.id)
    if known.status != RUNNING or known.until != seen.until:
        raise Conflict(f"{seen.id} went on meanwhile, or was stopped", hint="look at it again")
    return [*([fact] if fact is not None else []), *([BulkCompleted()] if last else [])]


def decide_stop(known: BulkJob | None, environment: str, job_id: str, *, reason: str) -> list[Fact]:
    """Nothing if it was stopped already. Raises BulkJobNotFound, FailedPrecondition for one that is through."""
    known = there(known, environment, job_id)
    if known.status == COMPLETED:
        raise FailedPrecondition(f"{job_id} is completed: there is nothing left to stop")
    return [BulkStopped(reason)] if known.status == RUNNING else []


def there(known: BulkJob | None, environment: str, job_id: str) -> BulkJob:
    """Raises BulkJobNotFound."""
    if known is None:
        raise BulkJobNotFound(
            f"there is no bulk job {job_id[:80]!r} in environment {environment!r}",
            hint="`ironflow bulk list` shows those there are",
        )
    return known


# Folding.


def apply(state: BulkJob | None, entry: Entry) -> BulkJob:
    """The job after `entry`."""
    at = entry.recorded_at
    match entry.fact:
        case BulkStarted() as fact:
            job_id = entry.stream.partition("/")[2]
            after = BulkJob(entry.environment, job_id, fact, entry.actor, at)
        case BulkAdvanced() as fact:
            known = _known(state, entry)
            changed, refused = known.changed + len(fact.changed), known.refused + len(fact.refused)
            after = replace(known, until=fact.until, changed=changed, refused=refused)
        case BulkCompleted():
            after = replace(_known(state, entry), status=COMPLETED, ended_at=at)
        case BulkStopped(reason=reason):
            after = replace(_known(state, entry), status=STOPPED, ended_at=at, ended_by=entry.actor, reason=reason)
        case _:
            raise AssertionError(f"{entry} does not belong to a bulk job")
    return replace(after, changed_at=at, version=entry.version, position=entry.position)


def _known(state: BulkJob | None, entry: Entry) -> BulkJob:
    assert state is not None, f"{entry}: a bulk job begins with {BulkStarted.kind}"
    return state


class BulkNoun:
    """The row is the whole state: a job over many runs has a long stream."""

    prefix = "bulk"

    def apply(self, state: BulkJob | None, entry: Entry) -> BulkJob:
        return apply(state, entry)

    def restore(self, tx: Transaction, environment: str, stream: str) -> Restored | None:
        row = bulk.get(tx, environment, stream.partition("/")[2])
        return Restored(job_of(row), row.version, row.position) if row is not None else None

    def changed_at(self, state: BulkJob) -> int:
        return state.position

    def row(self, state: BulkJob) -> BulkJobRow:
        told = msgspec.json.encode(state.asked).decode()
        return BulkJobRow(**{**msgspec.structs.asdict(state), "asked": told})

    def keep(self, state: BulkJob) -> bool:
        return state.status == RUNNING

    def save(self, tx: Transaction, rows: Sequence[BulkJobRow]) -> None:
        bulk.save(tx, rows)

    def clear(self, tx: Transaction) -> None:
        bulk.clear(tx)

    def rows(self, tx: Transaction) -> Iterable[BulkJobRow]:
        return bulk.everything(tx)
