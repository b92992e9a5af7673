"""Reads as of positions of a long past: how long they take when history has a million entries.

    python -m benchmarks.past [--entries N] [--reads N] [--stores sqlite,postgres]

One entity and one key share history, so that both streams are as long as they get; a function and a document have
100 entries each, spread over all of it. The past is appended in batches with its digest chain, and `history verify` is
timed over it. Reads go to the operations that REST calls, at random positions, one after the other.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Iterator
from itertools import islice

import msgspec

from app.clock import ManualClock
from app.entities.reading import EntityReader, Key
from app.history import digest
from app.history.kinds import BucketCreated, ConfigUpdated, EventEmitted, Fact, FunctionRegistered, KvPut
from app.history.verify import verify
from app.ids import Ids
from app.node import Node
from benchmarks import reads
from storage import entities, history
from storage.contract import Storage, Transaction
from storage.records import EntityRow, EntryRecord

BATCH = 10_000
START_US = 1_764_000_000_000_000
SNAPSHOT_EVERY = 100
RARE = 100
DATA = msgspec.Raw(b'{"customer":"c-42","items":[{"sku":"a-1","quantity":2}],"note":"about a hundred bytes of data"}')


def main() -> None:
    reads.main("past", _measure, of="entries", size=1_000_000, reads=1_000)


async def _measure(store: str, storage: Storage, entries: int, count: int) -> None:
    began = time.perf_counter()
    await _fill(storage, entries)
    filled = time.perf_counter()
    report = await verify(storage)
    assert report.bad_position is None, report
    verified = time.perf_counter()
    print(
        f"\n{store}: {report.entries:,} entries, appended at {entries / (filled - began):,.0f}/s,"
        f" verified at {entries / (verified - filled):,.0f}/s"
    )
    for title, read in _reads(storage).items():
        await reads.timed(title, read, between=(entries // 2, entries), reads=count)


def _reads(storage: Storage) -> dict[str, reads.Read]:
    clock = ManualClock(START_US)
    node = Node(storage=storage, clock=clock, ids=Ids(clock))
    reader = EntityReader(storage)

    async def near_a_snapshot(position: int) -> object:
        """What Aggregate.load does once it has a snapshot: the events after it."""
        after = position // 2 // SNAPSHOT_EVERY * SNAPSHOT_EVERY
        key = Key("default", "1", "order", at=position)
        return await reader.read(key, from_version=after + 1, limit=SNAPSHOT_EVERY)

    return {
        f"entity, up to {SNAPSHOT_EVERY} events after a snapshot": near_a_snapshot,
        "entity, its version then": lambda position: reader.info(Key("default", "1", "order", at=position)),
        "key-value": lambda position: node.keyspace.get_at("default", "counters", "n", position),
        "document": lambda position: node.configs.get("default", "limits", at=position),
        "function": lambda position: node.versions.at("default", "f", position),
    }


async def _fill(storage: Storage, entries: int) -> None:
    made = _records(entries)
    while batch := list(islice(made, BATCH)):
        await storage.write(functools.partial(_append, batch))


def _append(batch: list[EntryRecord], tx: Transaction) -> None:
    """The entries, and the row by which the entity is found."""
    history.append(tx, batch)
    last = next(entry for entry in reversed(batch) if entry.stream == "entity/order/1")
    row = EntityRow(
        "default", "order", "1", last.version, last.version, START_US, last.recorded_at, None, last.position
    )
    entities.save(tx, [row])


def _records(entries: int) -> Iterator[EntryRecord]:
    previous = digest.ORIGIN
    versions: dict[str, int] = {}
    for position, (stream, fact) in enumerate(islice(_facts(entries), entries), 1):
        version = versions[stream] = versions.get(stream, 0) + 1
        data = msgspec.json.encode(fact).decode()
        fields = (position, "default", stream, version, fact.kind, data, "{}", "", "", "", START_US + position)
        previous = digest.chain(previous, fields)
        yield EntryRecord(*fields, previous)


def _facts(entries: int) -> Iterator[tuple[str, Fact]]:
    yield "bucket/counters", BucketCreated(1)
    every = max(1, entries // RARE)
    number = 0
    while True:
        number += 1
        if number % every == 1:
            yield "config/limits", ConfigUpdated(DATA)
            yield "function/f", FunctionRegistered(id="f", name="f", version=number // every + 1)
        yield "entity/order/1", EventEmitted(f"evt_{number}", "order.changed", DATA)
        yield "kv/counters/n", KvPut(1, 1, msgspec.Raw(str(number).encode()))


if __name__ == "__main__":
    main()
