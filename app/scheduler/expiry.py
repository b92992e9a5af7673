"""Expiry of key-values: what is due is recorded when its time comes, by any node; a second one finds nothing to do.

Only the next instant is kept in memory, however many keys have one.
"""

from __future__ import annotations

import asyncio

import structlog

from app.clock import Clock
from app.errors import IronflowError
from app.history.kinds import KvPut
from app.history.tail import Tail
from app.values.keyspace import Keyspace
from storage.contract import StorageError

log = structlog.get_logger(__name__)

RETRY_US = 5_000_000


class Expiry:
    def __init__(self, *, keyspace: Keyspace, tail: Tail, clock: Clock) -> None:
        self._keyspace = keyspace
        self._tail = tail
        self._clock = clock
        self._next_at: int | None = None
        self._changed = asyncio.Event()
        self._position = 0

    async def start(self) -> None:
        """Take up the earliest instant that the store holds."""
        self._position = self._tail.head
        self._next_at = await self._keyspace.next_expiry()

    async def run(self) -> None:
        """Record expiries until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follow(), name="expiry-follow")
            tasks.create_task(self._fire(), name="expiry-fire")

    async def _follow(self) -> None:
        async for batch in self._tail.follow(self._position, kinds=frozenset((KvPut.kind,))):
            for entry in batch:
                if isinstance(fact := entry.fact, KvPut) and fact.expires_at:
                    self._expect(fact.expires_at)

    async def _fire(self) -> None:
        while True:
            self._changed.clear()
            await self._clock.wait_until(self._next_at, self._changed)
            if self._next_at is not None and self._next_at <= self._clock.now_us():
                self._next_at = None  # what is put meanwhile sets it again
                self._expect(await self._record())

    def _expect(self, at: int | None) -> None:
        if at is not None and (self._next_at is None or at < self._next_at):
            self._next_at = at
            self._changed.set()

    async def _record(self) -> int | None:
        """Record what is due; when to look again."""
        try:
            return await self._keyspace.expire_due()
        except (StorageError, IronflowError) as error:
            log.warning("expiries could not be recorded, trying again", error=str(error))
            return self._clock.now_us() + RETRY_US
