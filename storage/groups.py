"""Consumer groups, one row each, and how far each has come."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from storage.contract import Transaction
from storage.records import GroupRow

PAGE = 500


def save(tx: Transaction, rows: Sequence[GroupRow]) -> None:
    tx.each("save_group", rows)


def clear(tx: Transaction) -> None:
    tx.execute("clear_groups")


def everything(tx: Transaction) -> Iterator[GroupRow]:
    """Deleted ones too, in the order of environment and name."""
    environment, name = "", ""
    while rows := tx.many("all_groups", environment=environment, name=name, limit=PAGE):
        yield from map(GroupRow._make, rows)
        environment, name = rows[-1][:2]


def position(tx: Transaction, environment: str, name: str) -> tuple[int, int]:
    """Generation, and the position up to which everything is settled; (0, 0) if nothing was saved."""
    row = tx.one("group_position", environment=environment, name=name)
    return (int(row[0]), int(row[1])) if row else (0, 0)


def save_position(tx: Transaction, environment: str, name: str, *, generation: int, position: int) -> None:
    """Nothing changes if a later one is there."""
    tx.execute("save_group_position", environment=environment, name=name, generation=generation, position=position)
