"""A node on each store, our nats-server, and the node's side of groups on it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
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
from tests.support.bounds import stop
from tests.support.nodes import alive


@pytest.fixture
async def node(sqlite_file: Path) -> AsyncIterator[Node]:
    """A running node, where the store does not matter."""
    async with running(str(sqlite_file)) as made:
        yield made


@pytest.fixture(params=["sqlite", "postgres"])
async def either_node(request: pytest.FixtureRequest) -> AsyncIterator[Node]:
    """A running node on each store."""
    where = request.getfixturevalue("postgres_url" if request.param == "postgres" else "sqlite_file")
    async with running(str(where)) as made:
        yield made


@asynccontextmanager
async def running(where: str) -> AsyncIterator[Node]:
    """A node that runs on the store there."""
    storage = await open_storage(where, resources.sql_folder())
    await storage.migrate()
    clock = SystemClock()
    made = Node(storage=storage, clock=clock, ids=Ids(clock))
    async with alive(made, drained=False):
        yield made
    await storage.close()


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[NatsServer]:
    made = NatsServer(spawn(resources.nats_server(), tmp_path / "nats"))
    running = asyncio.create_task(made.run())
    yield made
    await stop(running)


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
    await stop(running)
