"""The gates table: one row for each gate of a function at which events wait."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from storage.contract import Transaction
from storage.records import GateRow

PAGE = 1_000


def save(tx: Transaction, rows: Sequence[GateRow]) -> None:
    """Write the rows of gates at which something waits, and take out the others."""
    if held := [row for row in rows if row.waiting]:
        tx.each("save_gate", held)
    for row in rows:
        if not row.waiting:
            tx.execute("delete_gate", environment=row.environment, stream=row.stream)


def clear(tx: Transaction) -> None:
    tx.execute("clear_gates")


def waiting(tx: Transaction, environment: str, *, option: str, limit: int) -> list[GateRow]:
    """Gates of one option at which events wait, next to fire first."""
    rows = tx.many("gates_of_environment", environment=environment, option=option, limit=limit)
    return [GateRow._make(row) for row in rows]


def everything(tx: Transaction) -> Iterator[GateRow]:
    environment, last = "", ""
    while rows := tx.many("all_gates", environment=environment, stream=last, limit=PAGE):
        yield from map(GateRow._make, rows)
        environment, last = rows[-1][0], rows[-1][1]
