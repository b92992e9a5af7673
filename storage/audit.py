"""What the audit of each environment records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from storage.contract import Transaction
from storage.records import AuditSettingsRow

PAGE = 500


def save(tx: Transaction, rows: Sequence[AuditSettingsRow]) -> None:
    tx.each("save_audit_settings", rows)


def clear(tx: Transaction) -> None:
    tx.execute("clear_audit_settings")


def everything(tx: Transaction) -> Iterator[AuditSettingsRow]:
    """In the order of environments."""
    environment = ""
    while rows := tx.many("all_audit_settings", environment=environment, limit=PAGE):
        yield from map(AuditSettingsRow._make, rows)
        environment = rows[-1][0]
