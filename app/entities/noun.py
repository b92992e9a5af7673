"""Entities as a noun of history: an `entity/<type>/<id>` stream holds the entity's events, and at its end maybe its
deletion; the version of an event is that of its entry. What the server keeps of an entity is its row: what the events
mean is for their users to fold.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from app.events.noun import row_of
from app.history.entry import Entry
from app.history.fold import Restored
from app.history.kinds import EntityDeleted, EventEmitted
from app.history.kinds.entity import entity_of
from storage import entities, events
from storage.contract import Transaction
from storage.records import EntityRow, EventRow


class Entity(msgspec.Struct):
    """Instants in µs. `unlisted` are rows for the list of events that were not saved yet."""

    environment: str
    type: str
    id: str
    version: int
    event_count: int
    created_at: int
    updated_at: int
    deleted_at: int | None
    position: int
    unlisted: list[EventRow] = msgspec.field(default_factory=list)

    @property
    def row(self) -> EntityRow:
        return EntityRow(
            self.environment,
            self.type,
            self.id,
            self.version,
            self.event_count,
            self.created_at,
            self.updated_at,
            self.deleted_at,
            self.position,
        )


class EntityNoun:
    prefix = "entity"

    def apply(self, state: Entity | None, entry: Entry) -> Entity:
        if state is None:
            entity = entity_of(entry.stream)
            assert entity is not None, f"{entry} does not belong to an entity"
            state = Entity(entry.environment, *entity, 0, 0, entry.recorded_at, entry.recorded_at, None, 0)
        match entry.fact:
            case EventEmitted():
                state.event_count += 1
                state.unlisted.append(row_of(entry))
            case EntityDeleted():
                state.deleted_at = entry.recorded_at
            case _:
                raise AssertionError(f"{entry} does not belong to an entity")
        state.version, state.updated_at, state.position = entry.version, entry.recorded_at, entry.position
        return state

    def restore(self, tx: Transaction, environment: str, stream: str) -> Restored | None:
        type, id = entity_of(stream) or ("", "")
        row = entities.get(tx, environment, type, id)
        return Restored(Entity(*row), row.version, row.position) if row else None

    def changed_at(self, state: Entity) -> int:
        return state.position

    def row(self, state: Entity) -> Entity:
        return state

    def keep(self, state: Entity) -> bool:
        return state.deleted_at is None

    def save(self, tx: Transaction, rows: Sequence[Entity]) -> None:
        """The entities' rows, and those of their new events. The snapshots of a deleted entity go."""
        entities.save(tx, [entity.row for entity in rows])
        events.save(tx, [event for entity in rows for event in entity.unlisted])
        for entity in rows:
            entity.unlisted.clear()
            if entity.deleted_at is not None:
                entities.drop_snapshots(tx, entity.environment, entity.type, entity.id)

    def clear(self, tx: Transaction) -> None:
        entities.clear(tx)

    def rows(self, tx: Transaction) -> Iterable[EntityRow]:
        return entities.everything(tx)
