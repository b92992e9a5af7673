"""SQL projections: a statement for each event writes a table of the projection's own.

The table keeps for itself how far it has come, so that a statement is in it once, though table and cursor are not one
write: where the cursor is behind, the table leaves out what it has. An event whose statement fails stops the
projection, or is skipped and recorded, as the definition says.
"""

from __future__ import annotations

from app.errors import FailedPrecondition
from app.history.kinds import ProjectionRebuilding
from app.projections.feed import Batch
from app.projections.leases import Lease
from app.projections.noun import Generation, Projection
from app.projections.runners import Runner
from app.projections.service import Projections
from app.projections.statements import Statements
from storage.projections import Key

LOST = "its table was lost"


class TableRunner(Runner):
    def __init__(self, projections: Projections, key: Key, generation: Generation) -> None:
        super().__init__(projections, key)
        assert generation.definition.table is not None
        self._statements = Statements(generation.definition.table)

    async def begin(self, projection: Projection) -> None:
        """Raises FailedPrecondition where the table was lost: then it is built anew."""
        generation = projection.generation(self._key.generation)
        if generation is None:
            return
        reached = await self._projections.tables.ensure(self._key, self._statements, after=generation.after)
        _, cursor = await self._projections.feed.reached(projection, generation)
        if cursor is not None and cursor.position > reached:
            await self._projections.registry.change(self._key.environment, self._key.name, _rebuilding)
            raise FailedPrecondition(f"{self._key.name}: {LOST}, and is built anew")

    async def fold(self, projection: Projection, lease: Lease, batch: Batch) -> None:
        left, through = list(batch.events), max(batch.through, batch.events[-1].position)
        while True:
            written = await self._projections.tables.write(self._key, self._statements.of(left), through=through)
            reached = [one for one in left if one.position <= written.position]
            await self._projections.save(
                projection,
                lease.fence,
                (),
                position=written.position,
                last_event_id=reached[-1].fact.id if reached else "",
            )
            if not written.failed:
                return
            failed = next(one for one in left if one.position == written.failed)
            if not await self.goes_on(failed, written.error):
                await self.stop_at(failed, written.error)
                return
            left = [one for one in left if one.position > written.failed]

    async def end(self) -> None:
        await self._projections.tables.drop(self._key)


def _rebuilding(known: Projection) -> list[ProjectionRebuilding]:
    return [] if known.building is not None else [ProjectionRebuilding(known.generations + 1, 0, LOST)]
