"""Failures of runs, their groups, and where each lies among the others. Derived from history by a follower."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from storage.contract import Transaction
from storage.runs import contains

PAGE = 2_000
LAST = 2**62
MESSAGE_CHARS_MAX = 1_000
MENDED_SCANNED = 5_000


class FailureRow(NamedTuple):
    """An attempt of a run that failed; `masked` is its message without what differs from case to case. `fingerprint` is
    of its group: that of its `cause`, unless this was merged into another."""

    environment: str
    position: int
    run_id: str
    function_id: str
    function_version: int
    event_id: str
    fingerprint: str
    kind: str
    step: str
    error_type: str
    error_code: str
    message: str
    masked: str
    top_frame: str
    attempt: int
    failed_at: int
    cause: str


class FailureGroupRow(NamedTuple):
    """Failures of one fingerprint, counted; the positions and instants are of the first and the last. From `step` to
    `top_frame` it is named by its own cause, where there is a failure of that, else by its first failure."""

    environment: str
    fingerprint: str
    function_id: str
    step: str
    error_type: str
    message: str
    top_frame: str
    first_position: int
    last_position: int
    first_at: int
    last_at: int
    failures: int


class FailureMarkRow(NamedTuple):
    """What was decided last of a group: open, resolved (`version`: the newest that had failed so), muted (until an
    instant, 0 for good) or merged into another; and who looks after it, whatever was decided."""

    environment: str
    fingerprint: str
    status: str
    version: int
    muted_until: int
    reason: str
    actor: str
    marked_at: int
    position: int
    merged_into: str
    assignee: str = ""
    assigned_by: str = ""
    assigned_at: int = 0
    assigned_position: int = 0


class FailureMergeRow(NamedTuple):
    environment: str
    fingerprint: str
    merged_into: str


class CauseCounts(NamedTuple):
    """Failures of one cause in a group that several were merged into."""

    fingerprint: str
    step: str
    error_type: str
    message: str
    failures: int
    first_at: int
    last_at: int


class FailureVectorRow(NamedTuple):
    """Where a failure lies among others: one signed byte a dimension. `embedder` says who put it there."""

    environment: str
    position: int
    embedder: str
    vector: bytes


class GroupChoice(NamedTuple):
    """Which groups; empty texts mean any. `search` is part of message, type, step, function or fingerprint; instants
    in µs: it failed between them. `status` is open, resolved or muted, `assignee` who looks after it."""

    function_id: str = ""
    step: str = ""
    error_type: str = ""
    search: str = ""
    since: int = 0
    until: int = 2**62
    status: str = ""
    assignee: str = ""


class RunCounts(NamedTuple):
    """Runs that failed like this: all, those that completed since, those that rest failed or paused."""

    runs: int
    completed: int
    open: int


class Affected(NamedTuple):
    """Versions of the function that failed like this: how many, the first and the last; and entities, for events of
    which it did."""

    versions: int
    first_version: int
    last_version: int
    entities: int


class EntityCounts(NamedTuple):
    entity_type: str
    entity_id: str
    failures: int
    last_at: int


class VersionCounts(NamedTuple):
    version: int
    failures: int
    runs: int
    first_at: int
    last_at: int


class Near(NamedTuple):
    """`distance` is 0 for the same direction, 1 for nothing in common."""

    position: int
    distance: float


def save(
    tx: Transaction,
    failures: Sequence[FailureRow],
    groups: Sequence[FailureGroupRow],
    vectors: Sequence[FailureVectorRow],
) -> None:
    """Add failures that are not there yet, later than those of their groups; the groups are what they add."""
    named = {(one.environment, one.fingerprint) for one in failures if one.cause == one.fingerprint}
    tx.each("save_failure", failures)
    tx.each("save_failure_group", [one for one in groups if one[:2] in named])
    tx.each("add_to_failure_group", [one for one in groups if one[:2] not in named])
    tx.each("save_failure_vector", vectors)


def groups(
    tx: Transaction, environment: str, chosen: GroupChoice, *, now: int = 0, before: int = LAST, limit: int
) -> list[FailureGroupRow]:
    """Those that failed last first, with a last position before `before`; of a status, those that have it at `now`."""
    told = {**chosen._asdict(), "search": contains(chosen.search), "now": now}
    rows = tx.many("failure_groups_page", environment=environment, before=before, limit=limit, **told)
    return [FailureGroupRow._make(row) for row in rows]


def group(tx: Transaction, environment: str, fingerprint: str) -> FailureGroupRow | None:
    row = tx.one("failure_group", environment=environment, fingerprint=fingerprint)
    return FailureGroupRow._make(row) if row else None


def run_counts(tx: Transaction, environment: str, fingerprints: Sequence[str]) -> dict[str, tuple[RunCounts, Affected]]:
    """How many runs each group has, and what is affected."""
    rows = tx.many("failure_group_runs", environment=environment, fingerprints=json.dumps(list(fingerprints)))
    return {row[0]: (RunCounts(*row[1:4]), Affected(*row[4:])) for row in rows}


def entities(tx: Transaction, environment: str, fingerprint: str, *, limit: int) -> list[EntityCounts]:
    """Those whose events failed so most often first."""
    rows = tx.many("failure_group_entities", environment=environment, fingerprint=fingerprint, limit=limit)
    return [EntityCounts._make(row) for row in rows]


def buckets(
    tx: Transaction, environment: str, fingerprints: Sequence[str], *, since: int, until: int, width: int
) -> list[tuple[str, int, int]]:
    """Fingerprint, number of the bucket, failures in it; buckets without any are left out."""
    rows = tx.many(
        "failure_group_buckets",
        environment=environment,
        fingerprints=json.dumps(list(fingerprints)),
        since=since,
        until=until,
        width=width,
    )
    return [(row[0], int(row[1]), int(row[2])) for row in rows]


def by_time(
    tx: Transaction, environment: str, *, after: int, since: int, until: int, width: int
) -> list[tuple[int, int]]:
    """How often a run failed for good in each stretch of `width` µs from `since` to `until`; stretches without are left
    out. `after` is a position that none of them is before."""
    rows = tx.many("run_failures_by_time", environment=environment, after=after, since=since, until=until, width=width)
    return [(int(row[0]), int(row[1])) for row in rows]


def versions(tx: Transaction, environment: str, fingerprint: str) -> list[VersionCounts]:
    rows = tx.many("failure_group_versions", environment=environment, fingerprint=fingerprint)
    return [VersionCounts._make(row) for row in rows]


def of_group(
    tx: Transaction, environment: str, fingerprint: str, *, before: int = LAST, limit: int
) -> list[FailureRow]:
    """Newest first."""
    rows = tx.many("failures_of_group", environment=environment, fingerprint=fingerprint, before=before, limit=limit)
    return [FailureRow._make(row) for row in rows]


def mended(tx: Transaction, environment: str, fingerprint: str, *, limit: int) -> list[FailureRow]:
    """Newest first, those whose runs have completed since; no more than MENDED_SCANNED failures are looked at."""
    rows = tx.many(
        "mended_failures", environment=environment, fingerprint=fingerprint, scan=MENDED_SCANNED, limit=limit
    )
    return [FailureRow._make(row) for row in rows]


def resting(tx: Transaction, environment: str, fingerprint: str, *, limit: int) -> list[FailureRow]:
    """The last failures of runs that rest failed or paused by them, newest first."""
    rows = tx.many("resting_failures", environment=environment, fingerprint=fingerprint, limit=limit)
    return [FailureRow._make(row) for row in rows]


def of_run(tx: Transaction, environment: str, run_id: str, *, limit: int) -> list[FailureRow]:
    """Newest first."""
    return [
        FailureRow._make(row) for row in tx.many("failures_of_run", environment=environment, run_id=run_id, limit=limit)
    ]


def at(tx: Transaction, environment: str, position: int) -> FailureRow | None:
    row = tx.one("failure", environment=environment, position=position)
    return FailureRow._make(row) if row else None


def vector(tx: Transaction, environment: str, position: int) -> FailureVectorRow | None:
    row = tx.one("failure_vector", environment=environment, position=position)
    return _vector(row) if row else None


def vectors(
    tx: Transaction, environment: str, embedder: str, *, before: int = LAST, limit: int
) -> list[FailureVectorRow]:
    """Newest first."""
    rows = tx.many("failure_vectors_before", environment=environment, embedder=embedder, before=before, limit=limit)
    return [_vector(row) for row in rows]


def near(tx: Transaction, environment: str, embedder: str, vector: bytes, *, limit: int) -> list[Near]:
    """Nearest first, found by the database itself: only where Storage.index_vectors says that it can."""
    rows = tx.many("near_failures", environment=environment, embedder=embedder, vector=vector, limit=limit)
    return [Near(int(row[0]), float(row[1])) for row in rows if row[1] is not None]


def forget_run(tx: Transaction, environment: str, run_id: str) -> list[int]:
    """Take a run's failures out of everything; the positions of their entries, in order."""
    rows = of_run(tx, environment, run_id, limit=LAST)
    tx.erase()
    tx.execute("delete_failures_of_run", environment=environment, run_id=run_id)
    for row in rows:
        tx.execute("delete_failure_vector", environment=environment, position=row.position)
    recount(tx, environment, *{row.fingerprint for row in rows})
    return [row.position for row in reversed(rows)]


