"""The history table: append under the lock, read in order, read one stream."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from storage.contract import Row, Transaction
from storage.records import EntryRecord, RedactedRow

PAGE = 2_000
END = 2**62


def lock(tx: Transaction) -> tuple[int, bytes]:
    """Wait to be the only appender until this transaction ends; then the head, which stays the head until then."""
    return _head(tx.lock())


def head(tx: Transaction) -> tuple[int, bytes]:
    """Position and digest of the last entry; (0, b"") while history is empty."""
    return _head(tx.one("history_head"))


def append(tx: Transaction, entries: Sequence[EntryRecord]) -> None:
    if entries:
        tx.append(entries)


def redact(tx: Transaction, rows: Sequence[RedactedRow]) -> None:
    """Replace the payloads of entries: the one change of history that there is. Nothing else of them changes, and what
    was there is overwritten as far as the store can."""
    tx.erase()
    tx.each("redact_entry", rows)


def digests_before(
    tx: Transaction, environment: str, stream: str, *, after_version: int, limit: int
) -> dict[int, bytes]:
    """For each position of a stream's versions after one, at most `limit`, the digest of the entry before it in
    history; none for the first of all."""
    rows = tx.many("digests_before", environment=environment, stream=stream, after_version=after_version, limit=limit)
    return {position: bytes(digest) for position, digest in rows}


def after(tx: Transaction, position: int, limit: int = PAGE) -> list[EntryRecord]:
    """Entries with a greater position, in order, at most `limit`."""
    return [EntryRecord._make(row) for row in tx.many("entries_after", after=position, limit=limit)]


def of_stream(
    tx: Transaction, environment: str, stream: str, *, after_version: int = 0, until: int = END, limit: int = PAGE
) -> list[EntryRecord]:
    """One stream's entries, oldest first, at most `limit`, none past position `until`."""
    if until < END:
        limit = min(limit, _version_at(tx, environment, stream, until) - after_version)
        if limit <= 0:
            return []
    rows = tx.many(
        "entries_of_stream",
        environment=environment,
        stream=stream,
        after_version=after_version,
        until=until,
        limit=limit,
    )
    return [EntryRecord._make(row) for row in rows]


def of_stream_backwards(
    tx: Transaction, environment: str, stream: str, *, before_version: int = END, until: int = END, limit: int = PAGE
) -> list[EntryRecord]:
    """One stream's entries, newest first, at most `limit`, none past position `until`."""
    if until < END:
        before_version = min(before_version, _version_at(tx, environment, stream, until) + 1)
    rows = tx.many(
        "entries_of_stream_backwards",
        environment=environment,
        stream=stream,
        before_version=before_version,
        until=until,
        limit=limit,
    )
    return [EntryRecord._make(row) for row in rows]


def _version_at(tx: Transaction, environment: str, stream: str, until: int) -> int:
    """The stream's version as of a position; 0 before its first entry. No index leads from positions to a stream's
    versions, so a read that just stops at the position would look through all that came after it."""
    last = last_of_stream(tx, environment, stream, until=until)
    return last.version if last is not None else 0


def at(tx: Transaction, position: int) -> EntryRecord | None:
    """The entry at a position, of any environment."""
    row = tx.one("entry_at", position=position)
    return EntryRecord._make(row) if row else None


def page(
    tx: Transaction,
    environment: str,
    *,
    stream: str = "",
    kinds: Sequence[str] = (),
    actor: str = "",
    correlation: str = "",
    causation: str = "",
    after: int = 0,
    before: int = END,
    backwards: bool = False,
    limit: int,
) -> list[EntryRecord]:
    """Entries between two positions that fit, in order or backwards. Without a stream it looks at all of them."""
    query = "history_page" + ("_backwards" if backwards else "") + ("_of_stream" if stream else "")
    rows = tx.many(
        query,
        environment=environment,
        kinds=f",{','.join(kinds)}," if kinds else "",
        actor=actor,
        correlation=correlation,
        causation=causation,
        after=after,
        before=before,
        limit=limit,
        **({"stream": stream} if stream else {}),
    )
    return [EntryRecord._make(row) for row in rows]


class Facet(NamedTuple):
    """How many entries of a kind by an actor there are in a slice of time."""

    kind: str
    actor: str
    slice: int
    entries: int


