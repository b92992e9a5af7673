"""Keys and what may happen to them: pure. One stream a key, `kv/<bucket>/<key>`; a revision is a version of it.

        put, incr                     put, incr
    (none) ────► value ────► value …
                   │ delete, purge, or its time is over
                   ▼
                 (none), the revision counts on

A time that is over is a fact like any other (`kv.expired`): recorded by the clock, or by the next command that finds
it so. Until it is recorded nobody reads the value any more; the past holds what was recorded.

Writes of others' commands: `streams(writes)` names the streams to lock, and `drafts(states, writes, …)` decides them,
one after the other, so that they commit with whatever else the command records: those of a step with its result (see
runs/writing.py).
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import msgspec

from app import jsonvalue
from app.errors import BucketFull, FailedPrecondition, InvalidArgument, IronflowError, PayloadTooLarge, RevisionConflict
from app.history.entry import Draft, Entry
from app.history.kinds import Fact, KvDeleted, KvExpired, KvPurged, KvPut
from app.values import buckets
from app.values.buckets import Bucket
from storage import kv
from storage.contract import Transaction
from storage.records import KvRow

KEY_BYTES_MAX = 512
ABSENT = 0
PRESENT = -1
COUNTER_MIN, COUNTER_MAX = -(2**63), 2**63 - 1

_RESERVED = frozenset("*>\ufffd")
"""Wildcards, and what stands where a URL was not UTF-8."""
_INTEGER = re.compile(rb"-?(?:0|[1-9][0-9]{0,18})")
_OPERATIONS = {KvPut: "put", KvDeleted: "delete", KvPurged: "purge", KvExpired: "expire"}
_FACTS = (KvPut, KvDeleted, KvPurged, KvExpired)


class Key(msgspec.Struct):
    """A key's state: its newest revision. `number` is the value if that is a whole number."""

    environment: str
    bucket: str
    key: str
    fact: KvPut | KvDeleted | KvPurged | KvExpired
    revision: int
    bytes: int
    number: int | None
    recorded_at: int
    position: int


class Put(msgspec.Struct, frozen=True):
    """`expected` is the revision that must be there, ABSENT, PRESENT, or None for whatever is there. `ttl_us` is how
    long the value stays: None as long as the bucket says, 0 for ever. `bytes_beside` is what the bucket's other
    values amount to; only a bucket with a limit asks for it."""

    bucket: str
    key: str
    value: bytes
    expected: int | None = None
    ttl_us: int | None = None
    bytes_beside: int | None = None


class Increment(msgspec.Struct, frozen=True):
    """Adds to a whole number, or to 0 where there is none. The time that the value has left stays as it is."""

    bucket: str
    key: str
    by: int = 1
    expected: int | None = None


class Delete(msgspec.Struct, frozen=True):
    """With `purge`, earlier revisions are no longer shown."""

    bucket: str
    key: str
    purge: bool = False
    expected: int | None = None


Write = Put | Increment | Delete


class Change(msgspec.Struct, frozen=True):
    """What a write comes to. `revision` is the key's from then on; `number` what an increment made."""

    facts: tuple[Fact, ...]
    revision: int
    number: int | None = None


class UsageUnknown(FailedPrecondition):
    """The bucket has a limit, and the write does not say how much is in it: measure, and ask again."""


def stream(bucket: str, key: str) -> str:
    return f"kv/{bucket}/{key}"


def place(stream: str) -> tuple[str, str]:
    """Bucket and key of a stream."""
    _, bucket, key = stream.split("/", 2)
    return bucket, key


class KvNoun:
    prefix = "kv"
    last_tells: Literal[True] = True

    def apply(self, state: Key | None, entry: Entry) -> Key:
        fact, record = entry.fact, entry.record
        assert isinstance(fact, _FACTS), f"{entry} does not belong to a key"
        value = value_of(fact) if isinstance(fact, KvPut) else b""
        bucket, key = place(record.stream) if state is None else (state.bucket, state.key)
        return Key(
            environment=record.environment,
            bucket=bucket,
            key=key,
            fact=_small(fact),
            revision=record.version,
            bytes=len(value),
            number=int(value) if _INTEGER.fullmatch(value) else None,
            recorded_at=record.recorded_at,
            position=record.position,
        )

    def changed_at(self, state: Key) -> int:
        return state.position

    def row(self, state: Key) -> Key:
        return state

    def keep(self, state: Key) -> bool:
        return True

    def save(self, tx: Transaction, rows: Sequence[Key]) -> None:
        for state in rows:
            if not isinstance(state.fact, KvPut):
                kv.remove(tx, state.environment, state.bucket, state.key)
        kv.save(tx, [_row(state, state.fact) for state in rows if isinstance(state.fact, KvPut)])

    def clear(self, tx: Transaction) -> None:
        kv.clear(tx)

    def rows(self, tx: Transaction) -> Iterable[KvRow]:
        return kv.everything(tx)


