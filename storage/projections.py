"""Projections: what they are, their states, and the cursors and leases that say who may write them up to where."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from storage.contract import Transaction
from storage.records import EntryRecord
from storage.runs import contains

PAGE = 500
RETIRED = "retired"
"""What stands for the lease of a generation that another one has overtaken."""


class ProjectionRow(NamedTuple):
    """`state` is JSON: the projection as it was folded from its stream."""

    environment: str
    name: str
    mode: str
    status: str
    state: str
    created_at: int
    updated_at: int
    position: int


class ProjectionStateRow(NamedTuple):
    """The state of one partition, as JSON text. Not derived from history by itself: a reducer is needed. There is no
    event of the partition up to `since`."""

    environment: str
    name: str
    generation: int
    partition_key: str
    state: str
    version: int
    last_event_id: str
    last_event_at: int
    position: int
    updated_at: int
    since: int = 0


class PartitionRow(NamedTuple):
    """Where a partition is: its last event, and how long its state is."""

    partition_key: str
    position: int
    last_event_id: str
    last_event_at: int
    version: int
    updated_at: int
    size_bytes: int


class ProjectionSnapshotRow(NamedTuple):
    """The state of one partition as it was at a position, and `through` another one if that is later."""

    environment: str
    name: str
    generation: int
    partition_key: str
    position: int
    state: str
    last_event_id: str
    last_event_at: int
    through: int = 0


class OverwrittenState(NamedTuple):
    """A partition's state that is about to be overwritten; it holds `through` a position. It is kept if none was for so
    many positions, the more the larger it is."""

    through: int
    environment: str
    name: str
    generation: int
    partition_key: str
    positions: int
    positions_per_byte: int


class Key(NamedTuple):
    """One generation of a projection."""

    environment: str
    name: str
    generation: int


class Cursor(NamedTuple):
    """Where a generation is, and who may take it further. `folded` counts the events that were."""

    environment: str
    name: str
    generation: int
    position: int
    last_event_id: str
    updated_at: int
    lease_token: str
    lease_epoch: int
    lease_until: int
    folded: int = 0


class Fence(NamedTuple):
    """What tells a lease's holder from those before it; an empty token is that of a runner without a lease."""

    token: str = ""
    epoch: int = 0


def save(tx: Transaction, rows: Sequence[ProjectionRow]) -> None:
    tx.each("save_projection", rows)


def get(tx: Transaction, environment: str, name: str) -> ProjectionRow | None:
    row = tx.one("projection", environment=environment, name=name)
    return ProjectionRow._make(row) if row else None


def clear(tx: Transaction) -> None:
    tx.execute("clear_projections")


def everything(tx: Transaction) -> Iterator[ProjectionRow]:
    """Deleted ones too, in the order of environment and name."""
    environment, name = "", ""
    while rows := tx.many("all_projections", environment=environment, name=name, limit=PAGE):
        yield from map(ProjectionRow._make, rows)
        environment, name = rows[-1][:2]


# Events.


def events(
    tx: Transaction,
    environment: str,
    *,
    after: int,
    until: int,
    names: Sequence[str] = (),
    text: str = "",
    limit: int,
) -> list[EntryRecord]:
    """Entries of events after a position and not after another, in order; of those names, if any are given. With a
    text, those that cannot have it anywhere in their data may be left out."""
    chosen = {"environment": environment, "after": after, "until": until, "text": text, "limit": limit}
    if len(names) == 1:
        rows = tx.many("projection_events_of_name", name=names[0], **chosen)
    else:
        rows = tx.many("projection_events", names=_listed(names), **chosen)
    return [EntryRecord._make(row) for row in rows]


def count_events(tx: Transaction, environment: str, *, after: int, until: int, names: Sequence[str] = ()) -> int:
    row = tx.one("count_projection_events", environment=environment, after=after, until=until, names=_listed(names))
    assert row is not None
    return int(row[0])


# Cursors and leases.


def begin(tx: Transaction, key: Key, *, position: int, now: int) -> None:
    """A cursor for the generation, if it has none yet."""
    tx.execute("begin_projection_cursor", **key._asdict(), position=position, now=now)


def cursor(tx: Transaction, key: Key) -> Cursor | None:
    row = tx.one("projection_cursor", **key._asdict())
    return Cursor._make(row) if row else None


def take_lease(tx: Transaction, key: Key, *, token: str, now: int, until: int) -> int:
    """The epoch of the lease taken; 0 if somebody has it."""
    if not tx.execute("take_projection_lease", **key._asdict(), token=token, now=now, until=until):
        return 0
    taken = cursor(tx, key)
    assert taken is not None
    return taken.lease_epoch


def renew_lease(tx: Transaction, key: Key, fence: Fence, *, until: int) -> bool:
    return bool(tx.execute("renew_projection_lease", **key._asdict(), **fence._asdict(), until=until))


