"""`python -m benchmarks.access`: what the door costs a call, in process and without a network.

    python -m benchmarks.access [--calls 20000]

A call is let in as the hot ways let it in: by its bearer's key, into its environment, by its role, and past the
policies there are. Each case prints the median and the 99th percentile of one call.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from app import resources
from app.access.bootstrap import SYSTEM
from app.access.limits import RateLimits
from app.access.policies import Author
from app.api.door import Door
from app.clock import SystemClock
from app.history.kinds import PolicyDefinition
from app.ids import Ids
from app.node import Node
from benchmarks import machine
from storage import open_storage

POLICIES = 100
KEYS = 1_000


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
    issued = await node.access.keys.create(SYSTEM, "bench", ["developer"])
    for number in range(KEYS):
        await node.access.keys.create(SYSTEM, f"other {number}", ["viewer"])
    told = {"Authorization": f"Bearer {issued.secret}", "X-Ironflow-Environment-ID": "default"}
    header = told.get
    limits = RateLimits(node.clock)
    opened = Door(node.access, limits, required=False)
    door = Door(node.access, limits, required=True)
    bounded = Door(node.access, RateLimits(node.clock, per_key=10**6, per_org=10**6), required=True)

    _time("nobody is asked (--dev)", calls, lambda n: opened.admit(header, "kv:read", "kv/carts/c1"))
    _time(f"a key among {KEYS:,}, no policies", calls, lambda n: door.admit(header, "kv:read", "kv/carts/c1"))
    _time("the same with rate limits", calls, lambda n: bounded.admit(header, "kv:read", "kv/carts/c1"))
    author = Author(SYSTEM, "default")
    for number in range(POLICIES):
        definition = PolicyDefinition(
            name=f"p{number}",
            actions=("kv:*",),
            resources=(f"kv/secret-{number}/*",),
            condition="!('admin' in subject.roles) && resource.id.startsWith('x')" if number % 2 else "",
        )
        await node.policies.create("default", definition, author=author)
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


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.access", description=__doc__)
    parser.add_argument("--calls", type=int, default=20_000)
    options = parser.parse_args()
    print("\n".join(machine.describe()))
    asyncio.run(measure(options.calls))


if __name__ == "__main__":
    main()
