"""Buckets: where keys live, with how long, how much and how large.

A bucket that is deleted and made again is another one: its generation counts on, and keys of an earlier generation are
gone, without an entry for each of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import msgspec

from app.errors import AlreadyExists, BucketNotFound, InvalidArgument
from app.history.entry import Entry
from app.history.kinds import BucketCreated, BucketDeleted
from app.jsonvalue import SIZE_BYTES_MAX
from storage import buckets
from storage.contract import Transaction
from storage.records import BucketRow

HISTORY_MAX = 1_000
TTL_S_MAX = 36_500 * 24 * 3_600
BYTES_MAX = 2**50
DESCRIPTION_CHARS_MAX = 1_000

_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,99}", re.ASCII)


class Definition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A bucket as a user asks for it. 0 is no limit; `history` is how many revisions of a key are shown unasked."""

    name: str
    description: str = ""
    ttl_seconds: int = 0
    history: int = 1
    max_value_size: int = 0
    max_bytes: int = 0


class Bucket(msgspec.Struct):
    """A bucket's state. One that is not `live` was deleted."""

    environment: str
    name: str
    fact: BucketCreated
    live: bool
    created_at: int
    position: int

    @property
    def generation(self) -> int:
        return self.fact.generation

    @property
    def value_bytes_max(self) -> int:
        return self.fact.value_bytes_max or SIZE_BYTES_MAX


def stream(name: str) -> str:
    return f"bucket/{name}"


class BucketNoun:
    prefix = "bucket"

    def apply(self, state: Bucket | None, entry: Entry) -> Bucket:
        match entry.fact:
            case BucketCreated() as fact:
                name = entry.stream.partition("/")[2]
                return Bucket(entry.environment, name, fact, True, entry.recorded_at, entry.position)
            case BucketDeleted():
                assert state is not None, f"{entry} comes before its bucket"
                return Bucket(state.environment, state.name, state.fact, False, state.created_at, entry.position)
            case _:
                raise AssertionError(f"{entry} does not belong to a bucket")

    def changed_at(self, state: Bucket) -> int:
        return state.position

    def row(self, state: Bucket) -> Bucket:
        return state

    def keep(self, state: Bucket) -> bool:
        return True

    def save(self, tx: Transaction, rows: Sequence[Bucket]) -> None:
        for state in rows:
            if not state.live:
                buckets.remove(tx, _row(state))
        buckets.save(tx, [_row(state) for state in rows if state.live])

    def clear(self, tx: Transaction) -> None:
        buckets.clear(tx)

    def rows(self, tx: Transaction) -> Iterable[BucketRow]:
        return buckets.everything(tx)


def decide_create(bucket: Bucket | None, definition: Definition) -> list[BucketCreated]:
    """Raises AlreadyExists."""
    if bucket is not None and bucket.live:
        raise AlreadyExists(
            f"bucket {definition.name!r} exists",
            field="name",
            hint=f"use it, or delete it first: ironflow kv bucket delete {definition.name}",
        )
    return [
        BucketCreated(
            generation=bucket.generation + 1 if bucket else 1,
            description=definition.description,
            ttl_s=definition.ttl_seconds,
            history=definition.history,
            value_bytes_max=definition.max_value_size,
            bytes_max=definition.max_bytes,
        )
    ]


def decide_delete(bucket: Bucket | None, name: str) -> list[BucketDeleted]:
    """Raises BucketNotFound."""
    return [BucketDeleted(generation=existing(bucket, name).generation)]


def existing(bucket: Bucket | None, name: str) -> Bucket:
    """The bucket. Raises BucketNotFound if there is none now."""
    if bucket is None or not bucket.live:
        raise not_found(name)
    return bucket


def not_found(name: str) -> BucketNotFound:
    return BucketNotFound(
        f"there is no bucket {name[:80]!r}", field="bucket", hint=f"create it: ironflow kv bucket create {name[:80]}"
    )


def checked(definition: Definition) -> Definition:
    """Raises InvalidArgument naming the field."""
    check_name(definition.name, field="name")
    if "\0" in definition.description or len(definition.description) > DESCRIPTION_CHARS_MAX:
        raise InvalidArgument(
            "description is not usable",
            field="description",
            hint=f"at most {DESCRIPTION_CHARS_MAX} characters, without NUL",
        )
    for field, low, high in (
        ("ttl_seconds", 0, TTL_S_MAX),
        ("history", 1, HISTORY_MAX),
        ("max_value_size", 0, SIZE_BYTES_MAX),
        ("max_bytes", 0, BYTES_MAX),
    ):
        value = getattr(definition, field)
        if not low <= value <= high:
            raise InvalidArgument(f"{field} {value} is out of range", field=field, hint=f"{low} to {high}")
    return definition


def check_name(name: str, *, field: str = "bucket") -> None:
    """Raises InvalidArgument."""
    if not _NAME.fullmatch(name):
        raise InvalidArgument(
            f"bucket {name[:80]!r} is not usable",
            field=field,
            hint="1 to 100 letters, digits, dots, dashes and underscores, without a dot in front",
        )


def _row(state: Bucket) -> BucketRow:
    fact = state.fact
    return BucketRow(
        environment=state.environment,
        name=state.name,
        generation=fact.generation,
        description=fact.description,
        ttl_s=fact.ttl_s,
        history=fact.history,
        value_bytes_max=fact.value_bytes_max,
        bytes_max=fact.bytes_max,
        created_at=state.created_at,
        position=state.position,
    )
