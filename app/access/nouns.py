"""Identities and tenants as nouns of history: `apikey/<id>`, `user/<id>`, `session/<id>`, `role/<id>`, `org/<id>`,
`project/<id>`, `environment/<id>`. Each is created, changed, and gone for ever.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from app.access.records import KINDS, Identity, Key
from app.history.entry import Entry
from app.history.kinds import (
    ApiKeyCreated,
    ApiKeyRevoked,
    ApiKeyRolesReplaced,
    ApiKeyRotated,
    EnvironmentChanged,
    EnvironmentCreated,
    EnvironmentDeleted,
    OrgChanged,
    OrgCreated,
    OrgDeleted,
    ProjectChanged,
    ProjectCreated,
    ProjectDeleted,
    RoleChanged,
    RoleCreated,
    RoleDeleted,
    SessionClosed,
    SessionOpened,
    UserChanged,
    UserCreated,
    UserDeleted,
    UserPasswordChanged,
)
from storage import identities
from storage.contract import Transaction
from storage.records import IdentityRow

_CREATED = (
    ApiKeyCreated,
    UserCreated,
    SessionOpened,
    RoleCreated,
    OrgCreated,
    ProjectCreated,
    EnvironmentCreated,
)
_CHANGED = (ApiKeyRolesReplaced, UserChanged, RoleChanged, OrgChanged, ProjectChanged, EnvironmentChanged)
_GONE = (ApiKeyRevoked, UserDeleted, SessionClosed, RoleDeleted, OrgDeleted, ProjectDeleted, EnvironmentDeleted)

_encode = msgspec.json.Encoder().encode


class IdentityNoun:
    """One of them. The state is the record, and the row all of it."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self._kind = KINDS[prefix]

    def begins(self, entry: Entry) -> bool:
        """Whether it is the first of its stream."""
        return isinstance(entry.fact, _CREATED)

    def apply(self, state: Identity | None, entry: Entry) -> Identity:
        fact = entry.fact
        if isinstance(fact, _CREATED):
            return self._kind(
                id=entry.stream.partition("/")[2],
                org=entry.environment,
                created_at=entry.recorded_at,
                updated_at=entry.recorded_at,
                position=entry.position,
                **msgspec.structs.asdict(fact),
            )
        assert state is not None, f"{entry} is of nobody"
        if isinstance(fact, _CHANGED):
            changed = msgspec.structs.asdict(fact)
            if isinstance(fact, UserChanged) and not fact.active:
                changed["sessions_after"] = entry.position
        elif isinstance(fact, _GONE):
            changed = {"gone": True}
        elif isinstance(fact, ApiKeyRotated) and isinstance(state, Key):
            changed = {
                **msgspec.structs.asdict(fact),
                "previous_prefix": state.prefix if fact.previous_until else "",
                "previous_hash": state.hash if fact.previous_until else "",
            }
        elif isinstance(fact, UserPasswordChanged):
            changed = {"sessions_after": entry.position}
        else:
            raise AssertionError(f"{entry} does not belong to {self.prefix}")
        return msgspec.structs.replace(state, **changed, updated_at=entry.recorded_at, position=entry.position)

    def changed_at(self, state: Identity) -> int:
        return state.position

    def row(self, state: Identity) -> IdentityRow:
        return IdentityRow(
            org=state.org,
            noun=self.prefix,
            id=state.id,
            content=_encode(state).decode() if not state.gone else "",
            created_at=state.created_at,
            updated_at=state.updated_at,
            position=state.position,
        )

    def keep(self, state: Identity) -> bool:
        return False

    def save(self, tx: Transaction, rows: Sequence[IdentityRow]) -> None:
        for row in rows:
            if not row.content:
                identities.remove(tx, row.org, row.noun, row.id)
        identities.save(tx, [row for row in rows if row.content])

    def clear(self, tx: Transaction) -> None:
        identities.clear(tx, self.prefix)

    def rows(self, tx: Transaction) -> Iterable[IdentityRow]:
        return identities.of_noun(tx, self.prefix)


def nouns() -> Sequence[IdentityNoun]:
    return [IdentityNoun(prefix) for prefix in KINDS]


_DECODERS: dict[str, msgspec.json.Decoder[Any]] = {noun: msgspec.json.Decoder(kind) for noun, kind in KINDS.items()}


def of_row(row: IdentityRow) -> Identity:
    found: Identity = _DECODERS[row.noun].decode(row.content)
    return found


def stream(noun: str, id: str) -> str:
    return f"{noun}/{id}"
