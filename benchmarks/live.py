"""`make bench-live`: what live subscriptions take, over HTTP, from one process to another.

    python -m benchmarks.live [--seconds S] [--subscribers N] [--events N] [--stores sqlite,postgres]

Latency is from just before an event is sent until a subscriber has it, beside the commit, which is until the emitter
has its answer. Subscribers read server-sent events from a plain socket and decode nothing but where frames end.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import uvloop

from benchmarks import machine
from tests.support.postgres import Cluster
from tests.support.server import ServerProcess

DATA = {"id": 1, "customer": "c-42", "total": 120, "note": "about a hundred bytes of data in each event, as usual"}
BATCH = 1_000
LOOK_S = 0.1
TIMEOUT_S = 120.0


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.live")
    parser.add_argument("--seconds", type=float, default=5.0, help="of the latency case")
    parser.add_argument("--subscribers", type=int, default=1_000, help="of the fan-out and of the idle case")
    parser.add_argument("--events", type=int, default=100_000, help="of the replay")
    parser.add_argument("--stores", default="sqlite,postgres")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ironflow-bench-") as folder, Cluster(durable=True) as cluster:
        place = Path(folder)
        print("\n".join([*machine.describe(), *machine.floor(place, cluster.create_database())]))
        for store in options.stores.split(","):
            url = cluster.create_database() if store == "postgres" else None
            server = ServerProcess(data_dir=place / store, database_url=url)
            server.start()
            try:
                print(f"\n{store}")
                uvloop.run(_all(server, options))
            finally:
                server.terminate()


async def _all(server: ServerProcess, options: argparse.Namespace) -> None:
    async with httpx.AsyncClient(base_url=server.url, timeout=TIMEOUT_S, trust_env=False) as http:
        await latency(server, http, options.seconds)
        await fan_out(server, http, options.subscribers)
        await replay(server, http, options.events)


async def latency(server: ServerProcess, http: httpx.AsyncClient, seconds: float) -> None:
    """One emitter, one event at a time, one subscriber."""
    commits, deliveries = [], []
    async with subscriber(server, "latency.>") as frames:
        until = time.perf_counter() + seconds
        while time.perf_counter() < until:
            started = time.perf_counter()
            delivered = asyncio.ensure_future(anext(frames))
            await emit(http, "latency.event")
            commits.append(time.perf_counter() - started)
            await asyncio.wait_for(delivered, TIMEOUT_S)
            deliveries.append(time.perf_counter() - started)
    print(
        f"  latency     commit p50 {_ms(commits, 0.5)} ms, p99 {_ms(commits, 0.99)} ms;"
        f" to a subscriber p50 {_ms(deliveries, 0.5)} ms, p99 {_ms(deliveries, 0.99)} ms   ({len(commits)} events)"
    )


async def fan_out(server: ServerProcess, http: httpx.AsyncClient, count: int) -> None:
    """Memory of so many that are idle, then one event to all of them, ten times."""
    before = _memory(server)
    contexts = [subscriber(server, "fan.>") for _ in range(count)]
    opened = [await context.__aenter__() for context in contexts]
    idle = _memory(server)
    taken = []
    for _ in range(10):
        started = time.perf_counter()
        waiting = [asyncio.ensure_future(anext(frames)) for frames in opened]
        await emit(http, "fan.event")
        await asyncio.wait_for(asyncio.gather(*waiting), TIMEOUT_S)
        taken.append(time.perf_counter() - started)
    for context in contexts:
        await context.__aexit__(None, None, None)
    grown = idle - before
    print(f"  idle        {count:,} subscribers: {grown / 2**20:,.1f} MiB, {grown / count / 2**10:,.1f} KiB each")
    print(
        f"  fan-out     one event to {count:,}: all have it after p50 {_ms(taken, 0.5)} ms, at most {_ms(taken, 1)} ms"
        f" = {count / machine.percentile(taken, 0.5):,.0f} deliveries/s"
    )


async def replay(server: ServerProcess, http: httpx.AsyncClient, count: int) -> None:
    """One subscriber reads so many events of the past."""
    position = (await http.get("/api/v1/history/head")).json()["position"]
    for _ in range(0, count, BATCH):
        batch = [{"name": "replay.event", "data": DATA}] * BATCH
        (await http.post("/api/v1/events", json=batch)).raise_for_status()
    while (await http.get("/api/v1/outbox")).json()["waiting"]:  # noqa: ASYNC110 - still at work on what was emitted
        await asyncio.sleep(LOOK_S)
    started, seen = time.perf_counter(), 0
    async with subscriber(server, "replay.>", after=position) as frames:
        while seen < count:
            seen += await asyncio.wait_for(anext(frames), TIMEOUT_S)
    seconds = time.perf_counter() - started
    print(f"  replay      {seen:,} events in {seconds:.2f} s = {seen / seconds:,.0f} events/s")


async def emit(http: httpx.AsyncClient, name: str) -> None:
    (await http.post("/api/v1/events", json={"name": name, "data": DATA})).raise_for_status()


@asynccontextmanager
async def subscriber(server: ServerProcess, pattern: str, **options: Any) -> AsyncIterator[AsyncIterator[int]]:
    """Follows; brings, for each part read, how many events were in it."""
    place = urlsplit(server.url)
    reader, writer = await asyncio.open_connection(place.hostname, place.port, limit=2**20)
    query = str(httpx.QueryParams({"pattern": pattern, **options}))
    writer.write(f"GET /api/v1/subscribe?{query} HTTP/1.1\r\nHost: {place.netloc}\r\n\r\n".encode())
    head = await reader.readuntil(b"\r\n\r\n")
    assert b" 200 " in head, head
    await reader.readuntil(b": following")
    frames = _events(reader)
    try:
        yield frames
    finally:
        await frames.aclose()
        writer.close()


async def _events(reader: asyncio.StreamReader) -> AsyncGenerator[int, None]:
    kept = b""
    mark = b'"type":"event"'
    while part := await reader.read(2**18):
        count = (kept + part).count(mark)
        kept = part[-len(mark) + 1 :]
        if count:
            yield count


def _memory(server: ServerProcess) -> int:
    """Bytes of the server's process that are in memory."""
    pages = int(Path(f"/proc/{server.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _ms(seconds: list[float], share: float) -> str:
    return f"{machine.percentile(seconds, share) * 1_000:,.2f}"


if __name__ == "__main__":
    main()