def decide(write: Write, bucket: Bucket | None, key: Key | None, now: int) -> Change:
    """Raises BucketNotFound, RevisionConflict, FailedPrecondition, PayloadTooLarge."""
    there = buckets.existing(bucket, write.bucket)
    held = _held(there, key)
    facts: list[Fact] = list(_expired(held, now))
    found = held if held and isinstance(held.fact, KvPut) and not facts else None
    floor = held.fact.floor if held else _revision(key) + 1
    _check_expected(write, found)
    match write:
        case Put(value=value, ttl_us=ttl_us):
            _check_size(there, write, len(value))
            facts.append(_put(there, floor, value, _expiry(there, ttl_us, now)))
        case Increment(by=by):
            number = _sum(write, found, by)
            kept = found.fact.expires_at if found and isinstance(found.fact, KvPut) else _expiry(there, None, now)
            facts.append(_put(there, floor, str(number).encode(), kept))
            return Change(tuple(facts), _revision(key) + len(facts), number)
        case Delete(purge=purge):
            if purge and held is not None and not isinstance(held.fact, KvPurged):
                facts.append(KvPurged(there.generation, floor=_revision(key) + len(facts) + 1))
            elif found is not None:
                facts.append(KvDeleted(there.generation, floor))
    return Change(tuple(facts), _revision(key) + len(facts))


def decide_expire(bucket: Bucket | None, key: Key | None, now: int) -> list[KvExpired]:
    """That the value's time is over, if it is and nobody recorded it yet."""
    return _expired(_held(bucket, key), now)


def recorded(bucket: Bucket | None, key: Key | None) -> Key | None:
    """The key if it has a value as far as history goes: what the past is asked for."""
    held = _held(bucket, key)
    return held if held and isinstance(held.fact, KvPut) else None


def streams(writes: Iterable[Write]) -> tuple[str, ...]:
    """Every stream that the writes read or write, each once."""
    named = (name for write in writes for name in (buckets.stream(write.bucket), stream(write.bucket, write.key)))
    return tuple(dict.fromkeys(named))


def drafts(
    states: Mapping[str, Any],
    writes: Sequence[Write],
    now: int,
    *,
    actor: str = "",
    causation: str = "",
    correlation: str = "",
) -> tuple[list[Draft], list[Change]]:
    """The writes decided one after the other, each on what those before it leave; all or none. `states` are those of
    `streams(writes)`. Raises as `decide` does."""
    made: list[Draft] = []
    changes: list[Change] = []
    after: dict[str, Key] = {}
    for number, write in enumerate(writes, 1):
        where = stream(write.bucket, write.key)
        bucket: Bucket | None = states[buckets.stream(write.bucket)]
        key: Key | None = after.get(where, states[where])
        change = decide(write, bucket, key, now)
        changes.append(change)
        made += [Draft(where, fact, causation, correlation, actor) for fact in change.facts]
        if change.facts and number < len(writes):
            assert bucket is not None
            after[where] = _after(bucket, write.key, change, now)
    return made, changes


def value_of(fact: KvPut) -> bytes:
    """The value, byte for byte as it came."""
    return bytes(fact.value) if fact.base64 is None else base64.b64decode(fact.base64)


def operation(fact: Fact) -> str:
    """`put`, `delete`, `purge` or `expire`."""
    return _OPERATIONS[type(fact)]


def check_key(key: str) -> None:
    """Raises InvalidArgument."""
    size = len(key.encode("utf-8", "surrogatepass"))
    if not 1 <= size <= KEY_BYTES_MAX or not key.isprintable() or not _RESERVED.isdisjoint(key):
        raise InvalidArgument(
            f"key {key[:80]!r} is not usable",
            field="key",
            hint=f"1 to {KEY_BYTES_MAX} bytes of printable characters, without the wildcards * and >",
        )


def check_new_key(key: str) -> None:
    """For what makes a key, or a revision of it. One that was made when this was not refused can be read and deleted.
    Raises InvalidArgument."""
    check_key(key)
    if not {".", ".."}.isdisjoint(key.split("/")):  # where a key stands in a path, they lead to another one
        raise InvalidArgument(
            f"key {key[:80]!r} has . or .. between slashes",
            field="key",
            hint="clients would ask for another key: take other names",
        )


