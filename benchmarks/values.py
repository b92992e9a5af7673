"""`make bench-values`: key-values put and read a second, beside raw JetStream KV and Redis in the same minutes.

    python -m benchmarks.values [--seconds S] [--clients N] [--systems sqlite,postgres,jetstream,redis]

Ours over HTTP, each put durable (fsync) and in the one history before it is answered, each get linearizable.
JetStream's own KV by nats-py over one connection a client, on a nats-server of its own: once as it comes, which syncs
every two minutes, and once with `sync_interval: always`, which promises what ours does. Redis likewise, with an
append-only file that is synced every second, and before each answer. Its server is installed into .bench/.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import subprocess
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nats
import uvloop

from app import resources
from benchmarks import load, machine, peer_redis
from tests.support.postgres import Cluster
from tests.support.server import COMMAND, ServerProcess

VALUE = b'{"id":1,"customer":"c-42","items":[{"sku":"a-1","quantity":2}],"note":"about a hundred bytes of data"}'
KEYS = 1_000
SYSTEMS = ("sqlite", "postgres", "jetstream", "redis")
START_TIMEOUT_S = 20.0


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.values")
    parser.add_argument("--seconds", type=float, default=10.0, help="of each case")
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--systems", default=",".join(SYSTEMS))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ironflow-bench-") as folder, Cluster(durable=True) as cluster:
        place = Path(folder)
        print("\n".join([*machine.describe(), *machine.floor(place, cluster.create_database())]))
        print(f"settings  {options.clients} clients, values of {len(VALUE)} bytes over {KEYS} keys, closed loop")
        for system in options.systems.split(","):
            match system:
                case "sqlite" | "postgres":
                    url = cluster.create_database() if system == "postgres" else None
                    measure_ours(place / system, url, options.clients, options.seconds)
                case "jetstream":
                    measure_jetstream(place, options.clients, options.seconds)
                case "redis":
                    measure_redis(place, options.clients, options.seconds)
                case _:
                    parser.error(f"there is no system {system!r}: {', '.join(SYSTEMS)}")


def measure_ours(place: Path, database_url: str | None, clients: int, seconds: float) -> None:
    server = ServerProcess(data_dir=place, database_url=database_url, command=COMMAND)
    server.start()
    try:
        print(f"\n{place.name}")
        uvloop.run(ours(server, clients, seconds))
    finally:
        server.terminate()


def measure_jetstream(place: Path, clients: int, seconds: float) -> None:
    for sync in ("2m", "always"):
        print(f"\njetstream kv, sync_interval {sync}")
        with nats_server(place / f"nats-{sync}", sync) as (url, pid):
            uvloop.run(jetstream(url, pid, clients, seconds))


def measure_redis(place: Path, clients: int, seconds: float) -> None:
    try:
        peer_redis.install()
    except subprocess.CalledProcessError:
        print(f"\nredis\n  not here: {peer_redis.PACKAGE} has no server for this machine, and none is on PATH")
        return
    for sync in ("everysec", "always"):
        print(f"\nredis, appendfsync {sync}")
        with peer_redis.running(place / f"redis-{sync}", sync=sync) as server:
            uvloop.run(redis(server, clients, seconds))


async def ours(server: ServerProcess, clients: int, seconds: float) -> None:
    """Puts, gets and counters over HTTP."""
    url = server.url
    buckets = "/api/v1/kv/buckets"
    await load.run(url, buckets, lambda: b'{"name":"bench"}', clients=1, requests=1)
    numbers = itertools.count()

    def put() -> tuple[str, str, bytes]:
        return "PUT", f"{buckets}/bench/keys/key.{next(numbers) % KEYS}", VALUE

    def get() -> tuple[str, str, bytes]:
        return "GET", f"{buckets}/bench/keys/key.{next(numbers) % KEYS}", b""

    def incr() -> tuple[str, str, bytes]:
        return "POST", f"{buckets}/bench/counters/count", b"{}"

    await load.send(url, put, clients=clients, requests=2 * KEYS)
    for title, ask in (("put", put), ("get", get), ("incr of one key", incr)):
        await measured(title, server.pid, load.send(url, ask, clients=clients, seconds=seconds))


async def jetstream(url: str, pid: int, clients: int, seconds: float) -> None:
    """The same with JetStream's key-value store."""
    connections = [await nats.connect(url) for _ in range(clients)]
    bucket = await connections[0].jetstream().create_key_value(bucket="bench", history=1)
    stores = [await connection.jetstream().key_value("bench") for connection in connections]
    for number in range(KEYS):
        await bucket.put(f"key.{number}", VALUE)
    numbers = itertools.count()

    async def put(store: Any) -> None:
        await store.put(f"key.{next(numbers) % KEYS}", VALUE)

    async def get(store: Any) -> None:
        await store.get(f"key.{next(numbers) % KEYS}")

    for title, act in (("put", put), ("get", get)):
        await measured(title, pid, closed_loop(stores, act, seconds))
    for connection in connections:
        await connection.close()


