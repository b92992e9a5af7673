"""The functions table: one row a function, at its newest version."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from storage.contract import Transaction
from storage.records import FunctionRow

PAGE = 1_000


def save(tx: Transaction, rows: Sequence[FunctionRow]) -> None:
    tx.each("save_function", rows)


def clear(tx: Transaction) -> None:
    tx.execute("clear_functions")


def everything(tx: Transaction) -> Iterator[FunctionRow]:
    environment, last = "", ""
    while rows := tx.many("all_functions", environment=environment, id=last, limit=PAGE):
        yield from map(FunctionRow._make, rows)
        environment, last = rows[-1][0], rows[-1][1]
