"""Reads what executions need, for many at a time: what is asked for while one read is under way goes with the next.

Ten thousand runs that wake in one second are some hundred reads and no task of their own; a run that wakes alone waits
for nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import msgspec

from app.runs import memo
from app.runs.memo import Long, Memos, Wanted
from storage.contract import Storage, StorageError

TOGETHER_MAX = 200

Loaded = Callable[["Memos | None", "StorageError | None"], None]
"""Called in the event loop with what `memo.load` returns, or with why it could not be read."""


class _Asked(msgspec.Struct, frozen=True):
    wanted: Wanted
    then: Loaded


class Loader:
    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._asked: list[_Asked] = []
        self._wake = asyncio.Event()

    def load(self, wanted: Wanted, then: Loaded) -> None:
        """As `memo.load`, told to `then`. `run` must be running."""
        self._asked.append(_Asked(wanted, then))
        self._wake.set()

    async def run(self) -> None:
        """Read until cancelled."""
        async with asyncio.TaskGroup() as alone:
            while True:
                await self._wake.wait()
                self._wake.clear()
                while self._asked:
                    together, self._asked = self._asked[:TOGETHER_MAX], self._asked[TOGETHER_MAX:]
                    await self._read(together, alone)

    async def _read(self, together: Sequence[_Asked], alone: asyncio.TaskGroup) -> None:
        wanted = [asked.wanted for asked in together]
        try:
            found = await self._storage.read(lambda tx: memo.load_many(tx, wanted))
        except StorageError as error:
            for asked in together:
                asked.then(None, error)
            return
        for asked, memos in zip(together, found, strict=True):
            if isinstance(memos, Long):
                alone.create_task(self._read_alone(asked.wanted, asked.then), name="dispatch-long")
            else:
                asked.then(memos, None)

    async def _read_alone(self, wanted: Wanted, then: Loaded) -> None:
        try:
            memos = await self._storage.read(lambda tx: memo.load(tx, wanted))
        except StorageError as error:
            then(None, error)
        else:
            then(memos, None)
