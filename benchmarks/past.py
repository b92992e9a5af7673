"""Reads as of positions of a long past: how long they take when history has a million entries.

    python -m benchmarks.past [--entries N] [--reads N] [--stores sqlite,postgres]

One entity and one key share history, so that both streams are as long as they get; a function and a document have
100 entries each, spread over all of it. The past is appended in batches with its digest chain, and `history verify` is
timed over it. Reads go to the operations that REST calls, at random positions, one after the other.
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import random
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from itertools import islice
from pathlib import Path

import msgspec

from app import resources
from app.clock import ManualClock
from app.entities.reading import EntityReader, Key
from app.history import digest
from app.history.kinds import BucketCreated, ConfigUpdated, EventEmitted, Fact, FunctionRegistered, KvPut
from app.history.verify import verify
from app.ids import Ids
from app.node import Node
from benchmarks import machine
from storage import entities, history, open_storage
from storage.contract import Storage, Transaction
from storage.records import EntityRow, EntryRecord
from tests.support.postgres import Cluster

BATCH = 10_000
START_US = 1_764_000_000_000_000
SNAPSHOT_EVERY = 100
RARE = 100
DATA = msgspec.Raw(b'{"customer":"c-42","items":[{"sku":"a-1","quantity":2}],"note":"about a hundred bytes of data"}')

Read = Callable[[int], Awaitable[object]]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.past")
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--reads", type=int, default=1_000, help="of each kind")
    parser.add_argument("--stores", default="sqlite,postgres")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ironflow-past-") as folder, Cluster(durable=True) as cluster:
        print("\n".join(machine.describe()), flush=True)
        for store in options.stores.split(","):
            location = cluster.create_database() if store == "postgres" else str(Path(folder) / "ironflow.db")
            asyncio.run(_measure(store, location, options.entries, options.reads))


async def _measure(store: str, location: str, entries: int, reads: int) -> None:
    storage = await open_storage(location, resources.sql_folder())
    try:
        await storage.migrate()
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
            await _time(title, read, entries, reads)
    finally:
        await storage.close()


def _reads(storage: Storage) -> dict[str, Read]:
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


async def _time(title: str, read: Read, entries: int, reads: int) -> None:
    chosen = random.Random(7)
    positions = [chosen.randrange(entries // 2, entries) for _ in range(reads)]
    for position in positions[:20]:
        await read(position)
    latencies = []
    for position in positions:
        began = time.perf_counter()
        await read(position)
        latencies.append(time.perf_counter() - began)
    p50, p99 = (machine.percentile(latencies, share) * 1_000 for share in (0.5, 0.99))
    print(f"  {title:<44} p50 {p50:.2f} ms  p99 {p99:.2f} ms", flush=True)


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
