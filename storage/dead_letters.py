"""What groups could not deliver: one row for each, until it is requeued or discarded."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from storage.contract import Transaction
from storage.records import DeadLetterRow

PAGE = 1_000


def save(tx: Transaction, rows: Sequence[DeadLetterRow]) -> None:
    tx.each("save_dead_letter", rows)


def remove(tx: Transaction, environment: str, group: str, entry: int) -> None:
    tx.execute("delete_dead_letter", environment=environment, group_name=group, entry=entry)


def clear(tx: Transaction) -> None:
    tx.execute("clear_dead_letters")


def page(
    tx: Transaction, environment: str, group: str, *, since: int, after: int = 0, limit: int
) -> list[DeadLetterRow]:
    """Those of the group created at position `since`, by the position of the entry, after the given one."""
    rows = tx.many(
        "dead_letters_of_group", environment=environment, group_name=group, since=since, after=after, limit=limit
    )
    return [DeadLetterRow._make(row) for row in rows]


def at(tx: Transaction, environment: str, group: str, entries: Sequence[int], *, since: int) -> list[DeadLetterRow]:
    """Those at these entries of the group created at position `since`, by the position of the entry."""
    rows = tx.many(
        "dead_letters_at", environment=environment, group_name=group, entries=json.dumps(entries), since=since
    )
    return [DeadLetterRow._make(row) for row in rows]


def count(tx: Transaction, environment: str, group: str, *, since: int) -> int:
    row = tx.one("count_dead_letters", environment=environment, group_name=group, since=since)
    return int(row[0]) if row else 0


def everything(tx: Transaction) -> Iterator[DeadLetterRow]:
    environment, group, entry = "", "", 0
    while rows := tx.many("all_dead_letters", environment=environment, group_name=group, entry=entry, limit=PAGE):
        yield from map(DeadLetterRow._make, rows)
        environment, group, entry = rows[-1][:3]
