"""Jobs that do one thing to many runs: what was asked for, and how far each is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from storage.contract import Transaction

PAGE = 2_000
LAST = (2**62, "")
"""When and under which id a job would have begun that begins after all."""


class BulkJobRow(NamedTuple):
    """`asked` is the fact that began it, as JSON; `until` the id of the run that was looked at last, "" before the
    first; `ended_at` is 0 while it runs."""

    environment: str
    id: str
    status: str
    asked: str
    started_by: str
    started_at: int
    until: str
    changed: int
    refused: int
    changed_at: int
    ended_at: int
    ended_by: str
    reason: str
    version: int
    position: int


def save(tx: Transaction, rows: Sequence[BulkJobRow]) -> None:
    tx.each("save_bulk_job", rows)


def get(tx: Transaction, environment: str, id: str) -> BulkJobRow | None:
    row = tx.one("bulk_job", environment=environment, id=id)
    return BulkJobRow._make(row) if row else None


def page(
    tx: Transaction, environment: str, *, status: str = "", before: tuple[int, str] = LAST, limit: int
) -> list[BulkJobRow]:
    """The newest first, those that began before an instant, or at it and have an id before that: ids of jobs that were
    asked for under a key are in no order."""
    at, id = before
    rows = tx.many("bulk_jobs_page", environment=environment, status=status, before_at=at, before=id, limit=limit)
    return [BulkJobRow._make(row) for row in rows]


def running(tx: Transaction, *, limit: int) -> list[BulkJobRow]:
    """Those of all environments that have not ended, the oldest first."""
    return [BulkJobRow._make(row) for row in tx.many("bulk_jobs_running", limit=limit)]


def count_running(tx: Transaction, environment: str, *, limit: int) -> int:
    """How many of an environment have not ended, at most `limit`."""
    row = tx.one("count_running_bulk_jobs", environment=environment, limit=limit)
    return int(row[0]) if row else 0


def clear(tx: Transaction) -> None:
    tx.execute("clear_bulk_jobs")


def everything(tx: Transaction) -> Iterator[BulkJobRow]:
    environment = id = ""
    while rows := tx.many("all_bulk_jobs", environment=environment, id=id, limit=PAGE):
        yield from map(BulkJobRow._make, rows)
        environment, id = rows[-1][0], rows[-1][1]
