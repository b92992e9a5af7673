"""The kv table: one row for each key that has a value; the value itself is in history, at the row's position.

A row counts only while its bucket is of the row's generation, so that deleting a bucket is one entry.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from storage.contract import Transaction
from storage.records import KvRow

PAGE = 2_000
LAST = "\U0010ffff"
"""Sorts after every key."""


class Found(NamedTuple):
    """What there is of a wanted key: `generation` is None without the bucket, the others without the key. `data` is the
    fact that holds the value, as JSON."""

    generation: int | None
    revision: int | None
    expires_at: int | None
    recorded_at: int | None
    position: int | None
    data: str | None


class Described(NamedTuple):
    """A key with what is known of its value; `expires_at` is None if it stays."""

    key: str
    revision: int
    bytes: int
    expires_at: int | None
    recorded_at: int


def save(tx: Transaction, rows: Sequence[KvRow]) -> None:
    tx.each("save_kv", rows)


def remove(tx: Transaction, environment: str, bucket: str, key: str) -> None:
    tx.execute("remove_kv", environment=environment, bucket=bucket, key=key)


def entries(tx: Transaction, wanted: Sequence[tuple[str, str, str]]) -> list[Found]:
    """One answer for each wanted (environment, bucket, key), in their order, all from one snapshot."""
    found = {row[0]: Found._make(row[1:]) for row in tx.many("kv_entries", wanted=json.dumps(wanted))}
    return [found[number] for number in range(len(wanted))]


def keys(
    tx: Transaction, environment: str, bucket: str, *, prefix: str = "", after: str = "", now: int, limit: int
) -> list[str]:
    """Keys that begin with `prefix`, in order, after the given one; none that had expired by `now`."""
    rows = tx.many(
        "kv_keys",
        environment=environment,
        bucket=bucket,
        first=prefix,
        stop=prefix + LAST,
        after=after,
        now=now,
        limit=limit,
    )
    return [row[0] for row in rows]


def described(
    tx: Transaction, environment: str, bucket: str, *, prefix: str = "", after: str = "", now: int, limit: int
) -> list[Described]:
    """As `keys`, each with what is known of it."""
    rows = tx.many(
        "kv_described",
        environment=environment,
        bucket=bucket,
        first=prefix,
        stop=prefix + LAST,
        after=after,
        now=now,
        limit=limit,
    )
    return [Described._make(row) for row in rows]


def branches(
    tx: Transaction, environment: str, bucket: str, prefixes: Sequence[str], *, now: int, counted_max: int
) -> dict[str, tuple[int, int]]:
    """By prefix, how many keys begin with it, and the bytes of their values: of the first `counted_max` of them."""
    rows = tx.many(
        "kv_branches",
        environment=environment,
        bucket=bucket,
        prefixes=json.dumps(list(prefixes)),
        last=LAST,
        now=now,
        limit=counted_max,
    )
    return {row[0]: (int(row[1]), int(row[2])) for row in rows}


def bytes_beside(tx: Transaction, environment: str, bucket: str, key: str) -> int:
    """The bytes of the bucket's values without that of `key`."""
    row = tx.one("kv_bytes", environment=environment, bucket=bucket, key=key)
    return int(row[0]) if row else 0


def due(tx: Transaction, now: int, *, limit: int) -> list[tuple[str, str, str]]:
    """(environment, bucket, key) of keys whose time was over at `now`, earliest first."""
    return [(row[0], row[1], row[2]) for row in tx.many("kv_due", now=now, limit=limit)]


def next_due(tx: Transaction) -> int | None:
    """When the next key expires."""
    row = tx.one("kv_next_due")
    return None if row is None or row[0] is None else int(row[0])


def clear(tx: Transaction) -> None:
    tx.execute("clear_kv")


def everything(tx: Transaction) -> Iterator[KvRow]:
    environment, bucket, key = "", "", ""
    while rows := tx.many("all_kv", environment=environment, bucket=bucket, key=key, limit=PAGE):
        yield from map(KvRow._make, rows)
        environment, bucket, key = rows[-1][:3]
