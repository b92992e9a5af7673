"""Event schemas, one row a version, and how they are enforced in each environment."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from storage.contract import Transaction
from storage.records import EnforcementRow, SchemaRow

PAGE = 500


def save(tx: Transaction, rows: Sequence[SchemaRow]) -> None:
    tx.each("save_schema", rows)


def clear(tx: Transaction) -> None:
    tx.execute("clear_schemas")


def everything(tx: Transaction) -> Iterator[SchemaRow]:
    """Deleted ones too, in the order of environment, name and version."""
    environment, name, version = "", "", 0
    while rows := tx.many("all_schemas", environment=environment, event_name=name, version=version, limit=PAGE):
        yield from map(SchemaRow._make, rows)
        environment, name, version = rows[-1][:3]


def save_enforcement(tx: Transaction, rows: Sequence[EnforcementRow]) -> None:
    tx.each("save_enforcement", rows)


def clear_enforcement(tx: Transaction) -> None:
    tx.execute("clear_enforcement")


def enforcement(tx: Transaction) -> Iterator[EnforcementRow]:
    environment = ""
    while rows := tx.many("all_enforcement", environment=environment, limit=PAGE):
        yield from map(EnforcementRow._make, rows)
        environment = rows[-1][0]
