"""`make bench-projections`: how fast projections fold what is there, and how soon they have what comes.

    python -m benchmarks.projections [--events N] [--seconds S] [--stores sqlite,postgres]

Folding: N events are recorded first; counted is from a tenth of them to the last one, through a Python worker over
gRPC and by the server's own rules. Lag: at 1,000 events a second, from sending an event to the answer that says that it
is in the state, over HTTP, both included.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import uvloop

from benchmarks import machine
from benchmarks.process import child
from ironflow import AsyncClient, ProjectedEvent, Worker, projection
from tests.support.postgres import Cluster
from tests.support.server import ServerProcess

BATCH = 1_000
RATE = 1_000
TICK_S = 0.05
CUSTOMERS = 100
WAIT_S = 600.0
RULES = [{"on": "order.placed", "set": {"count": "state.count + 1", "total": "state.total + event.data.total"}}]


@projection("managed", events=["order.placed"], initial={"count": 0, "total": 0})
def managed(state: dict[str, int], event: ProjectedEvent) -> dict[str, int]:
    state["count"] += 1
    state["total"] += event.data["total"]
    return state


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.projections")
    parser.add_argument("--events", type=int, default=50_000)
    parser.add_argument("--seconds", type=float, default=10.0, help="of the lag")
    parser.add_argument("--stores", default="sqlite,postgres")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        Worker(projections=[managed]).start()
        return
    with tempfile.TemporaryDirectory(prefix="ironflow-bench-") as folder, Cluster(durable=True) as cluster:
        print("\n".join(machine.describe()))
        for store in options.stores.split(","):
            url = cluster.create_database() if store == "postgres" else None
            server = ServerProcess(data_dir=Path(folder) / store, database_url=url)
            server.start()
            try:
                print(f"\n{store}, {options.events} events")
                uvloop.run(measure(server, options.events, options.seconds))
            finally:
                server.terminate()


async def measure(server: ServerProcess, events: int, seconds: float) -> None:
    environment = {**os.environ, "IRONFLOW_SERVER_URL": server.url, "IRONFLOW_GRPC_ADDRESS": server.grpc_address}
    command = [sys.executable, "-m", "benchmarks.projections", "--worker"]
    log_file = server.data_dir.with_name(f"{server.data_dir.name}-worker.log")
    async with AsyncClient(server.url, timeout_s=60) as client:
        for begin in range(0, events, BATCH):
            await client.emit_batch([order(number) for number in range(begin, min(begin + BATCH, events))])
        head = (await client.request("GET", "/api/v1/history/head"))["position"]
        await client.projections.declare("declared", events=["order.placed"], rules=RULES, initial=managed.initial)
        await report(client, server, "declared", head, events)
        with child(command, log_file=log_file, environment=environment):
            while not await client.projections.list(mode="managed"):  # noqa: ASYNC110 - nothing tells of it
                await asyncio.sleep(TICK_S)
            await report(client, server, "managed", head, events)
            for name in ("declared", "managed"):
                state = await client.projections.state(name)
                assert state["count"] == events, (name, state)
            await lags(client, seconds)


async def report(client: AsyncClient, server: ServerProcess, name: str, head: int, events: int) -> None:
    begun_at = (await client.projections.wait(name, head // 10, timeout_s=WAIT_S))["currentSeq"]
    begun, begun_cpu = time.perf_counter(), machine.cpu_s(server.pid)
    await client.projections.wait(name, head, timeout_s=WAIT_S)
    spent, spent_cpu = time.perf_counter() - begun, machine.cpu_s(server.pid) - begun_cpu
    count = events * (head - begun_at) / head
    print(f"  {name:<10} {count / spent:>9,.0f} events/s  {count / spent_cpu:>9,.0f} a CPU-second of the server")


async def lags(client: AsyncClient, seconds: float) -> None:
    """How long an event takes into the state, while a thousand a second come."""
    until = time.perf_counter() + seconds

    async def load() -> None:
        due, number = time.perf_counter(), 0
        while due < until:
            await client.emit_batch([order(number + one) for one in range(int(RATE * TICK_S))])
            number += int(RATE * TICK_S)
            due += TICK_S
            await asyncio.sleep(max(0.0, due - time.perf_counter()))

    async def probe(name: str) -> Sequence[float]:
        seen: list[float] = []
        while (begun := time.perf_counter()) < until:
            emitted = await client.emit("order.placed", {"customer": 0, "total": 1})
            await client.projections.wait_for_event(name, emitted.event_id, timeout_s=WAIT_S)
            seen.append(time.perf_counter() - begun)
            await asyncio.sleep(TICK_S)
        return sorted(seen)

    _, *found = await asyncio.gather(load(), probe("declared"), probe("managed"))
    for name, seen in zip(("declared", "managed"), found, strict=True):
        p50, p99 = (1_000 * seen[int(len(seen) * part)] for part in (0.5, 0.99))
        print(f"  {name:<10} lag p50 {p50:,.1f} ms  p99 {p99:,.1f} ms  ({len(seen)} probes)")


def order(number: int) -> dict[str, Any]:
    return {"name": "order.placed", "data": {"customer": number % CUSTOMERS, "total": number % 97}}


if __name__ == "__main__":
    main()
