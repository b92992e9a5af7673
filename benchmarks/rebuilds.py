"""A declared projection over a million events: how fast it is built and rebuilt, in how much memory, and how long a
state as of a position takes.

    python -m benchmarks.rebuilds [--events N] [--reads N] [--stores sqlite,postgres]

Events are written to the store directly, with their digest chain. All is in this process, without HTTP: `memory` is
how far its resident memory rose meanwhile, at the most. A state is read at random positions of the whole; a snapshot is
kept about every 500 events of a partition, so that as many at most are folded for it, after they were looked for among
those of a hundred partitions.
"""

from __future__ import annotations

import asyncio
import functools
import os
import time
from collections.abc import Iterator
from itertools import islice

import msgspec

from app.clock import SystemClock
from app.history import digest
from app.history.kinds import EventEmitted, ProjectionDefinition, Rule
from app.ids import Ids
from app.node import Node
from benchmarks import machine, reads
from storage import events, history
from storage.contract import Storage, Transaction
from storage.records import EntryRecord, EventRow

ENVIRONMENT, PARTITIONS = "default", 100
BATCH = 5_000
LOOK_S = 0.2
START_US = 1_764_000_000_000_000
WHOLE = ProjectionDefinition(
    "declared",
    ("order.placed",),
    initial=msgspec.Raw(b'{"count":0,"total":0}'),
    rules=(Rule("order.placed", set={"count": "state.count + 1", "total": "state.total + event.data.total"}),),
)
PARTED = msgspec.structs.replace(WHOLE, partition_key="$.data.customer")


def main() -> None:
    reads.main("rebuilds", _measure, of="events", size=1_000_000, reads=300)


async def _measure(store: str, storage: Storage, size: int, count: int) -> None:
    made = _records(size)
    while batch := list(islice(made, BATCH)):
        await storage.write(functools.partial(_append, batch))
    print(f"\n{store}: {size:,} events", flush=True)
    clock = SystemClock()
    node = Node(storage=storage, clock=clock, ids=Ids(clock))
    async with asyncio.TaskGroup() as tasks:
        running = await node.start(tasks)
        for name, definition in (("one", WHOLE), ("parted", PARTED)):
            await node.projections.register(ENVIRONMENT, name, definition)
            await _watched(f"{name}: built", node, name, size)
        await node.projections.rebuilds.start(ENVIRONMENT, "one")
        await _watched("one: rebuilt", node, "one", size)
        for name, partition in (("one", ""), ("parted", "c-7")):
            projection = node.projections.registry.get(ENVIRONMENT, name)
            read = functools.partial(_state, node, projection.name, partition)
            await reads.timed(f"{name}: a state as of a position", read, between=(1, size), reads=count)
        for task in running:
            task.cancel()


async def _state(node: Node, name: str, partition: str, position: int) -> object:
    projections = node.projections
    return await projections.states.get(projections.registry.get(ENVIRONMENT, name), partition, at=position)


async def _watched(title: str, node: Node, name: str, size: int) -> None:
    """Print how fast a projection came to the end of what there is."""
    began, began_cpu = time.perf_counter(), time.process_time()
    before = most = machine.rss_mib(os.getpid())
    while not await _is_there(node, name):
        await asyncio.sleep(LOOK_S)
        most = max(most, machine.rss_mib(os.getpid()))
    spent, spent_cpu = time.perf_counter() - began, time.process_time() - began_cpu
    print(
        f"  {title:<20} {size / spent:>9,.0f} events/s  {size / spent_cpu:>9,.0f} a CPU-second"
        f"  memory +{most - before:,.0f} MiB",
        flush=True,
    )


async def _is_there(node: Node, name: str) -> bool:
    projection = node.projections.registry.get(ENVIRONMENT, name)
    status = await node.projections.status(projection)
    assert not projection.error, projection.error
    return projection.building is None and status.lag == 0


def _append(batch: list[EntryRecord], tx: Transaction) -> None:
    history.append(tx, batch)
    rows = [
        EventRow(one.position, f"evt_{one.position}", ENVIRONMENT, "order.placed", "sdk", "", "", one.recorded_at)
        for one in batch
    ]
    events.save(tx, rows)


def _records(size: int) -> Iterator[EntryRecord]:
    previous = digest.ORIGIN
    for position in range(1, size + 1):
        told = {"customer": f"c-{position % PARTITIONS}", "total": position % 97}
        fact = EventEmitted(f"evt_{position}", "order.placed", msgspec.Raw(msgspec.json.encode(told)))
        data = msgspec.json.encode(fact).decode()
        fields = (
            position,
            ENVIRONMENT,
            f"event/evt_{position}",
            1,
            fact.kind,
            data,
            "{}",
            "",
            "",
            "",
            START_US + position,
        )
        previous = digest.chain(previous, fields)
        yield EntryRecord(*fields, previous)


if __name__ == "__main__":
    main()