def facets(
    tx: Transaction,
    environment: str,
    *,
    stream: str = "",
    kinds: Sequence[str] = (),
    actor: str = "",
    after: int,
    before: int,
    since: int,
    span: int,
    slices: int,
    limit: int,
) -> list[Facet]:
    """Entries between two positions that fit, counted by kind, actor and slice: there are `slices` equal ones in the
    time of `span` µs from `since` on. Without a stream it looks at all of them, with one at its newest `limit`."""
    rows = tx.many(
        "history_facets_of_stream" if stream else "history_facets",
        environment=environment,
        kinds=f",{','.join(kinds)}," if kinds else "",
        actor=actor,
        after=after,
        before=before,
        from_at=since,
        span=span,
        slices=slices,
        **({"stream": stream, "limit": limit} if stream else {}),
    )
    return [Facet._make(row) for row in rows]


def position_at(tx: Transaction, instant: int) -> int:
    """Position of the last entry recorded at or before an instant (µs); 0 if there is none. Time never runs backwards
    in history, so this is a binary search by key."""
    low, high = 0, head(tx)[0]
    while low < high:
        middle = (low + high + 1) // 2
        row = tx.one("recorded_at", position=middle)
        if row is not None and row[0] <= instant:
            low = middle
        else:
            high = middle - 1
    return low


def whole_stream(tx: Transaction, environment: str, stream: str, *, until: int = END) -> Iterator[EntryRecord]:
    """One stream's entries from the first on, read page by page."""
    version = 0
    while page := of_stream(tx, environment, stream, after_version=version, until=until):
        yield from page
        if len(page) < PAGE:
            return
        version = page[-1].version


def pages(tx: Transaction, wanted: Sequence[tuple[str, str, int]], *, size: int) -> list[list[EntryRecord]]:
    """For each environment, stream and version, the stream's next `size` entries after that version, oldest first; all
    of them with one query."""
    found: list[list[EntryRecord]] = [[] for _ in wanted]
    for number, *fields in tx.many("pages_of_streams", wanted=json.dumps(wanted), size=size):
        found[number].append(EntryRecord._make(fields))
    return found


def last_of_kind(tx: Transaction, wanted: Sequence[tuple[str, str, int]], kind: str) -> list[EntryRecord | None]:
    """For each environment, stream and position, the stream's newest entry of a kind before that position; all of them
    with one query."""
    found: list[EntryRecord | None] = [None] * len(wanted)
    for number, *fields in tx.many("last_of_kind", wanted=json.dumps(wanted), kind=kind):
        found[number] = EntryRecord._make(fields)
    return found


class StepTold(NamedTuple):
    """How a step of a run ended, as an entry tells it, without payload."""

    run_id: str
    kind: str
    step_id: str
    name: str
    type: str
    attempt: int
    duration_ms: int


def steps_told(tx: Transaction, environment: str, run_ids: Sequence[str], *, scan: int, limit: int) -> list[StepTold]:
    """What the first `scan` entries of each run tell of its steps, the newest run first, each in order; at most
    `limit`."""
    rows = tx.many("steps_told", environment=environment, runs=json.dumps(run_ids), scan=scan, limit=limit)
    return [StepTold._make(row) for row in rows]


def environments(tx: Transaction, *, limit: int) -> Sequence[str]:
    """The environments that have entries, by name, at most `limit`."""
    return [environment for (environment,) in tx.many("environments_of_history", limit=limit)]


def last_of_stream(tx: Transaction, environment: str, stream: str, *, until: int = END) -> EntryRecord | None:
    """The stream's newest entry that is not past position `until`, in a number of look-ups that grows with the
    logarithm of the stream; None if there is none."""
    if until < END:
        row = tx.one("last_of_stream_until", environment=environment, stream=stream, until=until)
    else:
        row = tx.one("last_of_stream", environment=environment, stream=stream)
    return EntryRecord._make(row) if row else None


def version_of_stream(tx: Transaction, environment: str, stream: str, version: int) -> EntryRecord | None:
    """One entry of a stream."""
    row = tx.one("entry_of_stream", environment=environment, stream=stream, version=version)
    return EntryRecord._make(row) if row else None


def stream_backwards(tx: Transaction, environment: str, stream: str, *, until: int = END) -> Iterator[EntryRecord]:
    """One stream's entries from the last one on, newest first, read in pages that grow."""
    before, limit = END, 1
    while page := of_stream_backwards(tx, environment, stream, before_version=before, until=until, limit=limit):
        yield from page
        if len(page) < limit:
            return
        before, limit = page[-1].version, min(PAGE, limit * 8)


def everything(tx: Transaction, *, after_position: int = 0) -> Iterator[list[EntryRecord]]:
    """The whole of history in order, page by page."""
    position = after_position
    while page := after(tx, position):
        yield page
        position = page[-1].position


def _head(row: Row | None) -> tuple[int, bytes]:
    return (row[0], bytes(row[1])) if row else (0, b"")
