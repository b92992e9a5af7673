"""Waiting for runs to come to rest: for synchronous triggers and `?wait=`. A follower of the tail."""

from __future__ import annotations

import asyncio

from app.history.entry import Entry
from app.history.kinds import RunCancelled, RunCompleted, RunFailed, RunPaused
from app.history.tail import Tail
from app.runs.state import TERMINAL
from storage import runs
from storage.contract import Storage

LATELY_MAX = 5_000
LATELY_BYTES_MAX = 16 * 2**20

_RESTED = frozenset((RunCompleted.kind, RunFailed.kind, RunCancelled.kind, RunPaused.kind))

Key = tuple[str, str]
"""Environment and run id."""


class Waits:
    def __init__(self, *, storage: Storage, tail: Tail) -> None:
        self._storage = storage
        self._tail = tail
        self._waiting: dict[Key, set[asyncio.Future[Entry]]] = {}
        self._lately: dict[Key, Entry] = {}
        self._lately_bytes = 0

    async def run(self) -> None:
        """Wake waiters until cancelled, before others follow: a caller waits for the answer."""
        async for batch in self._tail.follow(self._tail.head, kinds=_RESTED, first=True):
            for entry in batch:
                self._rested((entry.environment, entry.stream[4:]), entry)

    async def until_ended(self, environment: str, run_id: str, timeout_s: float) -> bool:
        """True once the run is completed, failed, cancelled or paused; False if the time was over first.

        An unknown run never comes to rest.
        """
        key = (environment, run_id)
        waiter = self._register(key)
        try:
            row = await self._storage.read_once(lambda tx: runs.get(tx, environment, run_id))
            if row is not None and (row.status in TERMINAL or row.status == "paused"):
                return True
            return await _within(waiter, timeout_s) is not None
        finally:
            self._unregister(key, waiter)

    async def outcome(self, environment: str, run_id: str, timeout_s: float) -> Entry | None:
        """The entry by which a run came to rest, or None if the time was over first. Only for a run that this process
        created just now: the store is not asked."""
        key = (environment, run_id)
        known = self._lately.get(key)
        if known is not None:
            return known
        waiter = self._register(key)
        try:
            return await _within(waiter, timeout_s)
        finally:
            self._unregister(key, waiter)

    def _rested(self, key: Key, entry: Entry) -> None:
        for waiter in self._waiting.pop(key, ()):
            if not waiter.done():
                waiter.set_result(entry)
        again = self._lately.pop(key, None)  # one that was paused and resumed
        self._lately_bytes += len(entry.data) - (len(again.data) if again else 0)
        self._lately[key] = entry
        while len(self._lately) > LATELY_MAX or self._lately_bytes > LATELY_BYTES_MAX:
            oldest = self._lately.pop(next(iter(self._lately)))
            self._lately_bytes -= len(oldest.data)

    def _register(self, key: Key) -> asyncio.Future[Entry]:
        waiter: asyncio.Future[Entry] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(key, set()).add(waiter)
        return waiter

    def _unregister(self, key: Key, waiter: asyncio.Future[Entry]) -> None:
        left = self._waiting.get(key)
        if left is not None:
            left.discard(waiter)
            if not left:
                del self._waiting[key]


async def _within(waiter: asyncio.Future[Entry], timeout_s: float) -> Entry | None:
    try:
        async with asyncio.timeout(timeout_s):
            return await waiter
    except TimeoutError:
        return None
