"""The failures nearest to a vector: by the database where it can compare vectors, else by the server itself, among the
newest."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import structlog

from app.search.embed import distance
from storage import failures
from storage.contract import Storage, StorageError, Transaction, VectorsUnavailable
from storage.failures import Near

log = structlog.get_logger(__name__)

SCANNED_MAX = 20_000
LOOK_EVERY = 5_000
"""Failures after which it is looked whether an index is worth it."""
EXACT, ITSELF = "exact", "scan"


class Nearness:
    """`how` is "exact" or "approximate", or "scan" with `why` if the database does not compare vectors."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._lock = asyncio.Lock()
        self._due = asyncio.Event()
        self._added = 0
        self.how = ""
        self.why = ""

    async def run(self) -> None:
        """Have the database build an index when there are many vectors, until cancelled."""
        while True:
            await self._due.wait()
            self._due.clear()
            if self.how == EXACT:
                await self._set_up(build=True)

    async def ready(self) -> None:
        """Have the database compare vectors, if it can: while there are none, for that is done in no time then."""
        if not self.how:
            async with self._lock:
                if not self.how:
                    await self._set_up(build=False)
                    self._due.set()

    def added(self, count: int) -> None:
        """So many failures have come."""
        self._added += count
        if self._added >= LOOK_EVERY:
            self._added = 0
            self._due.set()

    async def near(self, environment: str, embedder: str, vector: bytes, *, limit: int) -> Sequence[Near]:
        """Positions of failures and how far they are, nearest first. None without a direction."""
        if not any(vector):
            return ()
        await self.ready()
        if self.how in ("", ITSELF):
            return await self._storage.read(lambda tx: scan(tx, environment, embedder, vector, limit=limit))
        return await self._storage.read(lambda tx: failures.near(tx, environment, embedder, vector, limit=limit))

    async def _set_up(self, *, build: bool) -> None:
        try:
            self.how, self.why = await self._storage.index_vectors(build=build), ""
        except VectorsUnavailable as error:
            self.how, self.why = ITSELF, f"{error}; {error.hint}"
            log.warning("the database does not compare vectors", reason=self.why)
        except StorageError as error:  # an outage; the next who asks tries again
            log.warning("vectors could not be indexed", reason=str(error))


def scan(tx: Transaction, environment: str, embedder: str, vector: bytes, *, limit: int) -> Sequence[Near]:
    """The nearest among the newest SCANNED_MAX."""
    found: list[Near] = []
    before, left = failures.LAST, SCANNED_MAX
    while left > 0 and (page := failures.vectors(tx, environment, embedder, before=before, limit=min(left, 2_000))):
        found += (Near(row.position, distance(vector, row.vector)) for row in page)
        found = sorted(found, key=lambda near: near.distance)[:limit]
        before, left = page[-1].position, left - len(page)
    return found
