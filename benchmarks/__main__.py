"""`make bench`: the spine's figures on both stores, against real processes over loopback.

    python -m benchmarks [--seconds S] [--stores sqlite,postgres] [--memory-runs N]

Every case is closed-loop and bounded; processes end with it.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
from pathlib import Path

import uvloop

from benchmarks import load, machine, ours
from benchmarks.subject import Subject, cpu_of_all
from benchmarks.work import PAYLOAD, STEPS
from tests.support.postgres import Cluster
from tests.support.server import ServerProcess

EMIT = b'{"name":"bench.single","data":' + PAYLOAD + b"}"
BATCH = b"[" + b",".join([EMIT] * 100) + b"]"
EVENTS = "/api/v1/events"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("--seconds", type=float, default=10.0, help="of each case")
    parser.add_argument("--stores", default="sqlite,postgres")
    parser.add_argument("--memory-runs", type=int, default=0, help="runs after which memory is read; 0 leaves that out")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ironflow-bench-") as folder, Cluster(durable=True) as cluster:
        place = Path(folder)
        print("\n".join([*machine.describe(), *machine.floor(place, cluster.create_database())]))
        print(
            "settings  SQLite WAL synchronous=FULL; Postgres fsync and synchronous_commit on; digest chain on; NATS on"
        )
        print(f"          one server, one Python worker over gRPC, each step acknowledged; {STEPS} steps a run")
        for store in options.stores.split(","):
            print(f"\n{store}")
            on_postgres = store == "postgres"
            stores = {"postgres": cpu_of_all(cluster.pid)} if on_postgres else {}
            with (
                ours.running(place / store, cluster.create_database() if on_postgres else None) as server,
                ours.working(server, **stores) as subject,
            ):
                subject.run(16, 2.0)
                for clients in (1, 16, 256):
                    _runs(subject, clients, options.seconds)
                uvloop.run(_emits(server.url, options.seconds))
                if options.memory_runs:
                    uvloop.run(_memory(server, options.memory_runs))


def _runs(subject: Subject, clients: int, seconds: float) -> None:
    sample = subject.sample(clients, seconds)
    _row(f"runs of {STEPS} steps, {clients} in flight", sample.load, f"{sample.steps_s:,.0f} steps/s")
    print(f"    CPU-ms a step: {', '.join(f'{process} {spent:.3f}' for process, spent in sample.cpu_ms.items())}")


async def _emits(url: str, seconds: float) -> None:
    for clients in (1, 64):
        result = await load.run(url, EVENTS, lambda: EMIT, clients=clients, seconds=seconds)
        _row(f"single emits, {clients} clients", result, f"{result.rate:,.0f} events/s")
    for clients in (1, 4):
        result = await load.run(url, EVENTS, lambda: BATCH, clients=clients, seconds=seconds)
        _row(f"batches of 100 emits, {clients} clients", result, f"{100 * result.rate:,.0f} events/s")


async def _memory(server: ServerProcess, runs: int) -> None:
    print(f"  memory over {runs:,} runs, MiB resident:")
    done = 0
    for part in itertools.repeat(max(1, runs // 5), 5):
        await load.run(server.url, ours.TRIGGER_SYNC, lambda: ours.SYNC, clients=256, requests=part)
        done += part
        nats = sum(map(machine.rss_mib, machine.children(server.pid)))
        print(f"    after {done:>8,} runs: server {machine.rss_mib(server.pid):.0f}, nats {nats:.0f}", flush=True)


def _row(title: str, result: load.Load, rate: str) -> None:
    errors = f"  {result.errors} ERRORS" if result.errors else ""
    latency = f"p50 {result.ms(0.5):.1f} ms  p99 {result.ms(0.99):.1f} ms"
    print(f"  {title:<36} {rate:>18}  {latency}{errors}", flush=True)


if __name__ == "__main__":
    main()