def groups_of(tx: Transaction, environment: str, fingerprints: Sequence[str]) -> dict[str, str]:
    """For each that was merged, the group that it is in."""
    rows = tx.many("failure_groups_of", environment=environment, fingerprints=json.dumps(list(fingerprints)))
    return {row[0]: row[1] for row in rows}


def causes(tx: Transaction, environment: str, fingerprint: str, *, limit: int) -> list[CauseCounts]:
    """What a group has failures of, the newest first."""
    rows = tx.many("failure_causes", environment=environment, fingerprint=fingerprint, limit=limit)
    return [CauseCounts._make(row) for row in rows]


def merge(tx: Transaction, environment: str, fingerprint: str, into: str) -> None:
    """Have all failures of a group, those that it came to by merges too, in another one."""
    for query in ("merge_failures", "move_failure_merges", "save_failure_merge"):
        tx.execute(query, environment=environment, fingerprint=fingerprint, into=into)
    recount(tx, environment, fingerprint, into)


def split(tx: Transaction, environment: str, fingerprint: str, out_of: str) -> None:
    """Give the failures of a cause a group of their own again."""
    tx.execute("split_failures", environment=environment, fingerprint=out_of, cause=fingerprint)
    tx.execute("delete_failure_merge", environment=environment, fingerprint=fingerprint)
    recount(tx, environment, fingerprint, out_of)


