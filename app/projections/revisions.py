"""The definitions that a projection has had, as history tells them: also of one that is deleted."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from app.errors import ProjectionNotFound, RevisionNotFound
from app.history import revisions
from app.history.entry import Entry
from app.history.kinds import ProjectionDefinition, ProjectionDeleted, ProjectionRegistered
from app.projections.noun import stream
from storage import history
from storage.contract import Storage, Transaction

KINDS = (ProjectionRegistered.kind, ProjectionDeleted.kind)


class Revision(msgspec.Struct, frozen=True):
    """A change of the definition: created, updated or deleted. `before` is the definition that it replaced or ended."""

    number: int
    change: str
    before: ProjectionDefinition | None
    reason: str
    entry: Entry


class Revisions:
    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def list(self, environment: str, name: str, *, before: int = 0, limit: int) -> Sequence[Revision]:
        """The newest first, those before a number if one is given. Raises ProjectionNotFound if there never was one."""

        def read(tx: Transaction) -> Sequence[Revision]:
            until = history.END
            if before:
                found = history.version_of_stream(tx, environment, stream(name), before)
                until = found.position if found is not None else history.END
            return _read(tx, environment, name, before=until, limit=limit)

        found = await self._storage.read(read)
        if not found and not before:
            raise ProjectionNotFound(f"there never was a projection {name[:80]!r}")
        return found

    async def get(self, environment: str, name: str, number: int) -> Revision:
        """Raises RevisionNotFound."""

        def read(tx: Transaction) -> Sequence[Revision]:
            found = history.version_of_stream(tx, environment, stream(name), number)
            if found is None or found.kind not in KINDS:
                return ()
            return _read(tx, environment, name, before=found.position + 1, limit=1)

        for one in await self._storage.read(read):
            return one
        raise RevisionNotFound(
            f"{name[:80]} has no revision {number}", hint="ListProjectionHistory shows those there are"
        )


def _read(tx: Transaction, environment: str, name: str, *, before: int, limit: int) -> Sequence[Revision]:
    pairs = revisions.changes(tx, environment, stream(name), KINDS, before=before, limit=limit)
    return [_revision(entry, older) for entry, older in pairs]


def _revision(entry: Entry, older: Entry | None) -> Revision:
    fact, known = entry.fact, older.fact if older is not None else None
    assert isinstance(fact, ProjectionRegistered | ProjectionDeleted)
    before = known.definition if isinstance(known, ProjectionRegistered) else None
    change = "deleted" if isinstance(fact, ProjectionDeleted) else "created" if before is None else "updated"
    return Revision(entry.version, change, before, fact.reason, entry)
