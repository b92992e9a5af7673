"""What a run's failure resembles: its group, the failures nearest to it, and what helped then."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec

from app.clock import Clock
from app.errors import InvalidArgument, NotFound
from app.runs.reading import RunReader
from app.search.collect import Collector
from app.search.embedder import Embedder
from app.search.groups import Group, load
from app.search.near import Nearness
from app.search.repairs import Repairs, repairs
from storage import failures, runs
from storage.contract import Storage, Transaction
from storage.failures import FailureRow, FailureVectorRow, Near
from storage.records import RunRow

LIMIT_DEFAULT = 10
LIMIT_MAX = 100
CATCH_UP_S = 2.0
SURPLUS = 5
"""So many times more failures are asked for than runs are wanted: one run may have failed several times."""


class NotFailed(NotFound):
    """The run has not failed."""

    code = "RUN_NOT_FAILED"


class Neighbour(msgspec.Struct, frozen=True):
    """A failure that is near, 1 being the same; `status` is that of its run now."""

    failure: FailureRow
    similarity: float
    status: str


class SimilarRuns(msgspec.Struct, frozen=True):
    """`repairs` are those of the group, or, if there are none, of the nearest group that has some (`repairs_of`).
    `how` says how the neighbours were found, and `why` not better."""

    failure: FailureRow
    group: Group
    neighbours: Sequence[Neighbour]
    repairs: Sequence[Repairs]
    repairs_of: str
    how: str
    why: str


class Similar:
    def __init__(
        self,
        *,
        storage: Storage,
        reader: RunReader,
        collector: Collector,
        embedder: Embedder,
        nearness: Nearness,
        clock: Clock,
    ) -> None:
        self._storage = storage
        self._reader = reader
        self._collector = collector
        self._embedder = embedder
        self._nearness = nearness
        self._clock = clock

    async def of_run(self, environment: str, run_id: str, *, limit: int = LIMIT_DEFAULT) -> SimilarRuns:
        """For the run's last failure. Raises RunNotFound, NotFailed, InvalidArgument."""
        if not 1 <= limit <= LIMIT_MAX:
            raise InvalidArgument(f"limit {limit} is out of range", field="limit", hint=f"1 to {LIMIT_MAX}")
        run = await self._reader.row(environment, run_id)
        failure, vector = await self._failure(environment, run)
        near = await self._nearness.near(environment, vector.embedder, vector.vector, limit=limit * SURPLUS)
        now = self._clock.now_us()
        return await self._storage.read(lambda tx: self._answer(tx, environment, failure, near, limit, now))

    async def to_text(self, environment: str, text: str, *, limit: int) -> Sequence[Neighbour]:
        """Failures nearest to a text."""
        embedder, vector = await self._embedder.embed_text(text)
        near = await self._nearness.near(environment, embedder, vector, limit=limit * SURPLUS)
        return await self._storage.read(lambda tx: _neighbours(tx, environment, near, "", limit))

    async def _failure(self, environment: str, run: RunRow) -> tuple[FailureRow, FailureVectorRow]:
        """A run may have failed just now: its failure is waited for a little."""
        if run.error_message or run.status in ("failed", "paused"):
            try:
                async with asyncio.timeout(CATCH_UP_S):
                    await self._collector.reached(run.position)
            except TimeoutError:
                pass  # what is known by now will have to do
        known = await self._storage.read(lambda tx: _last(tx, environment, run.id))
        if known is None:
            raise NotFailed(
                f"{run.id} has not failed: it is {run.status}", hint="`ironflow failures list` shows what has"
            )
        return known

    def _answer(
        self, tx: Transaction, environment: str, failure: FailureRow, near: Sequence[Near], limit: int, now: int
    ) -> SimilarRuns:
        neighbours = _neighbours(tx, environment, near, failure.run_id, limit)
        found: Sequence[Repairs] = ()
        repairs_of = ""
        for fingerprint in dict.fromkeys((failure.fingerprint, *(one.failure.fingerprint for one in neighbours))):
            found = repairs(tx, environment, fingerprint, but=failure.run_id)
            if found:
                repairs_of = fingerprint
                break
        group = load(tx, environment, failure.fingerprint, now=now)
        return SimilarRuns(failure, group, neighbours, found, repairs_of, self._nearness.how, self._nearness.why)


def _last(tx: Transaction, environment: str, run_id: str) -> tuple[FailureRow, FailureVectorRow] | None:
    rows = failures.of_run(tx, environment, run_id, limit=1)
    vector = failures.vector(tx, environment, rows[0].position) if rows else None
    return (rows[0], vector) if vector is not None else None


def _neighbours(tx: Transaction, environment: str, near: Sequence[Near], but: str, limit: int) -> Sequence[Neighbour]:
    """One for each run, without that of which they are neighbours."""
    found: dict[str, Neighbour] = {}
    for position, distance in near:
        row = failures.at(tx, environment, position)
        if row is not None and row.run_id != but and row.run_id not in found:
            run = runs.get(tx, environment, row.run_id)
            found[row.run_id] = Neighbour(row, round(1 - distance, 4), run.status if run else "")
            if len(found) == limit:
                break
    return list(found.values())
