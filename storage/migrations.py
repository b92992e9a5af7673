"""Forward-only migrations: sql/<dialect>/migrations/NNNN_name.sql, each applied once, in order, under a lock."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import msgspec

from storage.contract import SchemaMissing, SchemaTooNew


class Migration(msgspec.Struct, frozen=True):
    number: int
    name: str
    sql: str


@cache
def load(folder: Path) -> Sequence[Migration]:
    """The folder's migrations in order, as they were when first asked for. Raises ValueError unless they are numbered
    0001, 0002, … without a gap."""
    found = [
        Migration(int(path.stem[:4]), path.stem[5:], path.read_text("utf-8")) for path in sorted(folder.glob("*.sql"))
    ]
    if not found or [migration.number for migration in found] != list(range(1, len(found) + 1)):
        raise ValueError(f"{folder}: migrations must be numbered 0001, 0002, … without a gap")
    return tuple(found)


def pending(known: Sequence[Migration], applied: int) -> Sequence[Migration]:
    """Those still to be applied to a store at `applied`. Raises SchemaTooNew."""
    if applied > len(known):
        raise SchemaTooNew(f"the data has schema {applied:04}, this release knows schemas up to {len(known):04}")
    return known[applied:]


def require_current(known: Sequence[Migration], applied: int) -> None:
    """Raises SchemaTooNew or SchemaMissing unless the store is exactly at the newest known migration."""
    if pending(known, applied):
        raise SchemaMissing(f"the data has schema {applied:04}, this release needs {len(known):04}")
