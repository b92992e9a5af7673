"""The past of a long run: how long a page of its timeline takes, and its state at any position.

    python -m benchmarks.run_past [--steps N] [--reads N] [--stores sqlite,postgres]

One run of so many steps, each with an output of about a hundred bytes, and as many entries of other streams between
them. What is timed is what a request costs without the network: reading, folding, and the answer as JSON, one after
the other, at random positions; "processor" is this process's own time of it, which counts where the machine is shared.
"first" is the first look at the end of the run, with nothing in memory.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec

from app import resources
from app.api.answers import encode
from app.api.shapes.comparing import diff_shown
from app.api.shapes.past import StateQuery, state_shown, timeline_shown
from app.history.kinds import EventEmitted, RunCompleted
from app.runs import machine as run_machine
from app.runs.comparing import Comparing
from app.runs.past import Past
from app.runs.timeline import Timelines
from benchmarks import machine
from storage import open_storage
from storage.contract import Storage
from tests.support.histories import ENVIRONMENT, Life, Scribe
from tests.support.postgres import Cluster

RUN = "run_00000000000000000000000001"
OUTPUT = {"charge": "ch_0123456789", "amount": 4_200, "currency": "EUR", "note": "about a hundred bytes of output"}
PAGE = 1_000

Read = Callable[[int], Awaitable[object]]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run_past")
    parser.add_argument("--steps", type=int, default=10_000)
    parser.add_argument("--reads", type=int, default=500, help="of each kind")
    parser.add_argument("--stores", default="sqlite,postgres")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ironflow-past-") as folder, Cluster(durable=True) as cluster:
        print("\n".join(machine.describe()), flush=True)
        for store in options.stores.split(","):
            location = cluster.create_database() if store == "postgres" else str(Path(folder) / "ironflow.db")
            asyncio.run(_measure(store, location, options.steps, options.reads))


async def _measure(store: str, location: str, steps: int, reads: int) -> None:
    storage = await open_storage(location, resources.sql_folder())
    try:
        await storage.migrate()
        scribe = _lived(steps)
        await storage.write(scribe.save)
        head = len(scribe.records)
        del scribe
        print(f"\n{store}: a run of {steps:,} steps, {head:,} entries of history, {reads} reads of each kind")
        for title, read in _reads(storage).items():
            await _time(title, read, head, reads)
    finally:
        await storage.close()


def _reads(storage: Storage) -> dict[str, Read]:
    timelines, past = Timelines(storage), Past(storage)
    comparing = Comparing(storage, past)

    async def page(position: int) -> object:
        return encode(timeline_shown(RUN, await timelines.page(ENVIRONMENT, RUN, after=position, limit=PAGE)))

    async def state(position: int) -> object:
        return encode(state_shown(await past.at(ENVIRONMENT, RUN, position), StateQuery(limit=PAGE)))

    async def light(position: int) -> object:
        query = StateQuery(limit=PAGE, outputs=False)
        return encode(state_shown(await past.at(ENVIRONMENT, RUN, position), query))

    async def everything(position: int) -> object:
        return encode(state_shown(await past.at(ENVIRONMENT, RUN, position), StateQuery(limit=10_000)))

    async def diff(position: int) -> object:
        found = await comparing.diff(ENVIRONMENT, RUN, max(3, position - 200), position)
        return encode(diff_shown(found, limit=PAGE, after=0))

    return {
        f"timeline, a page of {PAGE:,} records": page,
        f"state, with {PAGE:,} of its steps": state,
        "state, the same without outputs": light,
        "state, with all of its steps": everything,
        "diff over 200 positions": diff,
    }


async def _time(title: str, read: Read, head: int, reads: int) -> None:
    chosen = random.Random(7)
    began = time.perf_counter()
    await read(head)
    first = time.perf_counter() - began
    latencies, busy = [], []
    for _ in range(reads):
        position = chosen.randrange(3, head)
        began, began_cpu = time.perf_counter(), time.process_time()
        await read(position)
        latencies.append(time.perf_counter() - began)
        busy.append(time.process_time() - began_cpu)
    p50, p99, cpu50, cpu99 = (
        machine.percentile(values, share) * 1_000 for values in (latencies, busy) for share in (0.5, 0.99)
    )
    print(
        f"  {title:<40} p50 {p50:6.1f} ms  p99 {p99:6.1f} ms   processor p50 {cpu50:6.1f} ms  p99 {cpu99:6.1f} ms"
        f"   first {first * 1_000:6.1f} ms",
        flush=True,
    )


def _lived(steps: int) -> Scribe:
    scribe = Scribe()
    life = Life(scribe, RUN)
    life.write(*run_machine.decide_start(life.state, worker_id="w1", now=scribe.now))
    other = EventEmitted("evt_other", "other", msgspec.Raw(b"1"))
    for number in range(steps):
        scribe.now += 1_000
        scribe.write(f"event/evt_{number}", other)
        life.step(f"step-{number % 50}:{number // 50}", OUTPUT)
    life.write(RunCompleted(life.state.execution_seq))
    return scribe


if __name__ == "__main__":
    main()
