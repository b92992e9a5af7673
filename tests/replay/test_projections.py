"""Projections in time: the state of a partition as of any position is what folding history up to it gives, whatever was
rebuilt meanwhile. Both stores."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app import resources
from app.clock import ManualClock
from app.errors import Conflict
from app.events.new_event import NewEvent
from app.history.entry import Entry
from app.history.kinds import EventEmitted, ProjectionDefinition, Rule
from app.history.kinds.projection import TableRules
from app.ids import Ids
from app.listening import listening
from app.node import Node
from app.projections import states
from app.projections.rules import ReducerFailed, Rules
from storage import history, open_storage
from tests.support.postgres import Cluster, Prepare

ENV, NAME = "default", "sums"
INITIAL = {"sum": 0, "last": {}}
RULES = (
    Rule("n.*", set={"sum": "state.sum + event.data.n", "last.{event.name}": "event.data.n"}),
    Rule("n.reset", remove=("last.n.add",), set={"sum": "0"}),
)
DEFINITION = ProjectionDefinition(
    "declared",
    ("n.*",),
    partition_key="$.data.p",
    on_error="skip",
    initial=msgspec.Raw(msgspec.json.encode(INITIAL)),
    rules=RULES,
    snapshot_every=2,
)
PARTITIONS = ["a", "b.c", "__global__"]
NUMBERS = st.one_of(st.integers(-9, 9), st.just("poison"))
TABLE = "rows"
TABLE_DEFINITION = ProjectionDefinition(
    "sql",
    ("n.*",),
    on_error="skip",
    table=TableRules(
        "create table proj_rows (name text not null, n integer not null check (n > -9 and n < 10))",
        {"n.*": "insert into proj_rows (name, n) values (:name, :data.n)", "n.reset": "delete from proj_rows"},
    ),
)
COMMANDS = st.one_of(
    st.tuples(st.just("emit"), st.sampled_from(["n.add", "n.reset", "other"]), st.sampled_from(PARTITIONS), NUMBERS),
    st.tuples(st.just("emit"), st.just("n.add"), st.sampled_from(PARTITIONS), NUMBERS),
    st.tuples(st.just("rebuild"), st.sampled_from(["", *PARTITIONS])),
    st.tuples(st.just("settle")),
)


async def play(node: Node, command: tuple[Any, ...]) -> None:
    match command:
        case ("emit", name, partition, number):
            told = {"n": number} if partition == "__global__" else {"n": number, "p": partition}
            await node.emitter.emit(NewEvent(ENV, name, msgspec.json.encode(told)))
        case ("rebuild", partition):
            try:
                await node.projections.rebuilds.start(ENV, NAME, partition=partition)
            except Conflict:
                return  # one is under way
        case ("settle",):
            await settle(node)


async def settle(node: Node) -> None:
    """Every event is in the states that serve, and nothing is being built."""
    registry = node.projections.registry
    async with asyncio.timeout(30):
        caught = await node.projections.waits.until(ENV, NAME, node.tail.head, timeout_s=30)
        assert caught.caught_up
        while True:
            with listening(registry.changed()) as first:
                if registry.get(ENV, NAME).building is None:
                    return
                await first(None)


async def explained(node: Node) -> None:
    """At each position, each partition's state is what the rules make of the events up to it."""
    rules, folded = Rules(RULES), dict[str, Any]()
    projection = node.projections.registry.get(ENV, NAME)
    entries = await node.storage.read(lambda tx: [Entry(one) for page in history.everything(tx) for one in page])
    for entry in entries:
        fact = entry.fact
        if isinstance(fact, EventEmitted) and fact.name.startswith("n."):
            data = msgspec.json.decode(fact.data)
            partition = data.get("p", "__global__")
            with contextlib.suppress(ReducerFailed):  # it is left out
                folded[partition] = rules.apply(folded.get(partition, INITIAL), {"name": fact.name, "data": data})
        for partition in PARTITIONS:
            found = await node.projections.states.get(projection, partition, at=entry.position)
            shown = None if found.state is None else msgspec.json.decode(found.state)
            expected = folded.get(partition)
            assert shown == expected or (expected is None and shown == INITIAL), (entry.position, partition)


async def tables_explained(node: Node) -> None:
    """At some positions, the table has the rows that the events up to there made."""
    projection = node.projections.registry.get(ENV, TABLE)
    entries = await node.storage.read(lambda tx: [Entry(one) for page in history.everything(tx) for one in page])
    for position in {1, len(entries) // 2 + 1, len(entries)}:
        expected: list[tuple[str, int]] = []
        for entry in entries[:position]:
            fact = entry.fact
            if isinstance(fact, EventEmitted) and fact.name.startswith("n."):
                number = msgspec.json.decode(fact.data)["n"]
                if fact.name == "n.reset":
                    expected.clear()
                elif number != "poison" and number > -9:
                    expected.append((fact.name, number))
        found, count = await node.projections.tables.rows(projection, at=position)
        assert (sorted(found.rows), count) == (sorted(expected), len(expected)), position


async def check(location: str, commands: list[tuple[Any, ...]]) -> None:
    """With states that are kept over small gaps, as others are over large ones."""
    with pytest.MonkeyPatch.context() as small:
        small.setattr(states, "KEPT_POSITIONS", 2)
        small.setattr(states, "KEPT_POSITIONS_PER_BYTE", 0)
        await played(location, commands)


async def played(location: str, commands: list[tuple[Any, ...]]) -> None:
    storage = await open_storage(location, resources.sql_folder())
    await storage.migrate()
    clock = ManualClock(1_764_000_000_000_000)
    node = Node(storage=storage, clock=clock, ids=Ids(clock))
    async with asyncio.TaskGroup() as tasks:
        running = await node.start(tasks)
        await node.projections.register(ENV, NAME, DEFINITION)
        await node.projections.register(ENV, TABLE, TABLE_DEFINITION)
        for command in commands:
            await play(node, command)
        await settle(node)
        await explained(node)
        await tables_explained(node)
        await node.storage.tables.drop(node.projections.registry.get(ENV, TABLE).key())
        for task in running:
            task.cancel()
    await storage.close()


@settings(max_examples=14, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(commands=st.lists(COMMANDS, max_size=20))
def test_the_past_on_sqlite(new_sqlite: Callable[[], str], commands: list[tuple[Any, ...]]) -> None:
    asyncio.run(check(new_sqlite(), commands))


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(commands=st.lists(COMMANDS, max_size=20))
def test_the_past_on_postgres(postgres: Cluster, prepare_database: Prepare, commands: list[tuple[Any, ...]]) -> None:
    url = postgres.create_database(prepare_database)
    asyncio.run(check(url, commands))
    postgres.drop_database(url)
