"""Snapshots: what a client folded an entity to at a version, kept so that it need not fold from the start again.

They are no part of history and nothing is derived from them; deleting an entity drops them.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from app import jsonvalue
from app.clock import Clock
from app.entities import names
from app.errors import InvalidArgument, SnapshotNotFound, StreamDeleted, StreamNotFound
from app.ids import Ids
from storage import entities, history
from storage.contract import Storage, Transaction
from storage.records import KeptSnapshot, SnapshotRow


class Snapshots(msgspec.Struct, frozen=True):
    storage: Storage
    clock: Clock
    ids: Ids

    async def save(self, environment: str, type: str, id: str, *, version: int, state: bytes) -> SnapshotRow:
        """Keep the state as of a version that the entity has reached; one of the same version is replaced.
        Raises StreamNotFound, StreamDeleted, InvalidArgument, PayloadTooLarge."""
        names.check_type(type)
        names.check_id(id)
        jsonvalue.check(state, field="state")
        now = self.clock.now_us()
        row = SnapshotRow(environment, type, id, version, self.ids.snapshot(), state.decode(), now)

        def work(tx: Transaction) -> None:
            history.lock(tx)  # so that the entity is not deleted in between
            entity = entities.get(tx, environment, type, id)
            if entity is None:
                raise StreamNotFound(f"nothing was appended to {type}/{id}")
            if entity.deleted_at is not None:
                raise StreamDeleted(f"{type}/{id} was deleted at version {entity.version}")
            if not 1 <= version <= entity.version:
                raise InvalidArgument(
                    f"entity_version {version} is out of range", field="entity_version", hint=f"1 to {entity.version}"
                )
            entities.save_snapshot(tx, row)

        await self.storage.write(work)
        return row

    async def find(self, environment: str, type: str, id: str, *, version: int = history.END) -> SnapshotRow | None:
        """The same, or None where no client has kept one."""
        return await self.storage.read(lambda tx: entities.newest_snapshot(tx, environment, type, id, version=version))

    async def kept(self, environment: str, type: str, id: str, *, limit: int) -> Sequence[KeptSnapshot]:
        """The versions that have a snapshot, newest first, without the states."""
        return await self.storage.read(lambda tx: entities.kept_snapshots(tx, environment, type, id, limit=limit))

    async def newest(self, environment: str, type: str, id: str, *, version: int = history.END) -> SnapshotRow:
        """The newest snapshot at or before a version. Raises SnapshotNotFound."""
        found = await self.find(environment, type, id, version=version)
        if found is None:
            at = "" if version == history.END else f" at or before version {version}"
            raise SnapshotNotFound(f"{type}/{id} has no snapshot{at}", hint="fold the stream from its first event")
        return found
