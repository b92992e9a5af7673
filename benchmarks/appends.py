"""Appends to entity streams, beside the PyPI library `eventsourcing` on the same sorts of store.

    python -m benchmarks.appends [--seconds S] [--stores sqlite,postgres]

The library runs in the writers' process. So does ours in "in process": a node as a server has it, without HTTP and
NATS; else it goes over HTTP to a server of its own. Every writer has one stream. Rounds alternate, so that all see the
same minutes of a shared machine.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import uvloop

from app import boot, resources
from app.cancelling import end
from app.clock import SystemClock
from app.entities.streams import Append
from app.events.new_event import NewEvent
from app.ids import Ids
from app.node import Node
from benchmarks import environment, load, machine
from storage import open_storage
from tests.support.postgres import Cluster
from tests.support.server import ServerProcess

PEER = ("eventsourcing[postgres]==9.5.6", "psycopg[binary,pool]")
PATH = "/api/v1/streams"
ROUNDS = 2
WRITERS = (1, 16)
DATA = {"id": 1, "customer": "c-42", "items": [{"sku": "a-1", "quantity": 2}], "note": "about a hundred bytes of data"}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.appends")
    parser.add_argument("--seconds", type=float, default=5.0, help="of each case")
    parser.add_argument("--stores", default="sqlite,postgres")
    options = parser.parse_args()
    python = str(environment.python("eventsourcing", *PEER))
    with tempfile.TemporaryDirectory(prefix="ironflow-appends-") as folder, Cluster(durable=True) as cluster:
        place = Path(folder)
        print("\n".join([*machine.describe(), *machine.floor(place, cluster.create_database())]), flush=True)
        for store, number in itertools.product(options.stores.split(","), range(ROUNDS)):
            on_postgres = store == "postgres"
            server = ServerProcess(
                data_dir=place / f"{store}-{number}", database_url=cluster.create_database() if on_postgres else None
            )
            server.start()
            print(f"\n{store}, round {number + 1}", flush=True)
            try:
                for writers in WRITERS:
                    for expecting in (False, True):
                        _ours(server.url, writers, options.seconds, expecting=expecting)
                    own = cluster.create_database() if on_postgres else f"{place}/own-{number}-{writers}.db"
                    uvloop.run(_in_process(own, writers, options.seconds))
                    url = cluster.create_database() if on_postgres else f"sqlite:{place}/peer-{number}-{writers}.db"
                    _peers(python, url, writers, options.seconds)
            finally:
                server.terminate()


def _ours(url: str, writers: int, seconds: float, *, expecting: bool) -> None:
    async def all_writers() -> list[load.Load]:
        await load.run(url, PATH, _writer(f"warm-{writers}-{expecting}", expecting=False), clients=1, requests=200)
        return await asyncio.gather(
            *(
                load.run(
                    url, PATH, _writer(f"{writers}-{expecting}-{n}", expecting=expecting), clients=1, seconds=seconds
                )
                for n in range(writers)
            )
        )

    loads = uvloop.run(all_writers())
    latencies = [latency for one in loads for latency in one.latencies]
    errors = sum(one.errors for one in loads)
    rate = sum(one.rate for one in loads)
    how = "with expected version" if expecting else "any version"
    p50, p99 = (machine.percentile(latencies, share) * 1_000 for share in (0.5, 0.99))
    _row(f"ironflow, {writers} writers, {how}", rate, p50, p99, f"  {errors} ERRORS" if errors else "")


def _writer(id: str, *, expecting: bool) -> Callable[[], bytes]:
    """Requests of one writer, which is alone on its stream and so knows its version."""
    versions = itertools.count()

    def request() -> bytes:
        version = next(versions) if expecting else -1
        append = {"entityType": "order", "entityId": id, "expectedVersion": version}
        return json.dumps({"appends": [{**append, "events": [{"name": "order.changed", "data": DATA}]}]}).encode()

    return request


async def _in_process(location: str, writers: int, seconds: float) -> None:
    storage = await open_storage(location, resources.sql_folder())
    await storage.migrate()
    clock = SystemClock()
    node = Node(storage=storage, clock=clock, ids=Ids(clock))
    taken: list[float] = []
    event = NewEvent("default", "order.changed", msgspec.json.encode(DATA))

    async def write(name: str) -> None:
        for version in itertools.count():
            began = time.perf_counter()
            if began >= until:
                break
            await node.streams.append("default", [Append("order", name, (event,), version)])
            taken.append(time.perf_counter() - began)

    async with asyncio.TaskGroup() as tasks:
        running = await node.start(tasks)
        boot.settle()
        started = time.perf_counter()
        until = started + seconds
        await asyncio.gather(*(write(f"o-{number}") for number in range(writers)))
        elapsed = time.perf_counter() - started
        await end(*running)
    await storage.close()
    p50, p99 = (machine.percentile(taken, share) * 1_000 for share in (0.5, 0.99))
    _row(f"ironflow in process, {writers} writers, with expected version", len(taken) / elapsed, p50, p99)


def _peers(python: str, url: str, writers: int, seconds: float) -> None:
    program = str(Path(__file__).parent / "worker_eventsourcing.py")
    command = [python, program, url, str(seconds), str(writers)]
    shown = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, timeout=300)
    rate, p50, p99 = map(float, shown.stdout.split())
    _row(f"eventsourcing, {writers} writers", rate, p50, p99)


def _row(title: str, rate: float, p50_ms: float, p99_ms: float, note: str = "") -> None:
    print(f"  {title:<56} {rate:>8,.0f} appends/s  p50 {p50_ms:.1f} ms  p99 {p99_ms:.1f} ms{note}", flush=True)


if __name__ == "__main__":
    main()
