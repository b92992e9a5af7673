"""Groups of failures as they are read: pages of them, and one with all that helps to mend it."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from app import texts
from app.clock import Clock
from app.errors import InvalidArgument, NotFound
from app.history.entry import Entry
from app.history.kinds import EventEmitted, Failure, RunFailed, RunPaused, RunRetrying, RunStarted
from app.search.differences import Difference, differences
from app.search.mark_noun import STATUSES, Mark, mark_of
from app.search.repairs import Repairs, repairs
from storage import events, failures, history, runs
from storage.contract import Storage, Transaction
from storage.failures import (
    Affected,
    CauseCounts,
    EntityCounts,
    FailureGroupRow,
    FailureRow,
    GroupChoice,
    RunCounts,
    VersionCounts,
)

LIMIT_DEFAULT = 50
LIMIT_MAX = 200
BUCKETS = 24
WINDOW_US_MIN = 24 * 3_600 * 1_000_000
SAMPLES = 10
FAILED_SAMPLED = 100
NEWEST = 200
SUCCEEDED_SAMPLED = 200
WORKERS_SAMPLED = 100
ENTITIES_SHOWN_MAX = 10
MERGED_SHOWN_MAX = 200
NONE = (RunCounts(0, 0, 0), Affected(0, 0, 0, 0))
UNMARKED = Mark()


class GroupNotFound(NotFound):
    """No failure has that fingerprint."""

    code = "FAILURE_GROUP_NOT_FOUND"


class Series(msgspec.Struct, frozen=True):
    """Failures in each of BUCKETS buckets of `width` µs since an instant."""

    since: int
    width: int
    counts: Sequence[int]


class Group(msgspec.Struct, frozen=True):
    row: FailureGroupRow
    runs: RunCounts
    affected: Affected
    series: Series
    mark: Mark


class GroupPage(msgspec.Struct, frozen=True):
    groups: Sequence[Group]
    next_cursor: str


class WorkerCounts(msgspec.Struct, frozen=True):
    """Of the newest WORKERS_SAMPLED failures of a group, those of one worker."""

    worker_id: str
    failures: int
    runs: int
    last_at: int


class GroupDetail(msgspec.Struct, frozen=True):
    """`error` is that of the newest failure, with its stack; `samples` the newest failures with the status that their
    runs have now. `compared` tells how many failed and how many successful inputs the differences are of. `merged` are
    the causes of groups that were merged into this one, at most MERGED_SHOWN_MAX; `entities` those whose events failed
    so most often, at most ENTITIES_SHOWN_MAX."""

    group: Group
    error: Failure | None
    versions: Sequence[VersionCounts]
    samples: Sequence[tuple[FailureRow, str]]
    differences: Sequence[Difference]
    compared: tuple[int, int]
    repairs: Sequence[Repairs]
    merged: Sequence[CauseCounts]
    entities: Sequence[EntityCounts]
    workers: Sequence[WorkerCounts]


class Groups:
    def __init__(self, storage: Storage, clock: Clock) -> None:
        self._storage = storage
        self._clock = clock

    async def list(
        self, environment: str, chosen: GroupChoice, *, limit: int = LIMIT_DEFAULT, cursor: str = ""
    ) -> GroupPage:
        """Those that failed last first. Raises InvalidArgument."""
        for name in ("function_id", "step", "error_type", "search", "assignee"):
            texts.check(getattr(chosen, name), field=name)
        if chosen.status not in ("", *STATUSES):
            raise InvalidArgument(f"status {chosen.status[:40]!r} is unknown", field="status", hint=", ".join(STATUSES))
        if not 1 <= limit <= LIMIT_MAX:
            raise InvalidArgument(f"limit {limit} is out of range", field="limit", hint=f"1 to {LIMIT_MAX}")
        if cursor and (not cursor.isdecimal() or len(cursor) > 18):
            raise InvalidArgument(f"cursor {cursor[:40]!r} is not one that a list returned", field="cursor")
        now = self._clock.now_us()
        before = int(cursor) if cursor else failures.LAST
        return await self._storage.read(lambda tx: _page(tx, environment, chosen, limit, before, now))

    async def one(self, environment: str, fingerprint: str) -> Group:
        """Raises GroupNotFound."""
        now = self._clock.now_us()
        return await self._storage.read(lambda tx: load(tx, environment, fingerprint, now=now))

    async def get(self, environment: str, fingerprint: str) -> GroupDetail:
        """The group; of one that was merged, the group that it is in. Raises GroupNotFound."""
        now = self._clock.now_us()
        return await self._storage.read(lambda tx: _detail(tx, environment, fingerprint, now))


def found(tx: Transaction, environment: str, fingerprint: str) -> FailureGroupRow:
    """Raises GroupNotFound."""
    row = None if "\0" in fingerprint else failures.group(tx, environment, fingerprint)
    if row is None:
        into = "" if "\0" in fingerprint else failures.groups_of(tx, environment, [fingerprint]).get(fingerprint)
        raise GroupNotFound(
            f"no failures {fingerprint[:80]!r} in environment {environment!r}",
            hint=f"it was merged into {into}" if into else "`ironflow failures list`",
        )
    return row


def current(tx: Transaction, environment: str, fingerprint: str) -> str:
    """The fingerprint of the group that a cause is in: its own, unless it was merged."""
    if "\0" in fingerprint:
        return fingerprint
    return failures.groups_of(tx, environment, [fingerprint]).get(fingerprint, fingerprint)


def load(tx: Transaction, environment: str, fingerprint: str, *, now: int) -> Group:
    """Raises GroupNotFound."""
    row = found(tx, environment, fingerprint)
    since, until = min(row.first_at, now - WINDOW_US_MIN), now
    [group] = _groups(tx, environment, [row], since, until, now)
    return group


def _page(tx: Transaction, environment: str, chosen: GroupChoice, limit: int, before: int, now: int) -> GroupPage:
    rows = failures.groups(tx, environment, chosen, now=now, before=before, limit=limit + 1)
    shown = rows[:limit]
    until = min(chosen.until, now)
    since = max(chosen.since, until - WINDOW_US_MIN) if not chosen.since else chosen.since
    return GroupPage(
        _groups(tx, environment, shown, since, until, now), str(shown[-1].last_position) if len(rows) > limit else ""
    )


def _groups(
    tx: Transaction, environment: str, rows: Sequence[FailureGroupRow], since: int, until: int, now: int
) -> Sequence[Group]:
    if not rows:
        return ()
    named = [row.fingerprint for row in rows]
    counts = failures.run_counts(tx, environment, named)
    width = max(1, -(-(until - since + 1) // BUCKETS))
    series: dict[str, list[int]] = {name: [0] * BUCKETS for name in named}
    for name, bucket, count in failures.buckets(tx, environment, named, since=since, until=until + 1, width=width):
        series[name][bucket] = count
    marks = {
        name: mark_of(row, reopened, now=now)
        for name, (row, reopened) in failures.marks(tx, environment, named).items()
    }
    return [
        Group(
            row,
            *counts.get(row.fingerprint, NONE),
            Series(since, width, series[row.fingerprint]),
            marks.get(row.fingerprint, UNMARKED),
        )
        for row in rows
    ]


def _detail(tx: Transaction, environment: str, fingerprint: str, now: int) -> GroupDetail:
    fingerprint = current(tx, environment, fingerprint)
    group = load(tx, environment, fingerprint, now=now)
    newest = failures.of_group(tx, environment, fingerprint, limit=NEWEST)
    failed, succeeded = _inputs(tx, environment, group.row, newest)
    causes = failures.causes(tx, environment, fingerprint, limit=MERGED_SHOWN_MAX)
    statuses = [runs.get(tx, environment, row.run_id) for row in newest[:SAMPLES]]
    return GroupDetail(
        group=group,
        error=_error(tx, newest[0]) if newest else None,
        versions=failures.versions(tx, environment, fingerprint),
        samples=[(row, run.status if run else "") for row, run in zip(newest, statuses, strict=False)],
        differences=differences(failed, succeeded),
        compared=(len(failed), len(succeeded)),
        repairs=repairs(tx, environment, fingerprint),
        merged=[one for one in causes if one.fingerprint != fingerprint],
        entities=failures.entities(tx, environment, fingerprint, limit=ENTITIES_SHOWN_MAX),
        workers=_workers(tx, newest[:WORKERS_SAMPLED]),
    )


def _workers(tx: Transaction, newest: Sequence[FailureRow]) -> Sequence[WorkerCounts]:
    """By the workers that had been handed the runs, those with most failures first."""
    wanted = [(row.environment, f"run/{row.run_id}", row.position) for row in newest]
    found: dict[str, list[FailureRow]] = {}
    for row, started in zip(newest, history.last_of_kind(tx, wanted, RunStarted.kind), strict=True):
        fact = Entry(started).fact if started is not None else None
        if isinstance(fact, RunStarted):
            found.setdefault(fact.worker_id, []).append(row)
    counted = [
        WorkerCounts(worker_id, len(rows), len({row.run_id for row in rows}), rows[0].failed_at)
        for worker_id, rows in found.items()
    ]
    return sorted(counted, key=lambda one: -one.failures)


def _inputs(
    tx: Transaction, environment: str, group: FailureGroupRow, newest: Sequence[FailureRow]
) -> tuple[list[object], list[object]]:
    """Inputs of runs that failed so, and of those of the function that did not."""
    failed = list(dict.fromkeys(row.event_id for row in newest))[:FAILED_SAMPLED]
    completed = runs.page(
        tx, environment, function_id=group.function_id, statuses=("completed",), limit=SUCCEEDED_SAMPLED
    )
    succeeded = dict.fromkeys(run.event_id for run in completed)
    for event_id in failed:
        succeeded.pop(event_id, None)
    return _data(tx, environment, failed), _data(tx, environment, list(succeeded))


def _data(tx: Transaction, environment: str, event_ids: Sequence[str]) -> list[object]:
    found = []
    for event_id in event_ids:
        record = events.entry(tx, environment, event_id)
        fact = Entry(record).fact if record is not None else None
        if isinstance(fact, EventEmitted):
            found.append(msgspec.json.decode(fact.data))
    return found


def _error(tx: Transaction, failure: FailureRow) -> Failure | None:
    record = history.at(tx, failure.position)
    fact = Entry(record).fact if record is not None else None
    return fact.error if isinstance(fact, RunFailed | RunPaused | RunRetrying) else None
