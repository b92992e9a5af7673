"""The entities table, one row an entity at its newest version; and the snapshots that clients keep there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from storage.contract import Transaction
from storage.records import EntityRow, KeptSnapshot, SnapshotRow
from storage.runs import contains

PAGE = 2_000


def save(tx: Transaction, rows: Sequence[EntityRow]) -> None:
    tx.each("save_entity", rows)


def get(tx: Transaction, environment: str, type: str, id: str) -> EntityRow | None:
    row = tx.one("entity_row", environment=environment, type=type, id=id)
    return EntityRow._make(row) if row else None


def of_id(tx: Transaction, environment: str, id: str, *, limit: int = 10) -> list[EntityRow]:
    """The entities of that id, of any type, by type."""
    rows = tx.many("entities_of_id", environment=environment, id=id, limit=limit)
    return [EntityRow._make(row) for row in rows]


def page(
    tx: Transaction,
    environment: str,
    *,
    type: str = "",
    search: str = "",
    include_deleted: bool = False,
    after: tuple[str, str] = ("", ""),
    limit: int,
    offset: int = 0,
) -> list[EntityRow]:
    """In the order of id and type, after the given pair. `search` is a part of the id; no type means any."""
    chosen = {
        "environment": environment,
        "search": contains(search),
        "include_deleted": int(include_deleted),
        "after_id": after[0],
        "limit": limit,
        "offset": offset,
    }
    if type:
        rows = tx.many("entities_page_of_type", type=type, **chosen)
    else:
        rows = tx.many("entities_page", after_type=after[1], **chosen)
    return [EntityRow._make(row) for row in rows]


def count(
    tx: Transaction, environment: str, *, type: str = "", search: str = "", include_deleted: bool = False, limit: int
) -> int:
    """How many there are, counted no further than `limit`."""
    row = tx.one(
        "count_entities",
        environment=environment,
        type=type,
        search=contains(search),
        include_deleted=int(include_deleted),
        limit=limit,
    )
    assert row is not None
    return int(row[0])


def clear(tx: Transaction) -> None:
    tx.execute("clear_entities")


def everything(tx: Transaction) -> Iterator[EntityRow]:
    environment, id, type = "", "", ""
    while rows := tx.many("all_entities", environment=environment, id=id, type=type, limit=PAGE):
        yield from map(EntityRow._make, rows)
        environment, type, id = rows[-1][:3]


def save_snapshot(tx: Transaction, row: SnapshotRow) -> None:
    """Keep a snapshot, instead of any of the same version."""
    tx.each("save_snapshot", [row])


def newest_snapshot(tx: Transaction, environment: str, type: str, id: str, *, version: int) -> SnapshotRow | None:
    """The newest snapshot that is not of a later version."""
    row = tx.one("newest_snapshot", environment=environment, type=type, id=id, version=version)
    return SnapshotRow._make(row) if row else None


def kept_snapshots(tx: Transaction, environment: str, type: str, id: str, *, limit: int) -> list[KeptSnapshot]:
    """The versions that have a snapshot, newest first."""
    rows = tx.many("kept_snapshots", environment=environment, type=type, id=id, limit=limit)
    return [KeptSnapshot._make(row) for row in rows]


def drop_snapshots(tx: Transaction, environment: str, type: str, id: str) -> None:
    tx.execute("drop_snapshots", environment=environment, type=type, id=id)
