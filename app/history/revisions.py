"""What is changed again and again: its changes, as its stream tells them, and a change that is made to what its author
has seen, which is refused where somebody was faster.

What is seen is a revision: the version of a stream, or, of a noun whose state has none, the position of its last entry.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from app.errors import IronflowError, RevisionConflict
from app.history.entry import Entry
from storage import history
from storage.contract import Storage, Transaction

SHOWN_MAX = 5


def changes(
    tx: Transaction, environment: str, stream: str, kinds: Sequence[str], *, before: int = history.END, limit: int
) -> Sequence[tuple[Entry, Entry | None]]:
    """Entries of these kinds before a position, newest first, each with the one before it; None for the first."""
    records = history.page(tx, environment, stream=stream, kinds=kinds, before=before, backwards=True, limit=limit + 1)
    entries = [Entry(record) for record in records]
    return list(zip(entries, [*entries[1:], None], strict=False))[:limit]


def check(what: str, *, found: int, expected: int | None) -> None:
    """Returns if the revision that is found is the expected one, or any is. Raises RevisionConflict."""
    if expected is not None and expected != found:
        raise RevisionConflict(
            f"{what}: expected revision {expected}, found {found}",
            hint="read it again, then try with the revision that it has",
        )


@asynccontextmanager
async def telling(
    storage: Storage,
    environment: str,
    stream: str,
    *,
    version: int | None = None,
    position: int | None = None,
    conflict: type[IronflowError] = RevisionConflict,
) -> AsyncIterator[None]:
    """Around what is done to that version of the stream, or to what it was at that position: the hint of a conflict
    tells what happened since."""

    def read(tx: Transaction) -> str:
        last = history.last_of_stream(tx, environment, stream, until=position) if position else None
        return _since(tx, environment, stream, last.version if last is not None else version or 0)

    try:
        yield
    except conflict as refused:
        told = await storage.read(read)
        raise conflict(refused.message, hint=told or refused.hint) from None


def _since(tx: Transaction, environment: str, stream: str, version: int) -> str:
    """What happened in the stream since that version of it, in words; "" if nothing did."""
    page = history.of_stream(tx, environment, stream, after_version=version)
    told = ", ".join(_told(Entry(record)) for record in page[-SHOWN_MAX:])
    return f"since then: {told}; read it again" if told else ""


def _told(entry: Entry) -> str:
    fact: Any = entry.fact
    about = getattr(fact, "name", "") or getattr(fact, "reason", "")
    return f"{entry.kind}{f' ({about})' if about else ''} at version {entry.version}"
