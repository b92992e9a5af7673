"""SQL projections in a node: what becomes of their tables."""

from __future__ import annotations

import asyncio

from app.clock import ManualClock
from app.events.new_event import NewEvent
from app.history.kinds import ProjectionDefinition, ProjectionRebuilding
from app.history.kinds.projection import TableRules
from app.ids import Ids
from app.node import Node
from storage import history, projections
from storage.contract import Storage
from storage.projections import Key
from storage.tables import Statement, TableMissing, design

ENVIRONMENT, NAME = "default", "seen"
CREATE = "create table proj_seen (n integer)"
TABLE = ProjectionDefinition("sql", ("n",), table=TableRules(CREATE, {"n": "insert into proj_seen (n) values (:data)"}))
KEY = Key(ENVIRONMENT, NAME, 1)


async def emit(node: Node, n: int) -> None:
    """Returns when it is in the table."""
    await node.emitter.emit(NewEvent(environment=ENVIRONMENT, name="n", data=b"%d" % n))
    caught = await node.projections.waits.until(ENVIRONMENT, NAME, node.tail.head, timeout_s=30)
    assert caught.caught_up


async def rows(node: Node) -> list[int]:
    """Of the table that serves, once no other is built."""
    registry = node.projections.registry
    async with asyncio.timeout(30):
        while registry.get(ENVIRONMENT, NAME).building is not None:
            await registry.changed()
    table, _ = await node.projections.tables.rows(registry.get(ENVIRONMENT, NAME), order_by="n")
    return [n for (n,) in table.rows]


async def is_there(storage: Storage, key: Key) -> bool:
    try:
        await storage.tables.write(key, (), through=0)
    except TableMissing:
        return False
    return True


async def test_a_table_that_was_lost_is_built_anew(node: Node, storage: Storage) -> None:
    await node.projections.register(ENVIRONMENT, NAME, TABLE)
    await emit(node, 1)
    await storage.tables.drop(KEY)

    await emit(node, 2)

    assert await rows(node) == [1, 2]
    entries = await storage.read(lambda tx: history.after(tx, 0))
    assert [one.kind for one in entries].count(ProjectionRebuilding.kind) == 1
    await node.projections.registry.delete(ENVIRONMENT, NAME)


async def test_a_table_that_history_is_ahead_of_takes_each_event_once(node: Node, storage: Storage) -> None:
    """The table was written, and the server was killed before the cursor moved."""
    await node.projections.register(ENVIRONMENT, NAME, TABLE)
    await node.projections.registry.pause(ENVIRONMENT, NAME)
    await node.emitter.emit(NewEvent(environment=ENVIRONMENT, name="n", data=b"1"))
    position = node.tail.head
    statement = "insert into proj_seen (n) values (1)"
    await node.projections.tables.write(KEY, [Statement(position, statement, {})], through=position)

    await node.projections.registry.resume(ENVIRONMENT, NAME)
    await emit(node, 2)

    assert await rows(node) == [1, 2]
    await node.projections.registry.delete(ENVIRONMENT, NAME)


async def test_a_table_is_dropped_with_its_generation_at_the_latest_by_the_next_start(
    node: Node, storage: Storage, clock: ManualClock
) -> None:
    left = Key(ENVIRONMENT, "gone", 3)
    await storage.write(lambda tx: projections.note_table(tx, left))
    await storage.tables.ensure(left, design(CREATE), after=0)
    await node.projections.register(ENVIRONMENT, NAME, TABLE)

    await Node(storage=storage, clock=clock, ids=Ids(clock)).projections.tables.start()

    assert not await is_there(storage, left)
    assert await storage.read(projections.tables) == [KEY]
    assert await is_there(storage, KEY)
    await storage.tables.drop(KEY)