async def redis(server: peer_redis.Server, clients: int, seconds: float) -> None:
    """The same with Redis' strings."""
    numbers = itertools.count()

    def put() -> tuple[bytes, ...]:
        return b"SET", b"key.%d" % (next(numbers) % KEYS), VALUE

    def get() -> tuple[bytes, ...]:
        return b"GET", b"key.%d" % (next(numbers) % KEYS)

    def incr() -> tuple[bytes, ...]:
        return b"INCR", b"count"

    await peer_redis.send(server.port, put, clients=clients, requests=2 * KEYS)
    for title, ask in (("put", put), ("get", get), ("incr of one key", incr)):
        await measured(title, server.pid, peer_redis.send(server.port, ask, clients=clients, seconds=seconds))


async def closed_loop(stores: list[Any], act: Callable[[Any], Awaitable[None]], seconds: float) -> load.Load:
    result = load.Load()
    until = time.perf_counter() + seconds

    async def client(store: Any) -> None:
        while (started := time.perf_counter()) < until:
            await act(store)
            result.latencies.append(time.perf_counter() - started)

    started = time.perf_counter()
    await asyncio.gather(*map(client, stores))
    result.seconds = time.perf_counter() - started
    return result


@contextmanager
def nats_server(folder: Path, sync: str) -> Iterator[tuple[str, int]]:
    """A nats-server with JetStream and nothing else; its URL and process id."""
    folder.mkdir()
    config = folder / "nats.conf"
    config.write_text(
        f'host: "127.0.0.1"\nport: -1\nports_file_dir: "{folder}"\n'
        f'jetstream {{ store_dir: "{folder}/js", sync_interval: "{sync}" }}\n'
    )
    process = subprocess.Popen([resources.nats_server(), "-c", str(config)], stderr=subprocess.DEVNULL)
    try:
        yield _announced(folder), process.pid
    finally:
        process.terminate()
        process.wait(20)


def _announced(folder: Path) -> str:
    until = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < until:
        for ports in folder.glob("*.ports"):
            if content := ports.read_text():
                return str(json.loads(content)["nats"][0])
        time.sleep(0.05)
    raise TimeoutError("nats-server did not start")


async def measured(title: str, pid: int, work: Awaitable[load.Load]) -> None:
    """Print what the work came to, and what it cost the server."""
    before = machine.cpu_s(pid)
    result = await work
    cpu_ms = (machine.cpu_s(pid) - before) * 1_000 / len(result.latencies)
    errors = f"  {result.errors} ERRORS" if result.errors else ""
    latency = f"p50 {result.ms(0.5):.1f} ms  p99 {result.ms(0.99):.1f} ms"
    print(
        f"  {title:<20} {result.rate:>10,.0f} a second  {latency}  server CPU {cpu_ms:.3f} ms each{errors}", flush=True
    )


if __name__ == "__main__":
    main()
