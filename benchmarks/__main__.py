"""`make bench`: the spine's figures on both stores, against real processes over loopback.

    python -m benchmarks [--seconds S] [--stores sqlite,postgres] [--memory-runs N]

Every case is closed-loop and bounded; processes end with it.
"""

from __future__ import annotations

import argparse
import itertools
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvloop

from benchmarks import load, machine
from tests.support.postgres import Cluster
from tests.support.server import ServerProcess

STEPS = 5
PAYLOAD = b'{"id":1,"customer":"c-42","items":[{"sku":"a-1","quantity":2}],"note":"about a hundred bytes of data"}'
SYNC = b'{"event":"bench.five","data":' + PAYLOAD + b',"timeoutMs":30000}'
EMIT = b'{"name":"bench.single","data":' + PAYLOAD + b"}"
BATCH = b"[" + b",".join([EMIT] * 100) + b"]"
TRIGGER_SYNC = "/ironflow.v1.IronflowService/TriggerSync"


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
            url = cluster.create_database() if store == "postgres" else None
            with _server(place / store, url) as server, _worker(server) as worker_pid:
                uvloop.run(_cases(store, server, worker_pid, options))


async def _cases(store: str, server: ServerProcess, worker_pid: int, options: argparse.Namespace) -> None:
    url, seconds = server.url, options.seconds
    print(f"\n{store}")
    await load.run(url, TRIGGER_SYNC, lambda: SYNC, clients=16, seconds=2)
    for clients in (1, 16, 256):
        await _runs(f"runs of {STEPS} steps, {clients} in flight", server, worker_pid, clients, seconds)
    for clients in (1, 64):
        result = await load.run(url, "/api/v1/events", lambda: EMIT, clients=clients, seconds=seconds)
        _row(f"single emits, {clients} clients", result, f"{result.rate:,.0f} events/s")
    for clients in (1, 4):
        result = await load.run(url, "/api/v1/events", lambda: BATCH, clients=clients, seconds=seconds)
        _row(f"batches of 100 emits, {clients} clients", result, f"{100 * result.rate:,.0f} events/s")
    if options.memory_runs:
        await _memory(server, options.memory_runs)


async def _runs(title: str, server: ServerProcess, worker_pid: int, clients: int, seconds: float) -> None:
    processes = {
        "server": [server.pid],
        "worker": [worker_pid],
        "nats": machine.children(server.pid),
        "load": [os.getpid()],
    }
    before = {name: sum(map(machine.cpu_s, pids)) for name, pids in processes.items()}
    result = await load.run(server.url, TRIGGER_SYNC, lambda: SYNC, clients=clients, seconds=seconds)
    steps = STEPS * len(result.latencies)
    used = {name: sum(map(machine.cpu_s, pids)) - before[name] for name, pids in processes.items()}
    costs = ", ".join(f"{name} {1_000 * spent / steps:.3f}" for name, spent in used.items())
    _row(title, result, f"{STEPS * result.rate:,.0f} steps/s")
    print(f"    CPU-ms a step: {costs}")


async def _memory(server: ServerProcess, runs: int) -> None:
    print(f"  memory over {runs:,} runs, MiB resident:")
    done = 0
    for part in itertools.repeat(max(1, runs // 5), 5):
        await load.run(server.url, TRIGGER_SYNC, lambda: SYNC, clients=256, requests=part)
        done += part
        nats = sum(map(machine.rss_mib, machine.children(server.pid)))
        print(f"    after {done:>8,} runs: server {machine.rss_mib(server.pid):.0f}, nats {nats:.0f}", flush=True)


def _row(title: str, result: load.Load, rate: str) -> None:
    errors = f"  {result.errors} ERRORS" if result.errors else ""
    latency = f"p50 {result.ms(0.5):.1f} ms  p99 {result.ms(0.99):.1f} ms"
    print(f"  {title:<36} {rate:>18}  {latency}{errors}", flush=True)


@contextmanager
def _server(data_dir: Path, database_url: str | None) -> Iterator[ServerProcess]:
    server = ServerProcess(data_dir=data_dir, database_url=database_url)
    server.start()
    try:
        yield server
    finally:
        server.terminate()


@contextmanager
def _worker(server: ServerProcess) -> Iterator[int]:
    environment = {**os.environ, "IRONFLOW_SERVER_URL": server.url, "IRONFLOW_GRPC_ADDRESS": server.grpc_address}
    worker = subprocess.Popen([sys.executable, "-m", "benchmarks.worker"], env=environment)
    try:
        yield worker.pid
    finally:
        worker.terminate()
        worker.wait(30)


if __name__ == "__main__":
    main()
