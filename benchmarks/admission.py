"""`python -m benchmarks.admission`: what the options of functions cost an emit, in process and without a network.

    python -m benchmarks.admission [--functions 1000] [--events 2000]

With so many functions registered, each case emits events that fit one of them, in batches of 100 on SQLite, and prints
the time for each event, beside what the pure part of it takes: finding the function and planning its run.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from pathlib import Path
from typing import Any

from app import resources
from app.clock import SystemClock
from app.events.new_event import NewEvent
from app.history.kinds import Batch, CancelOn, Concurrency, Debounce, RateLimit, Singleton, Throttle, Trigger
from app.ids import Ids
from app.node import Node
from app.runs.definition import Definition
from benchmarks import machine
from storage import open_storage

BATCH = 100
CASES: dict[str, dict[str, Any]] = {
    "no options": {},
    "concurrency, throttle, priority": {
        "concurrency": Concurrency(10, "customer.id"),
        "throttle": Throttle(1_000, 1_000, "customer.id"),
        "priority": "event.data.n % 10",
    },
    "rate limit": {"rate_limit": RateLimit(10_000, 60_000, "customer.id")},
    "singleton": {"singleton": Singleton("customer.id")},
    "idempotency": {"idempotency": "event.data.n"},
    "debounce": {"debounce": Debounce(60_000, "customer.id")},
    "batch of 100": {"batch": Batch(100, 60_000)},
    "cancel_on": {"cancel_on": (CancelOn("stop", match="data.customer.id"),)},
}


async def measure(functions: int, events: int) -> None:
    clock = SystemClock()
    with tempfile.TemporaryDirectory(prefix="ironflow-bench-") as folder:
        storage = await open_storage(str(Path(folder) / "ironflow.db"), resources.sql_folder())
        await storage.migrate()
        node = Node(storage=storage, clock=clock, ids=Ids(clock))
        async with asyncio.TaskGroup() as tasks:
            running = await node.start(tasks)
            started = time.perf_counter()
            others = [
                Definition(f"other-{n}", triggers=(Trigger(event=f"other.{n}.>"),))
                for n in range(functions - len(CASES))
            ]
            await asyncio.gather(*(node.functions.register("default", one) for one in others))
            print(f"  {len(others)} functions registered in {time.perf_counter() - started:.1f} s")
            for number, (title, options) in enumerate(CASES.items()):
                trigger = Trigger(event=f"case.{number}")
                await node.functions.register("default", Definition(f"case-{number}", triggers=(trigger,), **options))
                await _case(node, title, f"case.{number}", events)
            for task in running:
                task.cancel()
        await storage.close()


async def _case(node: Node, title: str, name: str, events: int) -> None:
    made = [
        NewEvent("default", name, b'{"n":%d,"customer":{"id":"c-%d"},"note":"%s"}' % (n, n % 50, b"x" * 60))
        for n in range(events)
    ]
    started = time.perf_counter()
    for event in made:
        node.emitter.command(event)
    planned_us = (time.perf_counter() - started) / events * 1e6
    started = time.perf_counter()
    for first in range(0, events, BATCH):
        await node.emitter.emit_batch(made[first : first + BATCH])
    whole_us = (time.perf_counter() - started) / events * 1e6
    print(f"  {title:<34} {planned_us:>8.0f} µs planned {whole_us:>8.0f} µs in all", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.admission")
    parser.add_argument("--functions", type=int, default=1_000)
    parser.add_argument("--events", type=int, default=2_000)
    options = parser.parse_args()
    print("\n".join(machine.describe()))
    asyncio.run(measure(options.functions, options.events))


if __name__ == "__main__":
    main()
