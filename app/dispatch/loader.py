"""Reads what executions need, for many at a time: what is asked for while one read is under way goes with the next.

Ten thousand runs that wake in one second are some hundred reads and no task of their own; a run that wakes alone waits
for nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from app.runs import memo
from app.runs.memo import Long, Memos, Wanted
from storage.contract import Storage, StorageError

TOGETHER_MAX = 200

Loaded = Callable[["Memos | None", "StorageError | None"], None]
"""Called in the event loop with what `memo.load` returns, or with why it could not be read."""


class Loader:
    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._asked: list[tuple[Wanted, Loaded]] = []
        self._wake = asyncio.Event()

    def load(self, wanted: Wanted, then: Loaded) -> None:
        """As `memo.load`, told to `then`. `run` must be running."""
        self._asked.append((wanted, then))
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

    async def _read(self, together: list[tuple[Wanted, Loaded]], alone: asyncio.TaskGroup) -> None:
        wanted = [one for one, _ in together]
        try:
            found = await self._storage.read(lambda tx: memo.load_many(tx, wanted))
        except StorageError as error:
            for _, then in together:
                then(None, error)
            return
        for (one, then), memos in zip(together, found, strict=True):
            if isinstance(memos, Long):
                alone.create_task(self._read_alone(one, then), name="dispatch-long")
            else:
                then(memos, None)

    async def _read_alone(self, wanted: Wanted, then: Loaded) -> None:
        try:
            memos = await self._storage.read(lambda tx: memo.load(tx, wanted))
        except StorageError as error:
            then(None, error)
        else:
            then(memos, None)
