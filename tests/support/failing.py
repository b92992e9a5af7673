"""A store that does as the real one does, until it is told to fail."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from storage.contract import Storage, StorageError, Transaction
from storage.records import EntryRecord

T = TypeVar("T")


class Failing:
    """Raises `error` for whatever is asked, and refuses to append an entry whose data contain `poison`."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self.error: Exception | None = None
        self.poison = ""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._storage, name)

    async def read(self, work: Callable[[Transaction], T]) -> T:
        if self.error:
            raise self.error
        return await self._storage.read(work)

    async def write(self, work: Callable[[Transaction], T]) -> T:
        if self.error:
            raise self.error
        return await self._storage.write(lambda tx: work(_Poisoned(tx, self.poison)))


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
