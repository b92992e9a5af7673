"""What a store takes up, and how far its schema is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from storage.contract import Transaction

SNAPSHOTS_COUNTED_MAX = 100_000


class Snapshots(NamedTuple):
    """How many there are, each at most SNAPSHOTS_COUNTED_MAX."""

    entities: int
    projections: int


def sizes(tx: Transaction) -> Mapping[str, int]:
    """Bytes, by what they are of: `database` on every store, `free` (within it) and `log` on SQLite, `history` and
    `snapshots` (within it) on Postgres."""
    found = {str(name): int(size) for name, size in tx.many("store_bytes")}
    row = tx.one("store_file")
    if row is not None and row[0]:
        log = Path(f"{row[0]}-wal")
        found["log"] = log.stat().st_size if log.exists() else 0
    return found


def snapshots(tx: Transaction) -> Snapshots:
    row = tx.one("count_snapshots", limit=SNAPSHOTS_COUNTED_MAX)
    assert row is not None, "counts are a row"
    return Snapshots(*row)


def migrations(tx: Transaction) -> list[tuple[int, str]]:
    """Those that were applied, oldest first: their numbers and names."""
    return [(number, name) for number, name in tx.many("applied_migrations")]
