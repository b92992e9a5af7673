"""What was changed of the schemas of an event, as history tells it: also of versions that are deleted."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from app.errors import RevisionNotFound, SchemaNotFound
from app.events.schema_noun import stream
from app.history import revisions
from app.history.entry import Entry
from app.history.kinds import SchemaDeleted, SchemaRegistered
from storage import history
from storage.contract import Storage, Transaction

KINDS = (SchemaRegistered.kind, SchemaDeleted.kind)

Versions = Callable[[str, str], Sequence[int]]


class Revision(msgspec.Struct, frozen=True):
    """A change of a version's schema: created, updated or deleted. Its number is its position in history, so that the
    changes of all versions of an event are in one order. `before` is what it replaced or ended."""

    number: int
    change: str
    before: SchemaRegistered | None
    reason: str
    entry: Entry


class SchemaRevisions:
    def __init__(self, storage: Storage, versions: Versions) -> None:
        """`versions` tells those that an event of an environment ever had."""
        self._storage = storage
        self._versions = versions

    async def list(
        self, environment: str, event_name: str, version: int = 0, *, before: int = 0, limit: int
    ) -> Sequence[Revision]:
        """Of one version, or of all; the newest first, those before a number if one is given. Raises SchemaNotFound if
        there never was one."""
        known = [one for one in self._versions(environment, event_name) if version in (0, one)]
        if not known:
            raise SchemaNotFound(f"{event_name[:80]!r} never had that schema", hint="`ironflow schema list`")
        until = before or history.END

        def read(tx: Transaction) -> Sequence[Revision]:
            found: list[Revision] = []
            for one in known:
                pairs = revisions.changes(tx, environment, stream(event_name, one), KINDS, before=until, limit=limit)
                found += [_revision(*pair) for pair in pairs]
            return sorted(found, key=lambda revision: -revision.number)[:limit]

        return await self._storage.read(read)

    async def get(self, environment: str, event_name: str, version: int, number: int) -> Revision:
        """Raises SchemaNotFound, RevisionNotFound."""
        for one in await self.list(environment, event_name, version, before=number + 1, limit=1):
            if one.number == number:
                return one
        raise RevisionNotFound(
            f"the schemas of {event_name[:80]} have no revision {number}",
            hint="ListSchemaHistory shows those there are",
        )


def _revision(entry: Entry, older: Entry | None) -> Revision:
    fact, known = entry.fact, older.fact if older is not None else None
    assert isinstance(fact, SchemaRegistered | SchemaDeleted)
    before = known if isinstance(known, SchemaRegistered) else None
    change = "deleted" if isinstance(fact, SchemaDeleted) else "created" if before is None else "updated"
    return Revision(entry.position, change, before, fact.reason, entry)
