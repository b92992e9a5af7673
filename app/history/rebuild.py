"""Make the derived tables anew from history, or check that they are what history says.

It runs in one transaction under the append lock: a running server waits, and on any error, or when only checking,
everything is left as it was.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

import msgspec

from app.history.entry import Entry
from app.history.fold import Fold, Noun, Slot
from storage import history
from storage.contract import Storage, Transaction

SLOTS_MAX = 100_000

Progress = Callable[[int], None]


class RebuildReport(msgspec.Struct, frozen=True):
    """`rows` counts by noun; `differing` names the nouns whose table was not what history says."""

    entries: int
    rows: dict[str, int]
    differing: tuple[str, ...]


class Derived(Protocol):
    """What a follower derives in its own time: its tables are as of the position that it has come to."""

    prefix: str

    def until(self, tx: Transaction) -> int: ...
    def rows(self, tx: Transaction) -> Iterable[tuple[object, ...]]: ...
    def refold(self, tx: Transaction, *, until: int) -> None: ...


async def rebuild(
    storage: Storage,
    fold: Fold,
    *,
    check: bool,
    derived: Sequence[Derived] = (),
    progress: Progress = lambda position: None,
) -> RebuildReport:
    """Refold everything. With `check`, the tables stay as they are."""
    try:
        return await storage.write(lambda tx: _rebuild(tx, fold, derived, check, progress))
    except _OnlyChecked as checked:
        return checked.report


class _OnlyChecked(Exception):
    """Carries the report out of a transaction that must not commit."""

    def __init__(self, report: RebuildReport) -> None:
        self.report = report


def _rebuild(tx: Transaction, fold: Fold, derived: Sequence[Derived], check: bool, progress: Progress) -> RebuildReport:
    history.lock(tx)
    tables: dict[str, Noun | Derived] = {**fold.nouns, **{one.prefix: one for one in derived}}
    before = {prefix: _summary(tx, table) for prefix, table in tables.items()}
    for noun in fold.nouns.values():
        noun.clear(tx)
    entries = _refold(tx, fold, progress)
    for one in derived:
        one.refold(tx, until=one.until(tx))
    after = {prefix: _summary(tx, table) for prefix, table in tables.items()}
    differing = tuple(prefix for prefix in tables if before[prefix] != after[prefix])
    report = RebuildReport(entries, {prefix: count for prefix, (count, _) in after.items()}, differing)
    if check:
        raise _OnlyChecked(report)
    return report


def _refold(tx: Transaction, fold: Fold, progress: Progress) -> int:
    slots: dict[tuple[str, str], Slot] = {}
    position = 0
    for page in history.everything(tx):
        changed: dict[tuple[str, str], Slot] = {}
        for record in page:
            key = (record.environment, record.stream)
            slot = slots.get(key)
            if slot is None:
                fresh = record.version == 1
                slot = fold.slot(record.stream) if fresh else fold.load(tx, *key, until=record.position - 1)
                slots[key] = slot
            slot.apply(Entry(record))
            changed[key] = slot
        fold.save(tx, changed.values(), before=position)
        position = page[-1].position
        progress(position)
        for key, slot in changed.items():
            if not slot.noun.keep(slot.state):
                slots.pop(key, None)
        if len(slots) > SLOTS_MAX:
            slots.clear()
    return position


def _summary(tx: Transaction, table: Noun | Derived) -> tuple[int, str]:
    """How many rows the table has, and a digest of them all."""
    count, told = 0, hashlib.sha256()
    for row in table.rows(tx):
        count += 1
        told.update(repr(tuple(row)).encode())
    return count, told.hexdigest()
