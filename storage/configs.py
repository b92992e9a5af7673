"""The configs table: one row for each configuration document there is; the document is in history, at its position."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from storage.contract import Transaction
from storage.records import ConfigRow

PAGE = 1_000


def save(tx: Transaction, rows: Sequence[ConfigRow]) -> None:
    tx.each("save_config", rows)


def remove(tx: Transaction, environment: str, name: str) -> None:
    tx.execute("remove_config", environment=environment, name=name)


def page(tx: Transaction, environment: str, *, after: str = "", limit: int) -> list[ConfigRow]:
    """By name, after the given one."""
    rows = tx.many("configs_page", environment=environment, after=after, limit=limit)
    return [ConfigRow._make(row) for row in rows]


def clear(tx: Transaction) -> None:
    tx.execute("clear_configs")


def everything(tx: Transaction) -> Iterator[ConfigRow]:
    environment, last = "", ""
    while rows := tx.many("all_configs", environment=environment, name=last, limit=PAGE):
        yield from map(ConfigRow._make, rows)
        environment, last = rows[-1][0], rows[-1][1]
