"""Reads what executions need, for many at a time: what is asked for while one read is under way goes with the next.

Ten thousand runs that wake in one second are some hundred reads, and a run that wakes alone waits for nothing.
"""

from __future__ import annotations

import asyncio

from app.runs import memo
from app.runs.memo import Long, Memos, Wanted
from storage.contract import Storage, StorageError

TOGETHER_MAX = 200

_Answer = asyncio.Future["Memos | Long | None"]


class Loader:
    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._asked: list[tuple[Wanted, _Answer]] = []
        self._wake = asyncio.Event()

    async def load(self, wanted: Wanted) -> Memos | None:
        """As `memo.load`. `run` must be running. Raises StorageError."""
        answer: _Answer = asyncio.get_running_loop().create_future()
        self._asked.append((wanted, answer))
        self._wake.set()
        found = await answer
        if isinstance(found, Long):
            return await self._storage.read(lambda tx: memo.load(tx, wanted))
        return found

    async def run(self) -> None:
        """Read until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._asked:
                together, self._asked = self._asked[:TOGETHER_MAX], self._asked[TOGETHER_MAX:]
                await self._read(together)

    async def _read(self, together: list[tuple[Wanted, _Answer]]) -> None:
        wanted = [one for one, _ in together]
        try:
            found = await self._storage.read(lambda tx: memo.load_many(tx, wanted))
        except StorageError as error:
            for _, answer in together:
                if not answer.done():
                    answer.set_exception(error)
            return
        for (_, answer), memos in zip(together, found, strict=True):
            if not answer.done():
                answer.set_result(memos)