def _held(bucket: Bucket | None, key: Key | None) -> Key | None:
    """The key if it belongs to the bucket as it is."""
    if bucket is None or not bucket.live or key is None or key.fact.generation != bucket.generation:
        return None
    return key


def _expired(held: Key | None, now: int) -> list[KvExpired]:
    if held is None or not isinstance(held.fact, KvPut) or not 0 < held.fact.expires_at <= now:
        return []
    return [KvExpired(held.fact.generation, held.fact.floor, expired_at=held.fact.expires_at)]


def _check_expected(write: Write, found: Key | None) -> None:
    there = found.revision if found else ABSENT
    match write.expected:
        case None:
            return
        case expected if expected == PRESENT:
            holds, wanted = there != ABSENT, "a value"
        case expected:
            holds, wanted = there == expected, f"revision {expected}" if expected else "no value"
    if not holds:
        raise RevisionConflict(
            f"{write.bucket}/{write.key}: expected {wanted}, found {f'revision {there}' if there else 'no value'}",
            hint="read the key again, then try with the revision that it has",
        )


def _check_size(bucket: Bucket, write: Put, size: int) -> None:
    if size > bucket.value_bytes_max:
        raise PayloadTooLarge(
            f"{bucket.name}/{write.key}: the value has {size} bytes, at most {bucket.value_bytes_max} are taken",
            field="value",
            hint="store large data elsewhere and keep a reference, or use a bucket with a larger max_value_size",
        )
    if not bucket.fact.bytes_max:
        return
    if write.bytes_beside is None:
        raise UsageUnknown(f"bucket {bucket.name!r} has a limit: how much is in it?")
    if write.bytes_beside + size > bucket.fact.bytes_max:
        raise BucketFull(
            f"bucket {bucket.name!r} is full: {write.bytes_beside} bytes, and {size} more are over its"
            f" {bucket.fact.bytes_max}",
            field="value",
            hint="delete keys, or use a bucket with a larger max_bytes",
        )


def _sum(write: Increment, found: Key | None, by: int) -> int:
    start = 0 if found is None else found.number
    if start is None:
        raise FailedPrecondition(
            f"{write.bucket}/{write.key} does not hold a whole number",
            hint="put a whole number there first, or count under another key",
        )
    total = start + by
    if not COUNTER_MIN <= total <= COUNTER_MAX:
        raise FailedPrecondition(f"{write.bucket}/{write.key}: {total} does not fit 64 bits", hint="start again from 0")
    return total


def _put(bucket: Bucket, floor: int, value: bytes, expires_at: int) -> KvPut:
    if _is_json(value):
        return KvPut(bucket.generation, floor, value=msgspec.Raw(value), expires_at=expires_at)
    return KvPut(bucket.generation, floor, base64=base64.b64encode(value).decode(), expires_at=expires_at)


def _is_json(value: bytes) -> bool:
    """Whether the bytes can lie in an entry as they are, and come back the same."""
    if not value or value != value.strip(b" \t\r\n"):
        return False
    try:
        jsonvalue.check(value, field="value")
    except IronflowError:
        return False
    return True


def _expiry(bucket: Bucket, ttl_us: int | None, now: int) -> int:
    lasts_us = bucket.fact.ttl_s * 1_000_000 if ttl_us is None else ttl_us
    return now + lasts_us if lasts_us else 0


def _revision(key: Key | None) -> int:
    return key.revision if key else 0


def _after(bucket: Bucket, key: str, change: Change, now: int) -> Key:
    """The key as the next write of the same command finds it."""
    fact = change.facts[-1]
    assert isinstance(fact, _FACTS)
    value = value_of(fact) if isinstance(fact, KvPut) else b""
    number = int(value) if _INTEGER.fullmatch(value) else None
    return Key(bucket.environment, bucket.name, key, _small(fact), change.revision, len(value), number, now, 0)


def _small(fact: KvPut | KvDeleted | KvPurged | KvExpired) -> KvPut | KvDeleted | KvPurged | KvExpired:
    """The fact without its value, to be kept in memory."""
    if isinstance(fact, KvPut):
        return KvPut(fact.generation, fact.floor, expires_at=fact.expires_at)
    return fact


def _row(state: Key, fact: KvPut) -> KvRow:
    return KvRow(
        environment=state.environment,
        bucket=state.bucket,
        key=state.key,
        generation=fact.generation,
        revision=state.revision,
        bytes=state.bytes,
        expires_at=fact.expires_at or None,
        recorded_at=state.recorded_at,
        position=state.position,
    )
