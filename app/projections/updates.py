"""Live updates: the state of a partition as it is saved, for who follows system.projection.<name>.<partition>.updated.

They are told as they happen and never again, since a state is no entry of history; what comes quickly is told as one.
On one node its runners' saves say when; what another node has saved is found by looking, while anybody follows.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from functools import partial

import msgspec
import structlog

from app.clock import Clock
from app.history.channels import SYSTEM, Channel
from app.history.entry import Entry
from app.history.kinds import EventEmitted
from app.history.kinds.projection import ProjectionUpdated
from app.history.live import Live
from app.listening import listening
from app.patterns import Pattern
from app.projections.definition import GLOBAL
from app.projections.noun import Generation, Projection, stream
from app.projections.service import Projections
from app.projections.states import Saved
from storage import history, projections
from storage.contract import Storage, StorageError, Transaction
from storage.projections import Key, ProjectionStateRow
from storage.records import EntryRecord

log = structlog.get_logger(__name__)

PACE_S = 0.05
RECHECK_S = 0.5
WAITING_MAX = 10_000
"""Partitions that are waiting to be told; of more, those that changed first are left out."""
FOUND_MAX = 1_000

_CHANNEL = (SYSTEM, "projection")


class Updates:
    def __init__(self, *, projections: Projections, live: Live, storage: Storage, clock: Clock) -> None:
        self._projections = projections
        self._live = live
        self._storage = storage
        self._clock = clock
        self._waiting: dict[tuple[Key, str], Saved] = {}
        self._told: dict[Key, int] = {}
        self._number = 0
        projections.watch_saves(self._saved)

    def _saved(self, projection: Projection, generation: Generation, saved: Sequence[Saved]) -> None:
        if generation.number != projection.serving.number:
            return
        key = projection.key(generation)
        for one in saved:
            partition = one.partition or GLOBAL
            if self._live.wants(key.environment, _channel(key.name, partition)):
                self._waiting[key, partition] = one
            self._told[key] = max(self._told.get(key, 0), one.position)
        while len(self._waiting) > WAITING_MAX:
            del self._waiting[next(iter(self._waiting))]

    async def run(self) -> None:
        """Tell what changes until cancelled."""
        alone = self._storage.dialect == "sqlite"
        while True:
            with listening(self._projections.waits.next_move.wait()) as first:
                waiting, self._waiting = self._waiting, {}
                try:
                    await self._tell(waiting)
                    if not alone:
                        await self._tell(await self._found())
                except StorageError as error:
                    log.warning("an update of a projection was not told", reason=str(error))
                await asyncio.sleep(PACE_S)
                await first(None if alone else RECHECK_S)

    async def _tell(self, changed: dict[tuple[Key, str], Saved]) -> None:
        if not changed:
            return
        positions = {one.position for one in changed.values()}
        names = await self._storage.read(lambda tx: _names(tx, positions))
        for (key, partition), one in changed.items():
            fact = ProjectionUpdated(
                f"upd_{key.name}.{partition}.{one.position}",
                partition,
                msgspec.Raw(one.state),
                one.last_event_id,
                names.get(one.position, ""),
            )
            self._live.notify(self._notice(key, fact))

    def _notice(self, key: Key, fact: ProjectionUpdated) -> Entry:
        self._number += 1
        record = EntryRecord(
            position=self._live.position,
            environment=key.environment,
            stream=stream(key.name),
            version=self._number,
            kind=fact.kind,
            data=bytes(fact.state).decode(),
            metadata="{}",
            actor="",
            correlation="",
            causation="",
            recorded_at=self._clock.now_us(),
            digest=b"",
        )
        return Entry(record, fact)

    async def _found(self) -> dict[tuple[Key, str], Saved]:
        """What other nodes have saved."""
        found: dict[tuple[Key, str], Saved] = {}
        followed = self._live.patterns(_CHANNEL)
        for projection in self._projections.registry.everything() if followed else ():
            if not any(where == projection.environment and _may_fit(one, projection.name) for where, one in followed):
                continue
            key = projection.key()
            rows, self._told[key] = await self._storage.read(partial(_changed, key=key, after=self._told.get(key)))
            for row in rows:
                if self._live.wants(key.environment, _channel(key.name, row.partition_key)):
                    one = Saved(row.partition_key, row.state.encode(), row.last_event_id, row.position)
                    found[key, row.partition_key] = one
        return found


def _channel(name: str, partition: str) -> Channel:
    return (*_CHANNEL, name, partition, "updated")


def _may_fit(pattern: Pattern, name: str) -> bool:
    """Whether the pattern could be for a channel of that projection."""
    for wanted, segment in zip(pattern.segments, (*_CHANNEL, name), strict=False):
        if wanted == ">":
            return True
        if wanted not in ("*", segment):
            return False
    return True


def _names(tx: Transaction, positions: Iterable[int]) -> dict[int, str]:
    """The names of the events at these positions."""
    found = {}
    for position in positions:
        record = history.at(tx, position)
        if record is not None and record.kind == EventEmitted.kind:
            fact = Entry(record).fact
            assert isinstance(fact, EventEmitted)
            found[position] = fact.name
    return found


def _changed(tx: Transaction, *, key: Key, after: int | None) -> tuple[Sequence[ProjectionStateRow], int]:
    """States that have an event after a position, and how far the projection has come; none where it is new here."""
    cursor = projections.cursor(tx, key)
    reached = cursor.position if cursor is not None else 0
    if after is None or reached <= after:
        return (), max(reached, after or 0)
    rows = projections.changed_states(tx, key, after=after, limit=FOUND_MAX)
    return rows, rows[-1].position if len(rows) == FOUND_MAX else reached