def recount(tx: Transaction, environment: str, *fingerprints: str) -> None:
    """Have groups say what their failures are."""
    for fingerprint in fingerprints:
        tx.execute("delete_failure_group", environment=environment, fingerprint=fingerprint)
        tx.execute("recount_failure_group", environment=environment, fingerprint=fingerprint)


def save_marks(tx: Transaction, rows: Sequence[FailureMarkRow]) -> None:
    tx.each("save_failure_mark", rows)


def marks(tx: Transaction, environment: str, fingerprints: Sequence[str]) -> dict[str, tuple[FailureMarkRow, int]]:
    """What was decided of these groups, each with the position of the first failure that a newer version has had since;
    0 for none."""
    rows = tx.many("failure_marks_of", environment=environment, fingerprints=json.dumps(list(fingerprints)))
    return {row[1]: (FailureMarkRow._make(row[:-1]), int(row[-1])) for row in rows}


def all_marks(tx: Transaction) -> Iterator[FailureMarkRow]:
    """In the order of environment and fingerprint."""
    environment, fingerprint = "", ""
    while rows := tx.many("all_failure_marks", environment=environment, fingerprint=fingerprint, limit=PAGE):
        yield from map(FailureMarkRow._make, rows)
        environment, fingerprint = rows[-1][:2]


def clear_marks(tx: Transaction) -> None:
    tx.execute("clear_failure_marks")


def clear(tx: Transaction) -> None:
    for query in ("clear_failures", "clear_failure_groups", "clear_failure_vectors", "clear_failure_merges"):
        tx.execute(query)


def everything(tx: Transaction) -> Iterator[FailureRow | FailureGroupRow | FailureMergeRow]:
    """All failures, then all groups, then what was merged, in the order of their keys."""
    environment, position = "", 0
    while rows := tx.many("all_failures", environment=environment, position=position, limit=PAGE):
        yield from map(FailureRow._make, rows)
        environment, position = rows[-1][:2]
    environment, fingerprint = "", ""
    while rows := tx.many("all_failure_groups", environment=environment, fingerprint=fingerprint, limit=PAGE):
        yield from map(FailureGroupRow._make, rows)
        environment, fingerprint = rows[-1][:2]
    environment, fingerprint = "", ""
    while rows := tx.many("all_failure_merges", environment=environment, fingerprint=fingerprint, limit=PAGE):
        yield from map(FailureMergeRow._make, rows)
        environment, fingerprint = rows[-1][:2]


def _vector(row: Sequence[object]) -> FailureVectorRow:
    environment, position, embedder, held = row
    return FailureVectorRow(str(environment), int(position), str(embedder), bytes(held))  # type: ignore[call-overload]
