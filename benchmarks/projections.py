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
from pathlib import Path
from typing import Any

import uvloop

from benchmarks import machine
from benchmarks.process import child
from ironflow import AsyncClient, ProjectedEvent, Worker, projection
from tests.support.postgres import Cluster
from tests.support.server import COMMAND, ServerProcess

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
            server = ServerProcess(data_dir=Path(folder) / store, database_url=url, command=COMMAND)
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
            await lags(client, server, seconds)


async def report(client: AsyncClient, server: ServerProcess, name: str, head: int, events: int) -> None:
    begun_at = (await client.projections.wait(name, head // 10, timeout_s=WAIT_S))["currentSeq"]
    begun, begun_cpu = time.perf_counter(), machine.cpu_s(server.pid)
    await client.projections.wait(name, head, timeout_s=WAIT_S)
    spent, spent_cpu = time.perf_counter() - begun, machine.cpu_s(server.pid) - begun_cpu
    count = events * (head - begun_at) / head
    print(f"  {name:<10} {count / spent:>9,.0f} events/s  {count / spent_cpu:>9,.0f} a CPU-second of the server")


async def lags(client: AsyncClient, server: ServerProcess, seconds: float) -> None:
    """How long an event takes into the state, while a thousand a second come, and how much of that is its emit."""
    begun_cpu, until, emitted = machine.cpu_s(server.pid), time.perf_counter() + seconds, 0

    async def load() -> None:
        nonlocal emitted
        due = time.perf_counter()
        while due < until:
            await client.emit_batch([order(emitted + one) for one in range(int(RATE * TICK_S))])
            emitted += int(RATE * TICK_S)
            due += TICK_S
            await asyncio.sleep(max(0.0, due - time.perf_counter()))

    async def probe(name: str, seen: list[float], emits: list[float]) -> None:
        while (begun := time.perf_counter()) < until:
            event = await client.emit("order.placed", {"customer": 0, "total": 1})
            emits.append(time.perf_counter() - begun)
            await client.projections.wait_for_event(name, event.event_id, timeout_s=WAIT_S)
            seen.append(time.perf_counter() - begun)
            await asyncio.sleep(TICK_S)

    found: dict[str, tuple[list[float], list[float]]] = {"declared": ([], []), "managed": ([], [])}
    await asyncio.gather(load(), *(probe(name, *lists) for name, lists in found.items()))
    spent_ms = 1_000 * (machine.cpu_s(server.pid) - begun_cpu)
    for name, (seen, emits) in found.items():
        p50, p99, emit50, emit99 = (
            1_000 * machine.percentile(values, share) for values in (seen, emits) for share in (0.5, 0.99)
        )
        print(
            f"  {name:<10} lag p50 {p50:,.1f} ms  p99 {p99:,.1f} ms  ({len(seen)} probes);"
            f" the emit alone p50 {emit50:,.1f} ms  p99 {emit99:,.1f} ms"
        )
    print(f"  server {spent_ms / emitted:.2f} CPU-ms an event, at {emitted / seconds:,.0f} a second")


def order(number: int) -> dict[str, Any]:
    return {"name": "order.placed", "data": {"customer": number % CUSTOMERS, "total": number % 97}}


if __name__ == "__main__":
    main()
