"""Event schemas as nouns of history: `schema/<name>/<version>`, and `enforcement/events` once an environment."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from app.history.entry import Entry
from app.history.kinds import EnforcementSet, SchemaDeleted, SchemaRegistered
from storage import schemas
from storage.contract import Transaction
from storage.records import EnforcementRow, SchemaRow

ENFORCEMENT = "enforcement/events"


def stream(event_name: str, version: int) -> str:
    return f"schema/{event_name}/{version}"


class SchemaNoun:
    """The state is the row."""

    prefix = "schema"

    def apply(self, state: SchemaRow | None, entry: Entry) -> SchemaRow:
        at, position = entry.recorded_at, entry.position
        match entry.fact:
            case SchemaRegistered() as fact:
                new = state is None or state.deleted_at is not None
                created_at = at if new or state is None else state.created_at
                return SchemaRow(
                    entry.environment,
                    fact.event_name,
                    fact.version,
                    fact.schema,
                    fact.description,
                    created_at,
                    at,
                    None,
                    position,
                )
            case SchemaDeleted():
                assert state is not None, f"{entry} deletes what was not there"
                return state._replace(deleted_at=at, updated_at=at, position=position)
            case _:
                raise AssertionError(f"{entry} does not belong to a schema")

    def changed_at(self, state: SchemaRow) -> int:
        return state.position

    def row(self, state: SchemaRow) -> SchemaRow:
        return state

    def keep(self, state: SchemaRow) -> bool:
        return False

    def save(self, tx: Transaction, rows: Sequence[SchemaRow]) -> None:
        schemas.save(tx, rows)

    def clear(self, tx: Transaction) -> None:
        schemas.clear(tx)

    def rows(self, tx: Transaction) -> Iterable[SchemaRow]:
        return schemas.everything(tx)


class EnforcementNoun:
    """The state is the row."""

    prefix = "enforcement"

    def apply(self, state: EnforcementRow | None, entry: Entry) -> EnforcementRow:
        fact = entry.fact
        assert isinstance(fact, EnforcementSet), f"{entry} does not belong to an enforcement"
        return EnforcementRow(entry.environment, fact.mode, entry.recorded_at, entry.position)

    def changed_at(self, state: EnforcementRow) -> int:
        return state.position

    def row(self, state: EnforcementRow) -> EnforcementRow:
        return state

    def keep(self, state: EnforcementRow) -> bool:
        return False

    def save(self, tx: Transaction, rows: Sequence[EnforcementRow]) -> None:
        schemas.save_enforcement(tx, rows)

    def clear(self, tx: Transaction) -> None:
        schemas.clear_enforcement(tx)

    def rows(self, tx: Transaction) -> Iterable[EnforcementRow]:
        return schemas.enforcement(tx)
