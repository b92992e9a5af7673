"""Key-values as they are used: buckets, writes with a condition, reads of now and of the past.

Writes go through the committer and are durable when they return. Reads of now see every write that was acknowledged
before they were asked for. Reads of the past are folded from history and hold what was recorded by then.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import replace

from app import patterns
from app.clock import Clock
from app.errors import InvalidArgument, KeyNotFound
from app.history import kinds
from app.history.committer import Command, Committer, Decision, Done, submitted
from app.history.entry import Draft, Entry
from app.history.fold import Fold
from app.history.kinds import KvPut
from app.values import buckets, kv
from app.values.buckets import Bucket, Definition
from app.values.kv import Change, Delete, Key, Put, Write
from app.values.reads import GroupedReads
from storage import buckets as bucket_rows
from storage import history
from storage import kv as rows
from storage.contract import Storage, Transaction
from storage.kv import Found
from storage.records import BucketRow, EntryRecord

if TYPE_CHECKING:
    from app.values.levels import Level

KEYS_MAX = 10_000
LEVEL_MAX = 200
HISTORY_MAX = 1_000
EXPIRE_BATCH = 500


class Usage(msgspec.Struct, frozen=True):
    """A bucket with how many keys it has and the bytes of their values."""

    row: BucketRow
    keys: int
    bytes: int


class Value(msgspec.Struct, frozen=True):
    """What a key holds, or held. `expires_at` 0: it stays."""

    key: str
    value: bytes
    revision: int
    recorded_at: int
    expires_at: int
    position: int


class KeyPage(msgspec.Struct, frozen=True):
    """Keys in order; `next_cursor` is empty at the end."""

    keys: Sequence[str]
    next_cursor: str


class Keyspace:
    def __init__(self, *, storage: Storage, committer: Committer, fold: Fold, clock: Clock) -> None:
        self._storage = storage
        self._committer = committer
        self._fold = fold
        self._clock = clock
        self._reads: GroupedReads[tuple[str, str, str], Found] = GroupedReads(storage, rows.entries)
        self._measures: GroupedReads[tuple[str, str, str], int] = GroupedReads(storage, _bytes_beside)
        self._limited: set[tuple[str, str]] = set()

    async def run(self) -> None:
        """Answer reads until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._reads.run(), name="keyspace-reads")
            tasks.create_task(self._measures.run(), name="keyspace-measures")

    # Buckets.

    async def create_bucket(self, environment: str, definition: Definition, *, actor: str = "") -> Usage:
        """Raises AlreadyExists, InvalidArgument."""
        buckets.checked(definition)
        where = buckets.stream(definition.name)

        def decide(states: Mapping[str, Any], now: int) -> Decision:
            facts = buckets.decide_create(states[where], definition)
            return Decision([Draft(where, fact, actor=actor) for fact in facts])

        await self._committer.commit(Command(environment, (where,), decide))
        return await self.bucket(environment, definition.name)

    async def delete_bucket(self, environment: str, name: str, *, actor: str = "") -> None:
        """With all its keys. Raises BucketNotFound."""
        buckets.check_name(name)
        where = buckets.stream(name)

        def decide(states: Mapping[str, Any], now: int) -> Decision:
            facts = buckets.decide_delete(states[where], name)
            return Decision([Draft(where, fact, actor=actor) for fact in facts])

        await self._committer.commit(Command(environment, (where,), decide))

    async def bucket(self, environment: str, name: str) -> Usage:
        """Raises BucketNotFound."""
        buckets.check_name(name)
        for row, count, size in await self._storage.read(lambda tx: bucket_rows.usage(tx, environment, name)):
            return Usage(row, count, size)
        raise buckets.not_found(name)

    async def buckets(self, environment: str) -> Sequence[Usage]:
        """By name."""
        found = await self._storage.read(lambda tx: bucket_rows.usage(tx, environment))
        return [Usage(row, count, size) for row, count, size in found]

    # Writes.

    async def write(self, environment: str, write: Write, *, actor: str = "", causation: str = "") -> Change:
        """Raises BucketNotFound, RevisionConflict, FailedPrecondition, InvalidArgument, PayloadTooLarge."""
        _check(write)
        if (environment, write.bucket) in self._limited:
            [write] = await submitted(partial(self.measure, environment, [write]))
        try:
            return await self._write(environment, write, actor, causation)
        except kv.UsageUnknown:
            self._limited.add((environment, write.bucket))
            [write] = await submitted(partial(self.measure, environment, [write]))
            return await self._write(environment, write, actor, causation)

    def measure(self, environment: str, writes: Sequence[Write], done: Done) -> None:
        """`done` is given the writes as buckets with a limit on their size want them, or StorageError. The limit holds
        against what is committed: writes under way at the same time may go beyond it by their own size."""

        def measured(answered: asyncio.Future[list[int]]) -> None:
            if answered.cancelled():  # the server stops
                return
            error = answered.exception()
            if error is not None:
                done(None, error)
                return
            sizes = iter(answered.result())
            done([replace(one, bytes_beside=next(sizes)) if isinstance(one, Put) else one for one in writes], None)

        puts = [self._measures.ask((environment, one.bucket, one.key)) for one in writes if isinstance(one, Put)]
        asyncio.gather(*puts).add_done_callback(measured)

    def _write(self, environment: str, write: Write, actor: str, causation: str) -> asyncio.Future[Change]:
        streams = (buckets.stream(write.bucket), kv.stream(write.bucket, write.key))

        def decide(states: Mapping[str, Any], now: int) -> Decision:
            made, [change] = kv.drafts(states, [write], now, actor=actor, causation=causation)
            return Decision(made, change)

        return self._committer.commit(Command(environment, streams, decide))

    # Reads.

    async def get(self, environment: str, bucket: str, key: str) -> Value:
        """The value now. Raises KeyNotFound, BucketNotFound."""
        _check_names(bucket, key)
        found = await self._reads.ask((environment, bucket, key))
        if found.generation is None:
            raise buckets.not_found(bucket)
        if found.data is None or (found.expires_at is not None and found.expires_at <= self._clock.now_us()):
            raise _key_not_found(bucket, key)
        fact = kinds.decode(KvPut.kind, found.data)
        assert isinstance(fact, KvPut)
        assert found.revision is not None
        assert found.recorded_at is not None
        assert found.position is not None
        return Value(key, kv.value_of(fact), found.revision, found.recorded_at, found.expires_at or 0, found.position)

    async def get_at(self, environment: str, bucket: str, key: str, at: int) -> Value:
        """The value as of a position. Raises KeyNotFound, BucketNotFound, InvalidArgument for the future."""
        _check_names(bucket, key)

        def read(tx: Transaction) -> Value:
            head, _ = history.head(tx)
            if at > head:
                raise InvalidArgument(
                    f"at {at} has not happened yet", field="at", hint=f"history ends at position {head}"
                )
            there = self._bucket(tx, environment, bucket, until=at)
            last = history.last_of_stream(tx, environment, kv.stream(bucket, key), until=at)
            if last is None or kv.recorded(there, self._key(last)) is None:
                raise _key_not_found(bucket, key, at)
            return _value(key, Entry(last))

        return await self._storage.read(read)

    async def keys(
        self, environment: str, bucket: str, *, pattern: str = "", after: str = "", limit: int = KEYS_MAX
    ) -> KeyPage:
        """Keys that fit the pattern (all without one), in order. Raises BucketNotFound, InvalidArgument."""
        buckets.check_name(bucket)
        if not 1 <= limit <= KEYS_MAX:
            raise InvalidArgument(f"limit {limit} is out of range", field="limit", hint=f"1 to {KEYS_MAX}")
        wanted = patterns.compile(pattern, field="filter") if pattern else None
        prefix = _literal(wanted.segments) if wanted else ""
        now = self._clock.now_us()

        def read(tx: Transaction) -> KeyPage:
            self._bucket(tx, environment, bucket)
            found: list[str] = []
            last = after
            while page := rows.keys(tx, environment, bucket, prefix=prefix, after=last, now=now, limit=limit + 1):
                found += [key for key in page if wanted is None or wanted.matches(key)]
                last = page[-1]
                if len(page) <= limit or len(found) > limit:
                    break
            return KeyPage(found[:limit], found[limit - 1] if len(found) > limit else "")

        return await self._storage.read(read)

    async def level(
        self,
        environment: str,
        bucket: str,
        *,
        prefix: str = "",
        pattern: str = "",
        cursor: str = "",
        limit: int = LEVEL_MAX,
    ) -> Level:
        """What comes next under the prefix, or, with a pattern, the keys that fit it. Raises BucketNotFound,
        InvalidArgument."""
        from app.values import levels

        buckets.check_name(bucket)
        if prefix and pattern:
            raise InvalidArgument("prefix and filter exclude each other", field="filter", hint="give one of them")
        wanted = patterns.compile(pattern, field="filter") if pattern else None
        now = self._clock.now_us()

        def read(tx: Transaction) -> Level:
            self._bucket(tx, environment, bucket)
            if wanted is None:
                return levels.level(tx, environment, bucket, prefix=prefix, cursor=cursor, now=now, limit=limit)
            begins = _literal(wanted.segments)
            return levels.matching(
                tx, environment, bucket, pattern=wanted, prefix=begins, cursor=cursor, now=now, limit=limit
            )

        return await self._storage.read(read)

    async def revisions(
        self, environment: str, bucket: str, key: str, *, before: int | None = None, limit: int | None = None
    ) -> Sequence[Entry]:
        """Revisions of the key, newest first, back to where it was purged: those before revision `before`, and unless
        `limit` is given as many as the bucket says. Raises KeyNotFound, BucketNotFound."""
        _check_names(bucket, key)

        def read(tx: Transaction) -> Sequence[Entry]:
            there = self._bucket(tx, environment, bucket)
            where = kv.stream(bucket, key)
            last = history.last_of_stream(tx, environment, where)
            state = self._key(last)
            if state is None or state.fact.generation != there.generation:
                raise _key_not_found(bucket, key)
            end = min(state.revision + 1, before or history.END)
            shown = there.fact.history if limit is None else limit
            start = max(state.fact.floor, end - shown)
            if start >= end:
                return []
            found = history.of_stream(tx, environment, where, after_version=start - 1, limit=end - start)
            return [Entry(record) for record in reversed(found)]

        return await self._storage.read(read)

    def _bucket(self, tx: Transaction, environment: str, name: str, *, until: int = history.END) -> Bucket:
        state: Bucket | None = self._fold.load(tx, environment, buckets.stream(name), until=until).state
        return buckets.existing(state, name)

    def _key(self, last: EntryRecord | None) -> Key | None:
        return None if last is None else kv.KvNoun().apply(None, Entry(last))

    # Expiry.

    async def expire_due(self) -> int | None:
        """Record every expiry that is due; the instant of the next one."""
        while due := await self._storage.read(lambda tx: rows.due(tx, self._clock.now_us(), limit=EXPIRE_BATCH)):
            await asyncio.gather(*(self._committer.commit(_expiry(*key)) for key in due))
        return await self.next_expiry()

    async def next_expiry(self) -> int | None:
        """The instant of the earliest expiry that is set."""
        return await self._storage.read(rows.next_due)


