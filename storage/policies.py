"""Policies, one row each, deleted ones too."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from storage.contract import Transaction
from storage.records import PolicyRow

PAGE = 500


def save(tx: Transaction, rows: Sequence[PolicyRow]) -> None:
    tx.each("save_policy", rows)


def clear(tx: Transaction) -> None:
    tx.execute("clear_policies")


def everything(tx: Transaction) -> Iterator[PolicyRow]:
    """In the order of environment and id."""
    environment, id = "", ""
    while rows := tx.many("all_policies", environment=environment, id=id, limit=PAGE):
        yield from map(PolicyRow._make, rows)
        environment, id = rows[-1][:2]
