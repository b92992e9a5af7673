"""`python -m benchmarks.access`: what the door costs a call.

    python -m benchmarks.access [--calls 20000] [--pairs 12] [--seconds 1]

In process, without a network: a call is let in as the hot ways let it in, by its bearer's key, into its environment, by
its role, and past the policies there are. Each case prints the median and the 99th percentile of one call.

Over HTTP: gets of key-values from a server that asks who calls and has policies, and from one with --dev, in turns, so
that whatever else the machine does meets both. Printed is the server's CPU time for a get, and the median of what the
guarded one needs more within a pair of turns.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import uvloop
from msgspec import convert

from app import resources
from app.access.authoring import Author
from app.access.bootstrap import SYSTEM
from app.access.limits import RateLimits
from app.api.door import Door
from app.clock import SystemClock
from app.history.kinds import PolicyDefinition
from app.ids import Ids
from app.node import Node
from benchmarks import load, machine
from storage import open_storage
from tests.support.server import COMMAND, ServerProcess

POLICIES = 100
KEYS = 1_000
CLIENTS = 16
BUCKET = "/api/v1/kv/buckets/carts"
VALUE = b'{"id":1,"customer":"c-42","items":[{"sku":"a-1","quantity":2}],"note":"about a hundred bytes of data"}'


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
    sent = {"authorization": f"Bearer {issued.secret}", "x-ironflow-environment-id": "default"}
    header = sent.get
    limits = RateLimits(node.clock)
    opened = Door(node.access, limits, required=False)
    door = Door(node.access, limits, required=True)
    bounded = Door(node.access, RateLimits(node.clock, per_key=10**6, per_org=10**6), required=True)

    _time("nobody is asked (--dev)", calls, lambda n: opened.admit(header, "kv:read", "kv/carts/c1"))
    _time(f"a key among {KEYS:,}, no policies", calls, lambda n: door.admit(header, "kv:read", "kv/carts/c1"))
    _time("the same with rate limits", calls, lambda n: bounded.admit(header, "kv:read", "kv/carts/c1"))
    author = Author(SYSTEM, "default")
    for told in _definitions():
        await node.policies.create("default", convert(told, PolicyDefinition), author=author)
    _time(f"{POLICIES} policies, remembered", calls, lambda n: door.admit(header, "kv:read", "kv/carts/c1"))
    _time(f"{POLICIES} policies, each asked anew", calls, lambda n: door.admit(header, "kv:read", f"kv/carts/{n}"))


def _definitions() -> list[dict[str, Any]]:
    """Policies on other buckets, half of them with conditions."""
    condition = "!('admin' in subject.roles) && resource.id.startsWith('x')"
    return [
        {
            "name": f"p{number}",
            "actions": ["kv:*"],
            "resources": [f"kv/secret-{number}/*"],
            "condition": condition if number % 2 else "",
        }
        for number in range(POLICIES)
    ]


def _time(title: str, calls: int, call: Callable[[int], object]) -> None:
    took: list[float] = []
    for number in range(calls):
        started = time.perf_counter()
        call(number)
        took.append(time.perf_counter() - started)
    took.sort()
    p50, p99 = took[len(took) // 2] * 1e6, took[int(len(took) * 0.99)] * 1e6
    print(f"  {title:36} p50 {p50:8.1f} µs   p99 {p99:8.1f} µs")


def over_http(pairs: int, seconds: float) -> None:
    with tempfile.TemporaryDirectory(prefix="ironflow-bench-") as folder:
        place = Path(folder)
        servers = {
            guarded: ServerProcess(data_dir=place / str(guarded), guarded=guarded, command=COMMAND)
            for guarded in (False, True)
        }
        try:
            for server in servers.values():
                server.start()
            tokens = {guarded: _furnished(server, guarded=guarded) for guarded, server in servers.items()}
            costs: dict[bool, list[float]] = {False: [], True: []}
            for number in range(pairs + 1):
                for guarded in (False, True) if number % 2 else (True, False):
                    cost = uvloop.run(_gets(servers[guarded], tokens[guarded], seconds))
                    if number:  # the first warm up
                        costs[guarded].append(cost)
        finally:
            for server in servers.values():
                server.close()
    more = [guarded / open_ - 1 for open_, guarded in zip(costs[False], costs[True], strict=True)]
    print(f"  {'HTTP get with --dev':36} {statistics.median(costs[False]) * 1e6:8.1f} µs of the server's CPU")
    print(f"  {f'with a key and {POLICIES} policies':36} {statistics.median(costs[True]) * 1e6:8.1f} µs")
    low, _, high = statistics.quantiles(more, n=4)
    print(f"  {'more':36} {statistics.median(more):8.1%}    quartiles {low:.1%} to {high:.1%} of {pairs} pairs")


def _furnished(server: ServerProcess, *, guarded: bool) -> str:
    """The token of a developer's key, of a server with a key's worth of values, and policies if it is guarded."""
    headers = {"Authorization": f"Bearer {server.key}"} if guarded else {}
    with httpx.Client(base_url=server.url, headers=headers, timeout=60) as client:
        client.post("/api/v1/kv/buckets", json={"name": "carts"}).raise_for_status()
        for number in range(KEYS):
            client.put(f"{BUCKET}/keys/key.{number}", content=VALUE).raise_for_status()
        for definition in _definitions() if guarded else ():
            client.post("/api/v1/policies", json=definition).raise_for_status()
        made = client.post("/api/v1/apikeys", json={"name": "bench", "role_ids": ["developer"]}).json()
    return str(made["key"]) if guarded else ""


async def _gets(server: ServerProcess, token: str, seconds: float) -> float:
    """The server's CPU seconds for a get."""
    numbers = itertools.count()

    def get() -> tuple[str, str, bytes]:
        return "GET", f"{BUCKET}/keys/key.{next(numbers) % KEYS}", b""

    before = machine.cpu_s(server.pid)
    result = await load.send(server.url, get, clients=CLIENTS, seconds=seconds, token=token)
    assert not result.errors, f"{result.errors} gets failed"
    return (machine.cpu_s(server.pid) - before) / len(result.latencies)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.access", description=__doc__)
    parser.add_argument("--calls", type=int, default=20_000)
    parser.add_argument("--pairs", type=int, default=12, help="of turns over HTTP")
    parser.add_argument("--seconds", type=float, default=1.0, help="of each turn")
    options = parser.parse_args()
    print("\n".join(machine.describe()))
    asyncio.run(measure(options.calls))
    over_http(options.pairs, options.seconds)


if __name__ == "__main__":
    main()