def _expiry(environment: str, bucket: str, key: str) -> Command:
    where, around = kv.stream(bucket, key), buckets.stream(bucket)

    def decide(states: Mapping[str, Any], now: int) -> Decision:
        return Decision([Draft(where, fact) for fact in kv.decide_expire(states[around], states[where], now)])

    return Command(environment, (around, where), decide)


def _bytes_beside(tx: Transaction, wanted: Sequence[tuple[str, str, str]]) -> list[int]:
    return [rows.bytes_beside(tx, *one) for one in wanted]


def _value(key: str, entry: Entry) -> Value:
    fact = entry.fact
    assert isinstance(fact, KvPut)
    return Value(key, kv.value_of(fact), entry.version, entry.recorded_at, fact.expires_at, entry.position)


def _check(write: Write) -> None:
    _check_names(write.bucket, write.key)
    if not isinstance(write, Delete):
        kv.check_new_key(write.key)


def _check_names(bucket: str, key: str) -> None:
    buckets.check_name(bucket)
    kv.check_key(key)


def _literal(segments: Sequence[str]) -> str:
    """What every key that fits begins with."""
    fixed: list[str] = []
    for segment in segments:
        if segment in ("*", ">"):
            return "".join(f"{part}." for part in fixed)
        fixed.append(segment)
    return ".".join(fixed)


def _key_not_found(bucket: str, key: str, at: int | None = None) -> KeyNotFound:
    when = "" if at is None else f" as of position {at}"
    return KeyNotFound(
        f"{bucket}/{key[:80]} has no value{when}", field="key", hint=f"`ironflow kv list {bucket}` shows its keys"
    )