def release_lease(tx: Transaction, key: Key, fence: Fence) -> bool:
    return bool(tx.execute("release_projection_lease", **key._asdict(), **fence._asdict()))


def revoke_leases(tx: Transaction) -> None:
    """Whoever had a lease has lost it, and anybody may take it."""
    tx.execute("revoke_projection_leases")


def retire(tx: Transaction, key: Key, *, overtaken_at: int, until: int) -> bool:
    """Close the generation to writers if it is not past a position; whether it is closed."""
    return bool(tx.execute("retire_projection_cursor", **key._asdict(), position=overtaken_at, until=until))


def advance(
    tx: Transaction, key: Key, fence: Fence, *, position: int, last_event_id: str = "", folded: int = 0, now: int
) -> bool:
    """Move the cursor, never backwards, over so many events that were folded; False if the fence no longer fits, and
    nothing may be written."""
    return bool(
        tx.execute(
            "advance_projection",
            **key._asdict(),
            **fence._asdict(),
            position=position,
            last_event_id=last_event_id,
            folded=folded,
            now=now,
        )
    )


# States.


def save_states(tx: Transaction, rows: Sequence[ProjectionStateRow]) -> None:
    tx.each("save_projection_state", rows)


def state(tx: Transaction, key: Key, partition: str) -> ProjectionStateRow | None:
    row = tx.one("projection_state", **key._asdict(), partition_key=partition)
    return ProjectionStateRow._make(row) if row else None


def changed_states(tx: Transaction, key: Key, *, after: int, limit: int) -> list[ProjectionStateRow]:
    """Those with an event after a position, in the order of their last events."""
    rows = tx.many("changed_projection_states", **key._asdict(), after=after, limit=limit)
    return [ProjectionStateRow._make(row) for row in rows]


def partitions(tx: Transaction, key: Key, *, search: str, after: str, limit: int) -> list[PartitionRow]:
    """In order of their keys; `search` is a part of the key."""
    rows = tx.many("projection_partitions", **key._asdict(), search=contains(search), after=after, limit=limit)
    return [PartitionRow._make(row) for row in rows]


def recent_partitions(tx: Transaction, key: Key, *, search: str, among: int, limit: int) -> list[PartitionRow]:
    """Those whose last event came last, first; of the first `among` by key."""
    rows = tx.many("recent_projection_partitions", **key._asdict(), search=contains(search), among=among, limit=limit)
    return [PartitionRow._make(row) for row in rows]


def count_partitions(tx: Transaction, key: Key, *, search: str = "", limit: int) -> int:
    """How many have a state; no more than `limit` are counted."""
    row = tx.one("count_projection_partitions", **key._asdict(), search=contains(search), limit=limit)
    assert row is not None
    return int(row[0])


def save_snapshots(tx: Transaction, rows: Sequence[ProjectionSnapshotRow]) -> None:
    tx.each("save_projection_snapshot", rows)


def keep(tx: Transaction, rows: Sequence[OverwrittenState]) -> None:
    """Make snapshots of states, where it is time for that."""
    tx.each("keep_projection_state", rows)


def snapshot(tx: Transaction, key: Key, partition: str, *, until: int) -> ProjectionSnapshotRow | None:
    """The newest that is not past a position."""
    row = tx.one("projection_snapshot", **key._asdict(), partition_key=partition, until=until)
    return ProjectionSnapshotRow._make(row) if row else None


def take_over(tx: Transaction, key: Key, other: Key, *, but: str, position: int) -> None:
    """Give a generation the states and snapshots of another, but those of one partition, and a cursor at a position."""
    for query in ("clear_other_states", "clear_other_snapshots"):
        tx.execute(query, **key._asdict(), partition_key=but)
    for query in ("copy_other_states", "copy_other_snapshots"):
        tx.execute(query, **key._asdict(), other=other.generation, partition_key=but)
    tx.execute("set_projection_cursor", **key._asdict(), other=other.generation, position=position)


def drop(tx: Transaction, key: Key) -> None:
    """Forget the generation: its states, snapshots, cursor and lease."""
    for query in ("drop_projection_states", "drop_projection_snapshots", "drop_projection_cursor"):
        tx.execute(query, **key._asdict())


# Tables, see storage/tables.py.


def note_table(tx: Transaction, key: Key) -> None:
    """That there is one, or is about to be."""
    tx.execute("note_projection_table", **key._asdict())


def tables(tx: Transaction) -> list[Key]:
    return [Key._make(row) for row in tx.many("projection_tables")]


def forget_table(tx: Transaction, key: Key) -> None:
    tx.execute("forget_projection_table", **key._asdict())


def _listed(names: Sequence[str]) -> str:
    return f",{','.join(names)}," if names else ""
