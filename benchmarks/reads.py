"""What the benchmarks of the past share: a store of each kind, filled once, and reads at random positions that are
timed one after the other.

"processor" is this process's own time of a read, which counts where the machine is shared; "first" is one at the end of
history, before the others. Garbage is looked for as rarely as in a server.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from app import boot, resources
from benchmarks import machine
from storage import open_storage
from storage.contract import Storage
from tests.support.postgres import Cluster

Read = Callable[[int], Awaitable[object]]
Measure = Callable[[str, Storage, int, int], Awaitable[None]]
"""Of the name of a store, the store, its size and how many reads."""


def main(name: str, measure: Measure, *, of: str, size: int, reads: int) -> None:
    """Measure each store, empty and migrated; `of` is what the size counts."""
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{name}")
    parser.add_argument(f"--{of}", dest="size", type=int, default=size)
    parser.add_argument("--reads", type=int, default=reads, help="of each kind")
    parser.add_argument("--stores", default="sqlite,postgres")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ironflow-past-") as folder, Cluster(durable=True) as cluster:
        print("\n".join(machine.describe()), flush=True)
        for store in options.stores.split(","):
            location = cluster.create_database() if store == "postgres" else str(Path(folder) / "ironflow.db")
            asyncio.run(_measured(store, location, measure, options))


async def _measured(store: str, location: str, measure: Measure, options: argparse.Namespace) -> None:
    storage = await open_storage(location, resources.sql_folder())
    try:
        await storage.migrate()
        await measure(store, storage, options.size, options.reads)
    finally:
        await storage.close()


async def timed(title: str, read: Read, *, between: tuple[int, int], reads: int) -> None:
    """Print how long a read takes at random positions between two."""
    chosen = random.Random(7)
    boot.settle()
    began = time.perf_counter()
    await read(between[1] - 1)
    first = time.perf_counter() - began
    latencies, busy = [], []
    for _ in range(reads):
        position = chosen.randrange(*between)
        began, began_cpu = time.perf_counter(), time.process_time()
        await read(position)
        latencies.append(time.perf_counter() - began)
        busy.append(time.process_time() - began_cpu)
    p50, p99, cpu50, cpu99 = (
        machine.percentile(values, share) * 1_000 for values in (latencies, busy) for share in (0.5, 0.99)
    )
    print(
        f"  {title:<44} p50 {p50:6.1f} ms  p99 {p99:6.1f} ms   processor p50 {cpu50:6.1f} ms  p99 {cpu99:6.1f} ms"
        f"   first {first * 1_000:6.1f} ms",
        flush=True,
    )
