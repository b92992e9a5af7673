"""`python -m benchmarks.access`: what the door costs a call.

    python -m benchmarks.access [--calls 20000] [--pairs 60] [--requests 1000]

In process, without a network: a call is let in as the hot ways let it in, by its bearer's key, into its environment, by
its role, and past the policies there are. Each case prints the median and the 99th percentile of one call.

Over HTTP: gets of key-values through a door that asks who calls, and through one that asks nobody, as with --dev, of
one and the same process (benchmarks/doors.py), in short turns of so many requests, so that whatever else the machine
does meets both. Printed is the server's processor time for a get through each, and the median of what the guarded one
needs more within a pair of turns, with the interval in which it lies with a probability of 95 %. The same again with
the open door twice says what this could not tell apart.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import uvloop
from msgspec import json

from app import resources
from app.access.limits import RateLimits
from app.api.door import Door
from app.clock import SystemClock
from app.ids import Ids
from app.node import Node
from benchmarks import load, machine
from benchmarks.doors import BUCKET, KEYS, POLICIES, Doors, add_keys, add_policies
from benchmarks.process import child
from storage import open_storage

CLIENTS = 16
WARM_PAIRS = 2


async def measure(calls: int) -> None:
    clock = SystemClock()
    with tempfile.TemporaryDirectory(prefix="ironflow-bench-") as folder:
        storage = await open_storage(str(Path(folder) / "ironflow.db"), resources.sql_folder())
        await storage.migrate()
        node = Node(storage=storage, clock=clock, ids=Ids(clock))
        async with asyncio.TaskGroup() as tasks:
            running = await node.start(tasks)
            await _cases(node, calls)
            for task in running:
                task.cancel()
        await storage.close()


async def _cases(node: Node, calls: int) -> None:
    key = await add_keys(node)
    sent = {"authorization": f"Bearer {key}", "x-ironflow-environment-id": "default"}
    header = sent.get
    limits = RateLimits(node.clock)
    opened = Door(node.access, limits, required=False)
    door = Door(node.access, limits, required=True)
    bounded = Door(node.access, RateLimits(node.clock, per_key=10**6, per_org=10**6), required=True)

    _time("nobody is asked (--dev)", calls, lambda n: opened.admit(header, "kv:read", "kv/carts/c1"))
    _time(f"a key among {KEYS:,}, no policies", calls, lambda n: door.admit(header, "kv:read", "kv/carts/c1"))
    _time("the same with rate limits", calls, lambda n: bounded.admit(header, "kv:read", "kv/carts/c1"))
    await add_policies(node)
    _time(f"{POLICIES} policies, remembered", calls, lambda n: door.admit(header, "kv:read", "kv/carts/c1"))
    _time(f"{POLICIES} policies, each asked anew", calls, lambda n: door.admit(header, "kv:read", f"kv/carts/{n}"))


def _time(title: str, calls: int, call: Callable[[int], object]) -> None:
    took: list[float] = []
    for number in range(calls):
        started = time.perf_counter()
        call(number)
        took.append(time.perf_counter() - started)
    took.sort()
    p50, p99 = took[len(took) // 2] * 1e6, took[int(len(took) * 0.99)] * 1e6
    print(f"  {title:36} p50 {p50:8.1f} µs   p99 {p99:8.1f} µs")


def over_http(pairs: int, requests: int) -> None:
    with tempfile.TemporaryDirectory(prefix="ironflow-bench-") as folder:
        command = (sys.executable, "-m", "benchmarks.doors", folder)
        with child(command, log_file=Path(folder) / "log", environment=os.environ, talks=True) as process:
            assert process.stdout is not None
            doors = json.decode(process.stdout.readline(), type=Doors)
            open_, guarded = (doors.open_url, ""), (doors.guarded_url, doors.key)
            uvloop.run(_compared(doors.pid, f"with a key and {POLICIES} policies", open_, guarded, pairs, requests))
            uvloop.run(_compared(doors.pid, "the open door again", open_, open_, pairs, requests))


async def _compared(
    pid: int, title: str, base: tuple[str, str], other: tuple[str, str], pairs: int, requests: int
) -> None:
    """Print what a get costs through two doors, each a URL and the key it wants."""
    costs: tuple[list[float], list[float]] = ([], [])
    for number in range(WARM_PAIRS + pairs):
        for which in (0, 1) if number % 2 else (1, 0):
            cost = await _gets(pid, *(base, other)[which], requests)
            if number >= WARM_PAIRS:
                costs[which].append(cost)
    low, middle, high = machine.median_within([two / one - 1 for one, two in zip(*costs, strict=True)])
    print(f"  {'HTTP get with --dev':36} {statistics.median(costs[0]) * 1e6:8.1f} µs of the server's processor time")
    print(f"  {title:36} {statistics.median(costs[1]) * 1e6:8.1f} µs")
    print(f"  {'more':36} {middle:8.1%}    {low:.1%} to {high:.1%}, {pairs} pairs of {requests:,} requests")


async def _gets(pid: int, url: str, key: str, requests: int) -> float:
    """The server's processor seconds for a get."""
    numbers = itertools.count()

    def get() -> tuple[str, str, bytes]:
        return "GET", f"/api/v1/kv/buckets/{BUCKET}/keys/key.{next(numbers) % KEYS}", b""

    before = machine.running_s(pid)
    result = await load.send(url, get, clients=CLIENTS, requests=requests, token=key)
    assert not result.errors, f"{result.errors} gets failed"
    return (machine.running_s(pid) - before) / requests


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.access", description=__doc__)
    parser.add_argument("--calls", type=int, default=20_000)
    parser.add_argument("--pairs", type=int, default=60, help="of turns over HTTP")
    parser.add_argument("--requests", type=int, default=1_000, help="of each turn")
    options = parser.parse_args()
    print("\n".join(machine.describe()))
    asyncio.run(measure(options.calls))
    over_http(options.pairs, options.requests)


if __name__ == "__main__":
    main()
