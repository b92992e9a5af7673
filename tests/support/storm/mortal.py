"""`ironflow`, with a server that can be made to die between a commit and the answer to those who wait for it.

While the file that `MORTAL_FILE` names is there, the next transaction that appends to history is the last: the process
is killed as soon as it is committed. If the file says a kind of entry, it is the next that appends one of that kind;
with `within:` before the kind, it is killed inside that transaction.
`ServerProcess(module=MORTAL, …)` starts it.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import app.__main__
import storage as stores
from storage.contract import Storage, Transaction
from storage.records import EntryRecord

T = TypeVar("T")


class Mortal:
    """A store that does as the real one does, and dies after a commit."""

    def __init__(self, storage: Storage, file: Path) -> None:
        self._storage = storage
        self._file = file

    def __getattr__(self, name: str) -> Any:
        return getattr(self._storage, name)

    async def write(self, work: Callable[[Transaction], T]) -> T:
        watched: list[_Watched] = []

        def watch(tx: Transaction) -> T:
            watched.append(_Watched(tx, self._file))
            return work(watched[-1])

        result = await self._storage.write(watch)
        if watched[-1].kinds and self._file.exists():
            kind = self._file.read_text()
            if not kind or kind in watched[-1].kinds:
                _die()
        return result


class _Watched:
    def __init__(self, tx: Transaction, file: Path) -> None:
        self._tx = tx
        self._file = file
        self.kinds: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tx, name)

    def append(self, entries: Sequence[EntryRecord]) -> None:
        self.kinds.update(entry.kind for entry in entries)
        self._tx.append(entries)
        if self._file.exists() and self._file.read_text() in {f"within:{kind}" for kind in self.kinds}:
            _die()


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _install(file: Path) -> None:
    """Before the server opens its store, with the function that it finds there."""
    real = stores.open_storage

    async def opened(location: str, sql: Path) -> Any:
        return Mortal(await real(location, sql), file)

    stores.open_storage = opened


def main() -> None:
    _install(Path(os.environ["MORTAL_FILE"]))
    app.__main__.main()
