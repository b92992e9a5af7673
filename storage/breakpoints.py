"""Leases of breakpoints, which hold runs that match."""

from __future__ import annotations

from storage.contract import Transaction
from storage.records import BreakpointRow


def save(tx: Transaction, row: BreakpointRow) -> None:
    tx.execute("save_breakpoint", **row._asdict())


def renew(tx: Transaction, environment: str, id: str, *, now: int, expires_at: int) -> bool:
    """Whether it is there and not over."""
    return bool(tx.execute("renew_breakpoint", environment=environment, id=id, now=now, expires_at=expires_at))


def delete(tx: Transaction, environment: str, id: str) -> bool:
    """Whether it was there."""
    return bool(tx.execute("delete_breakpoint", environment=environment, id=id))


def sweep(tx: Transaction, *, now: int) -> None:
    """Delete those that are over."""
    tx.execute("delete_lapsed_breakpoints", now=now)


def everything(tx: Transaction) -> list[BreakpointRow]:
    """Those of every environment, in the order in which they were made."""
    return [BreakpointRow._make(row) for row in tx.many("all_breakpoints")]
