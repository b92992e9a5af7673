"""A node on each store, our nats-server, and the node's side of groups on it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app import resources
from app.bus.groups import GroupBus
from app.bus.nats_server import NatsServer, spawn
from app.bus.place import Place
from app.clock import SystemClock
from app.ids import Ids
from app.node import Node
from storage import open_storage


@pytest.fixture(params=["sqlite", "postgres"])
async def either_node(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Node]:
    """A running node on each store."""
    where = str(tmp_path / "ironflow.db")
    if request.param == "postgres":
        where = request.getfixturevalue("postgres_url")
    storage = await open_storage(where, resources.sql_folder())
    await storage.migrate()
    clock = SystemClock()
    made = Node(storage=storage, clock=clock, ids=Ids(clock))
    async with asyncio.TaskGroup() as tasks:
        running = await made.start(tasks)
        yield made
        for task in running:
            task.cancel()
    await storage.close()


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[NatsServer]:
    made = NatsServer(spawn(resources.nats_server(), tmp_path / "nats"))
    running = asyncio.create_task(made.run())
    yield made
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


@pytest.fixture
async def bus(either_node: Node, server: NatsServer) -> AsyncIterator[GroupBus]:
    node = either_node
    made = GroupBus(
        place=Place(server=server),
        groups=node.groups,
        storage=node.storage,
        tail=node.tail,
        fold=node.fold,
        ids=node.ids,
    )
    running = asyncio.create_task(made.run())
    yield made
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
