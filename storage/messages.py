"""The messages table: what was published to topics, for lists; the messages themselves are in history."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from storage.contract import Transaction
from storage.records import MessageRow

PAGE = 2_000


def save(tx: Transaction, rows: Sequence[MessageRow]) -> None:
    tx.each("save_message", rows)


def topics(tx: Transaction, environment: str, *, limit: int) -> list[tuple[str, int, int, int]]:
    """Topics by name: name, messages, and when the first and the last were published."""
    rows = tx.many("topics", environment=environment, limit=limit)
    return [(row[0], int(row[1]), row[2], row[3]) for row in rows]


def stats(tx: Transaction, environment: str, topic: str, *, after: int) -> tuple[int, int, int, int]:
    """Messages of a topic, the first and the last position (0 for none), and how many come after a position."""
    row = tx.one("topic_stats", environment=environment, topic=topic, after=after)
    assert row is not None
    return int(row[0]), int(row[1]), int(row[2]), int(row[3])


def clear(tx: Transaction) -> None:
    tx.execute("clear_messages")


def everything(tx: Transaction) -> Iterator[MessageRow]:
    after = 0
    while rows := tx.many("all_messages", after=after, limit=PAGE):
        yield from map(MessageRow._make, rows)
        after = rows[-1][0]
