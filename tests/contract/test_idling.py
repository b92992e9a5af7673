"""What a node asks its store for while all its runs are asleep and nobody else serves the store: next to nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from app.clock import ManualClock
from app.dispatch.nodes import Nodes
from app.ids import Ids
from app.node import Node
from storage.contract import Storage
from tests.support.nodes import alive
from tests.support.taker import Taker, settled
from tests.support.worker import emit, register

SECONDS = 15


@pytest.fixture
async def node(storage: Storage, clock: ManualClock) -> AsyncIterator[Node]:
    """One that looks whether there are others, as a server does."""
    ids = Ids(clock)
    made = Node(storage=storage, clock=clock, ids=ids, nodes=Nodes(storage=storage, clock=clock, node_id=ids.node()))
    async with alive(made):
        yield made


async def test_sleeping_runs_cost_less_than_a_statement_a_second(node: Node, clock: ManualClock) -> None:
    await register(node)
    worker = Taker(node, slots=50)
    for _ in range(50):
        await emit(node)
        worker.sleep(await worker.job(), "nap", clock.now_us() + 3_600_000_000)
    await statements(node, clock, seconds=1)

    looking_on = await statements(node, clock, seconds=0)
    idling = await statements(node, clock, seconds=1) - looking_on

    assert idling == 0 if node.storage.dialect == "sqlite" else 0 < idling < SECONDS


async def statements(node: Node, clock: ManualClock, *, seconds: int) -> int:
    """How many are run while the clock is moved by so much SECONDS times, those of looking on included."""
    before = node.storage.statements.run
    for _ in range(SECONDS):
        clock.advance(seconds=seconds)
        await settled(node)
    return node.storage.statements.run - before
