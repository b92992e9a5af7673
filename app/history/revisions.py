"""The changes of a definition, as its stream tells them: each with the one that it followed."""

from __future__ import annotations

from collections.abc import Sequence

from app.history.entry import Entry
from storage import history
from storage.contract import Transaction


def changes(
    tx: Transaction, environment: str, stream: str, kinds: Sequence[str], *, before: int = history.END, limit: int
) -> Sequence[tuple[Entry, Entry | None]]:
    """Entries of these kinds before a position, newest first, each with the one before it; None for the first."""
    records = history.page(tx, environment, stream=stream, kinds=kinds, before=before, backwards=True, limit=limit + 1)
    entries = [Entry(record) for record in records]
    return list(zip(entries, [*entries[1:], None], strict=False))[:limit]
