"""The past as a subscription reads it, page after page. A page is as large as what lies in it allows, and looks no
farther than it takes to fill it; while one is told, the next is read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import NamedTuple
from weakref import WeakSet

from app.history.interests import Interest
from storage import history
from storage.contract import Storage, StorageError, Transaction
from storage.records import EntryRecord

ENTRIES = (16, 1_000)
BYTES = 2**20
"""More is read at a time while pages are smaller than this, and less when they are larger."""
SPAN = (1_000, 20_000)
"""Positions looked at for one page: what was found so far tells how many it takes."""
AHEAD_MAX = 16
"""Pages read ahead at a time for all who read: who is slow keeps theirs in memory."""


class Page(NamedTuple):
    """Records of the past, in order, and how far was looked for them."""

    records: Sequence[EntryRecord]
    until: int


class _Ahead(NamedTuple):
    after: int
    reading: asyncio.Task[Page]


class Pages:
    """`ahead` is shared by all who read: those that have a page read ahead."""

    __slots__ = ("__weakref__", "_ahead", "_all_ahead", "_interest", "_size", "_span", "_storage", "_times_forgotten")

    def __init__(self, storage: Storage, interest: Interest, ahead: WeakSet[Pages]) -> None:
        self._storage = storage
        self._interest = interest
        self._all_ahead = ahead
        self._ahead: _Ahead | None = None
        self._size = ENTRIES[0]
        self._span = SPAN[0]
        self._times_forgotten = 0

    async def after(self, position: int, head: int) -> Page:
        """What follows the position and is of a wanted kind, not beyond `head`. Raises StorageError."""
        ahead, self._ahead = self._ahead, None
        self._all_ahead.discard(self)
        times = self._times_forgotten
        page = await self._read_ahead(ahead) if ahead is not None and ahead.after == position else None
        while page is None or times != self._times_forgotten:  # what was read may be what was redacted meanwhile
            times = self._times_forgotten
            page = await self._read(position, head)
        if page.until < head and len(self._all_ahead) < AHEAD_MAX:
            reading = asyncio.create_task(self._read(page.until, head), name="page-ahead")
            reading.add_done_callback(_noticed)
            self._ahead = _Ahead(page.until, reading)
            self._all_ahead.add(self)
            await asyncio.sleep(0)  # it is asked for before its reader is at work on this page
            if times != self._times_forgotten:
                return await self.after(position, head)
        return page

    def forget(self) -> None:
        """What was read ahead is not wanted, or no longer what it was."""
        self._times_forgotten += 1
        if self._ahead is not None:
            self._ahead.reading.cancel()
            self._ahead = None
            self._all_ahead.discard(self)

    async def _read_ahead(self, ahead: _Ahead) -> Page | None:
        """None if it could not be read then: it may be by now."""
        try:
            return await ahead.reading
        except StorageError:
            return None

    async def _read(self, after: int, head: int) -> Page:
        interest, size = self._interest, self._size
        until = head if interest.stream else min(head, after + self._span)
        records = await self._storage.read(lambda tx: _records(tx, interest, after, until, size))
        if len(records) == size:
            until = records[-1].position
        self._fit(records, looked=until - after)
        return Page(records, until)

    def _fit(self, records: Sequence[EntryRecord], *, looked: int) -> None:
        """Read as much the next time as is good after this page."""
        small = sum([len(record.data) for record in records]) < BYTES
        self._size = min(self._size * 2, ENTRIES[1]) if small else max(self._size // 2, 1)
        needed = looked * self._size // len(records) if records else 4 * looked
        self._span = min(max(needed, SPAN[0]), SPAN[1])


def _noticed(reading: asyncio.Task[Page]) -> None:
    """What a page failed with is its reader's, if there still is one."""
    if not reading.cancelled():
        reading.exception()


def _records(tx: Transaction, interest: Interest, after: int, until: int, limit: int) -> list[EntryRecord]:
    return history.page(
        tx,
        interest.environment,
        stream=interest.stream,
        kinds=interest.kinds,
        after=after,
        before=until + 1,
        limit=limit,
    )
