"""One store a test, each backend in turn, empty and migrated; and a node over it whose clock the test moves."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from app import resources
from app.clock import ManualClock
from app.ids import Ids
from app.node import Node
from storage import open_storage
from storage.contract import Storage
from tests.support.nodes import alive

START_US = 1_764_000_000_000_000


@pytest.fixture(params=["sqlite", "postgres"])
def location(request: pytest.FixtureRequest) -> str:
    """Where a store of the test's own is, with the schema and no entries."""
    wanted = "postgres_url" if request.param == "postgres" else "sqlite_file"
    return str(request.getfixturevalue(wanted))


@pytest.fixture
async def storage(location: str) -> AsyncIterator[Storage]:
    opened = await open_storage(location, resources.sql_folder())
    await opened.migrate()
    yield opened
    await opened.close()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START_US)


@pytest.fixture
async def node(storage: Storage, clock: ManualClock) -> AsyncIterator[Node]:
    """A running node."""
    made = Node(storage=storage, clock=clock, ids=Ids(clock))
    async with alive(made):
        yield made
