"""Appends to entity streams, beside the PyPI library `eventsourcing` on the same sorts of store.

    python -m benchmarks.appends [--seconds S] [--stores sqlite,postgres]

Ours goes over HTTP to a server of its own; the library runs in the writers' process. Every writer has one stream.
Rounds alternate, so that both see the same minutes of a shared machine.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import uvloop

from benchmarks import environment, load, machine
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


def _peers(python: str, url: str, writers: int, seconds: float) -> None:
    program = str(Path(__file__).parent / "worker_eventsourcing.py")
    command = [python, program, url, str(seconds), str(writers)]
    shown = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, timeout=300)
    rate, p50, p99 = map(float, shown.stdout.split())
    _row(f"eventsourcing, {writers} writers", rate, p50, p99)


def _row(title: str, rate: float, p50_ms: float, p99_ms: float, note: str = "") -> None:
    print(f"  {title:<44} {rate:>8,.0f} appends/s  p50 {p50_ms:.1f} ms  p99 {p99_ms:.1f} ms{note}", flush=True)


if __name__ == "__main__":
    main()
