"""Policies as nouns of history: `policy/<id>`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from app.access.policy import ACTIVE, DELETED, DISABLED
from app.history.entry import Entry
from app.history.kinds import PolicyChanged, PolicyCreated, PolicyDeleted, PolicyDisabled
from storage import policies
from storage.contract import Transaction
from storage.records import PolicyRow


def stream(id: str) -> str:
    return f"policy/{id}"


class PolicyNoun:
    """The state is the row."""

    prefix = "policy"

    def apply(self, state: PolicyRow | None, entry: Entry) -> PolicyRow:
        match entry.fact:
            case PolicyCreated() | PolicyChanged() as fact:
                new = state is None or state.status == DELETED
                return PolicyRow(
                    environment=entry.environment,
                    id=entry.stream.partition("/")[2],
                    name=fact.definition.name,
                    status=ACTIVE,
                    definition=msgspec.json.encode(fact.definition).decode(),
                    version=entry.version,
                    created_at=entry.recorded_at if new or state is None else state.created_at,
                    updated_at=entry.recorded_at,
                    updated_by=entry.actor,
                    position=entry.position,
                )
            case PolicyDisabled() | PolicyDeleted():
                assert state is not None, f"{entry} is about a policy that was never created"
                return state._replace(
                    status=DISABLED if entry.kind == PolicyDisabled.kind else DELETED,
                    version=entry.version,
                    updated_at=entry.recorded_at,
                    updated_by=entry.actor,
                    position=entry.position,
                )
            case _:
                raise AssertionError(f"{entry} does not belong to a policy")

    def changed_at(self, state: PolicyRow) -> int:
        return state.position

    def row(self, state: PolicyRow) -> PolicyRow:
        return state

    def keep(self, state: PolicyRow) -> bool:
        return False

    def save(self, tx: Transaction, rows: Sequence[PolicyRow]) -> None:
        policies.save(tx, rows)

    def clear(self, tx: Transaction) -> None:
        policies.clear(tx)

    def rows(self, tx: Transaction) -> Iterable[PolicyRow]:
        return policies.everything(tx)
