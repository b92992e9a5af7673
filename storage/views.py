"""Filters that people keep, by page and owner."""

from __future__ import annotations

from storage.contract import Transaction
from storage.records import ViewRow


def save(tx: Transaction, row: ViewRow) -> None:
    """In place of the owner's view of that name, if there is one."""
    tx.execute("save_view", **row._asdict())


def delete(tx: Transaction, environment: str, page: str, owner: str, name: str) -> bool:
    """Whether it was there."""
    return bool(tx.execute("delete_view", environment=environment, page=page, owner=owner, name=name))


def seen(tx: Transaction, environment: str, page: str, owner: str, *, limit: int) -> list[ViewRow]:
    """The owner's own and those that others share, by name."""
    rows = tx.many("views_seen", environment=environment, page=page, owner=owner, limit=limit)
    return [ViewRow._make(row) for row in rows]


def owned(tx: Transaction, environment: str, owner: str) -> int:
    """How many the owner has, on all pages."""
    row = tx.one("views_owned", environment=environment, owner=owner)
    assert row is not None
    count: int = row[0]
    return count
