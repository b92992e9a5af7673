"""How far followers of history have come, so that they go on there after a restart."""

from __future__ import annotations

from storage.contract import Transaction


def get(tx: Transaction, name: str) -> int:
    """The position saved under that name; 0 if there is none."""
    row = tx.one("cursor", name=name)
    return int(row[0]) if row else 0


def save(tx: Transaction, name: str, position: int) -> None:
    tx.execute("save_cursor", name=name, position=position)


def hold(tx: Transaction, name: str) -> int:
    """The position saved under that name, which nobody else moves until this transaction ends."""
    tx.execute("hold_cursor", name=name)
    return get(tx, name)
