"""The buckets table: one row for each bucket there is, and what its keys amount to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from storage.contract import Transaction
from storage.records import BucketRow

PAGE = 1_000


def save(tx: Transaction, rows: Sequence[BucketRow]) -> None:
    tx.each("save_bucket", rows)


def remove(tx: Transaction, row: BucketRow) -> None:
    """Take the bucket away, and the rows of its keys."""
    tx.execute("remove_bucket", environment=row.environment, name=row.name)
    tx.execute("remove_kv_of_bucket", environment=row.environment, bucket=row.name, generation=row.generation)


def usage(tx: Transaction, environment: str, name: str = "") -> list[tuple[BucketRow, int, int]]:
    """Buckets by name, each with how many keys it has and the bytes of their values. "" is all of them."""
    width = len(BucketRow._fields)
    rows = tx.many("bucket_usage", environment=environment, name=name)
    return [(BucketRow._make(row[:width]), int(row[width]), int(row[width + 1])) for row in rows]


def clear(tx: Transaction) -> None:
    tx.execute("clear_buckets")


def everything(tx: Transaction) -> Iterator[BucketRow]:
    environment, last = "", ""
    while rows := tx.many("all_buckets", environment=environment, name=last, limit=PAGE):
        yield from map(BucketRow._make, rows)
        environment, last = rows[-1][0], rows[-1][1]
