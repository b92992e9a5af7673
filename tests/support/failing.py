"""A store that does as the real one does, until it is told to fail."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from storage.contract import Storage, StorageError, StorageUnavailable, Transaction
from storage.records import EntryRecord

T = TypeVar("T")


class Failing:
    """Raises `error` for whatever is asked, `read_error` for reads, `write_error` for writes, and refuses to append an
    entry whose data contain `poison`.

    `lose_answer` makes the store go away in the middle of the next commit, which then happened (True) or not (False).
    `refused` is set whenever something was refused.
    """

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self.error: Exception | None = None
        self.read_error: Exception | None = None
        self.write_error: Exception | None = None
        self.poison = ""
        self.lose_answer: bool | None = None
        self.refused = asyncio.Event()

    @property
    def opened(self) -> Storage:
        """The real one."""
        return self._storage

    def __getattr__(self, name: str) -> Any:
        return getattr(self._storage, name)

    async def read(self, work: Callable[[Transaction], T]) -> T:
        self._refuse(self.read_error)
        return await self._storage.read(work)

    async def read_once(self, work: Callable[[Transaction], T]) -> T:
        self._refuse(self.read_error)
        return await self._storage.read_once(work)

    async def write(self, work: Callable[[Transaction], T]) -> T:
        self._refuse(self.write_error)
        happens, self.lose_answer = self.lose_answer, None
        if happens is None:
            return await self._storage.write(lambda tx: work(_Poisoned(tx, self.poison)))

        def cut_off(tx: Transaction) -> None:
            work(tx)
            if not happens:
                raise StorageUnavailable("gone")

        self.error = StorageUnavailable("gone")
        try:
            await self._storage.write(cut_off)
        finally:
            self.refused.set()
        raise self.error

    def _refuse(self, error: Exception | None = None) -> None:
        if error := self.error or error:
            self.refused.set()
            raise error


class _Poisoned:
    def __init__(self, tx: Transaction, poison: str) -> None:
        self._tx = tx
        self._poison = poison

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tx, name)

    def append(self, entries: Sequence[EntryRecord]) -> None:
        if self._poison and any(self._poison in entry.data for entry in entries):
            raise StorageError("refused")
        self._tx.append(entries)
