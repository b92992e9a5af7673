"""Postgres is stopped and killed under a server at work. The server stays up and recovers by itself; what was
acknowledged is there once, and every run ends.
"""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from ironflow import Client, Context, errors, function
from ironflow.testing import Server
from tests.support.postgres import Cluster
from tests.support.server import ServerProcess

EMITTERS = 4
OUTAGES = 4
UP_S = (0.3, 1.0)
DOWN_S = (0.0, 1.0)
RETRY_S = 0.02


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """A Postgres of the test's own that keeps what it promised."""
    with Cluster(durable=True) as made:
        yield made


class Emitter:
    """Emits numbers under keys, each until it is acknowledged."""

    def __init__(self, url: str, number: int, stop: threading.Event) -> None:
        self.acknowledged: dict[str, list[str]] = {}
        self._url = url
        self._number = number
        self._stop = stop

    def run(self) -> None:
        with Client(self._url) as client:
            while not self._stop.is_set():
                key = f"{self._number}-{len(self.acknowledged)}"
                self.acknowledged[key] = self._insist(client, key)

    def _insist(self, client: Client, key: str) -> list[str]:
        while True:
            try:
                return list(client.emit("number.sent", key, idempotency_key=key).run_ids)
            except (errors.ServerUnavailable, errors.Timeout):
                threading.Event().wait(RETRY_S)  # Postgres is away


async def test_a_server_outlives_its_postgres_and_loses_nothing(
    start_server: Callable[..., ServerProcess], cluster: Cluster, seed: int
) -> None:
    chance = random.Random(seed)
    database_url = cluster.create_database()
    server = start_server(database_url=database_url)
    pid = server.pid
    stop = threading.Event()
    emitters = [Emitter(server.url, number, stop) for number in range(EMITTERS)]

    @function("f", triggers=["number.sent"])
    async def f(ctx: Context) -> Any:
        first = await ctx.step.run("first", lambda: ctx.event.data)
        await ctx.step.sleep("nap", 0.05)
        return [first, await ctx.step.run("second", lambda: ctx.event.data)]

    with ThreadPoolExecutor(EMITTERS) as pool:
        async with Server(server.url, server.grpc_address, server.data_dir).working([f]) as client:
            running = [asyncio.get_running_loop().run_in_executor(pool, emitter.run) for emitter in emitters]
            try:
                for _ in range(OUTAGES):
                    await asyncio.sleep(chance.uniform(*UP_S))  # the instants are what is random here
                    await asyncio.to_thread(chance.choice([cluster.shut_down, cluster.kill9]))
                    await asyncio.sleep(chance.uniform(*DOWN_S))
                    await asyncio.to_thread(cluster.recover)
            finally:
                stop.set()
            await asyncio.gather(*running)

            for emitter in emitters:
                assert emitter.acknowledged
                for key, run_ids in emitter.acknowledged.items():
                    [run_id] = run_ids
                    run = await client.runs.wait(run_id, timeout_s=60)
                    assert (run["status"], run["output"]) == ("completed", [key, key])

    assert server.pid == pid
    with Client(server.url) as looking:
        sent = sum(len(emitter.acknowledged) for emitter in emitters)
        assert looking.runs.list(limit=1).total == sent
    server.check_history()
