"""Deliveries to a consumer group, and acknowledgements, through NATS: messages a second, for one member and several.

The events are there before the members join, so that what is measured is delivery. `python -m benchmarks.groups`.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from pathlib import Path

from app import resources
from app.bus.groups import GroupBus
from app.bus.members import Member
from app.bus.nats_server import NatsServer, spawn
from app.bus.place import Place
from app.bus.work import Settlement
from app.clock import SystemClock
from app.events.new_event import NewEvent
from app.history.kinds import GroupSettings
from app.ids import Ids
from app.node import Node
from storage import open_storage

BATCH = 1_000


async def measure(count: int, members: int, window: int) -> float:
    """Messages a second that were delivered and acknowledged."""
    with tempfile.TemporaryDirectory() as folder:
        server = NatsServer(spawn(resources.nats_server(), Path(folder) / "nats"))
        storage = await open_storage(str(Path(folder) / "ironflow.db"), resources.sql_folder())
        await storage.migrate()
        clock = SystemClock()
        node = Node(storage=storage, clock=clock, ids=Ids(clock))
        bus = GroupBus(
            place=Place(server=server),
            groups=node.groups,
            storage=storage,
            tail=node.tail,
            fold=node.fold,
            ids=node.ids,
        )
        async with asyncio.TaskGroup() as tasks:
            running = await node.start(tasks)
            running += [tasks.create_task(server.run()), tasks.create_task(bus.run())]
            await node.groups.create(
                "default", "bench", GroupSettings(pattern="bench.>", max_inflight=window * members)
            )
            for start in range(0, count, BATCH):
                await node.emitter.emit_batch(
                    [NewEvent("default", "bench.event", b'{"n":%d}' % n) for n in range(start, start + BATCH)]
                )
            group = node.groups.get("default", "bench")
            while not bus.up or (await bus.lag(group)).pending < count:  # noqa: ASYNC110 - another process acts
                await asyncio.sleep(0.1)
            rate = await _consume(bus, count, [bus.join("default", "bench", window=window) for _ in range(members)])
            for task in running:
                task.cancel()
        await storage.close()
    return rate


async def _consume(bus: GroupBus, count: int, members: list[Member]) -> float:
    seen: set[int] = set()
    done = asyncio.Event()

    async def member(one: Member) -> None:
        while True:
            batch = await one.taken()
            await bus.settle(one, [Settlement(given.event_id, "ack") for given in batch])
            seen.update(given.position for given in batch)
            if len(seen) == count:
                done.set()

    started = time.perf_counter()
    loops = [asyncio.create_task(member(one)) for one in members]
    await done.wait()
    seconds = time.perf_counter() - started
    for loop in loops:
        loop.cancel()
    return count / seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=19_000, help="events; at most a queue's window")
    parser.add_argument("--window", type=int, default=500)
    chosen = parser.parse_args()
    print("members  acked/s")
    for members in (1, 4):
        print(f"{members:7}  {asyncio.run(measure(chosen.count, members, chosen.window)):7,.0f}")


if __name__ == "__main__":
    main()
