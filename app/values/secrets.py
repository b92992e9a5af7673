"""Secrets: names, revisions and descriptions. Pure, and without values: those lie encrypted beside history.

One stream a secret, `secret/<name>`; its revision counts values, and goes on when a secret is deleted and made again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

from app.errors import AlreadyExists, InvalidArgument, PayloadTooLarge, SecretNotFound
from app.history.entry import Entry
from app.history.kinds import SecretCreated, SecretDeleted, SecretUpdated
from storage import secrets
from storage.contract import Transaction
from storage.records import SecretRow

VALUE_BYTES_MAX = 64 * 2**10
DESCRIPTION_CHARS_MAX = 1_000

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,99}", re.ASCII)


class Secret(msgspec.Struct):
    """A secret's state; `value_id` is empty once it is deleted."""

    environment: str
    name: str
    revision: int
    value_id: str
    description: str
    created_at: int
    updated_at: int
    position: int

    @property
    def live(self) -> bool:
        return bool(self.value_id)


def stream(name: str) -> str:
    return f"secret/{name}"


class SecretNoun:
    prefix = "secret"
    last_tells: Literal[True] = True

    def apply(self, state: Secret | None, entry: Entry) -> Secret:
        match entry.fact:
            case SecretCreated() as fact:
                told = (fact.revision, fact.value_id, fact.description, entry.recorded_at)
            case SecretUpdated() as fact:
                told = (fact.revision, fact.value_id, fact.description, fact.created_at)
            case SecretDeleted() as fact:
                told = (fact.revision, "", "", entry.recorded_at)
            case _:
                raise AssertionError(f"{entry} does not belong to a secret")
        name = entry.stream.partition("/")[2]
        return Secret(entry.environment, name, *told, updated_at=entry.recorded_at, position=entry.position)

    def changed_at(self, state: Secret) -> int:
        return state.position

    def row(self, state: Secret) -> Secret:
        return state

    def keep(self, state: Secret) -> bool:
        return True

    def save(self, tx: Transaction, rows: Sequence[Secret]) -> None:
        for state in rows:
            if not state.live:
                secrets.remove(tx, state.environment, state.name)
        secrets.save(tx, [row_of(state) for state in rows if state.live])

    def clear(self, tx: Transaction) -> None:
        secrets.clear(tx)

    def rows(self, tx: Transaction) -> Iterable[SecretRow]:
        return secrets.everything(tx)


def existing(secret: Secret | None, name: str) -> Secret:
    """The secret. Raises SecretNotFound if there is none now."""
    if secret is None or not secret.live:
        raise not_found(name)
    return secret


def absent(secret: Secret | None, name: str) -> None:
    """Raises AlreadyExists if there is one now."""
    if secret is not None and secret.live:
        raise AlreadyExists(
            f"secret {name!r} exists", field="name", hint="give it a new value with PUT, or `ironflow secret set`"
        )


def not_found(*names: str) -> SecretNotFound:
    told = ", ".join(repr(name[:80]) for name in names)
    return SecretNotFound(f"there is no secret {told}", field="name", hint="`ironflow secret list` shows the names")


def next_revision(secret: Secret | None) -> int:
    return secret.revision + 1 if secret else 1


def check_name(name: str) -> None:
    """Raises InvalidArgument."""
    if not _NAME.fullmatch(name):
        raise InvalidArgument(
            f"secret name {name[:80]!r} is not usable",
            field="name",
            hint="a letter or underscore, then up to 99 letters, digits, dots, dashes and underscores",
        )


def check_value(value: str) -> None:
    """Raises InvalidArgument, PayloadTooLarge. Never says the value."""
    size = len(value.encode())
    if size > VALUE_BYTES_MAX:
        raise PayloadTooLarge(f"the value has {size} bytes, at most {VALUE_BYTES_MAX} are taken", field="value")
    if not value or "\0" in value:
        raise InvalidArgument("the value is empty or has a NUL character", field="value", hint="send the secret itself")


def check_description(text: str) -> None:
    """Raises InvalidArgument."""
    if "\0" in text or len(text) > DESCRIPTION_CHARS_MAX:
        raise InvalidArgument(
            "description is not usable",
            field="description",
            hint=f"at most {DESCRIPTION_CHARS_MAX} characters, without NUL",
        )


def row_of(state: Secret) -> SecretRow:
    return SecretRow(
        environment=state.environment,
        name=state.name,
        revision=state.revision,
        value_id=state.value_id,
        description=state.description,
        created_at=state.created_at,
        updated_at=state.updated_at,
        position=state.position,
    )
