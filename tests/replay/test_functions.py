"""Functions in time: any position reads what folding history up to it gives. Both stores."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app import resources
from app.clock import ManualClock
from app.errors import FunctionNotFound, IronflowError
from app.history.entry import Entry
from app.history.kinds import FunctionRegistered, FunctionStatusChanged
from app.history.rebuild import rebuild
from app.ids import Ids
from app.node import Node
from app.runs.definition import Definition, Trigger
from storage import history, open_storage
from tests.support.postgres import Cluster, Prepare

ENV = "default"
NAMES = ("f", "g")
COMMANDS = st.one_of(
    st.tuples(st.just("register"), st.sampled_from(NAMES), st.sampled_from(["a.*", "b.>", "c"])),
    st.tuples(st.just("status"), st.sampled_from(NAMES), st.sampled_from(["active", "paused", "archived"])),
    st.tuples(st.just("back"), st.sampled_from(NAMES), st.integers(1, 3)),
    st.tuples(st.just("delete"), st.sampled_from(NAMES)),
)


async def play(node: Node, command: tuple[Any, ...]) -> None:
    match command:
        case ("register", name, event):
            await node.functions.register(ENV, Definition(name, triggers=(Trigger(event=event),)))
        case ("status", name, status):
            await node.functions.set_status(ENV, name, status)
        case ("back", name, number):
            version = await node.versions.get(ENV, name, number)
            await node.functions.roll_back(ENV, version.function.fact)
        case ("delete", name):
            await node.functions.delete(ENV, name)


class Model:
    """By name: the event that starts it, its status, and the number of its changes."""

    def __init__(self) -> None:
        self.functions: dict[str, tuple[str, str, int]] = {}

    def apply(self, entry: Entry) -> None:
        name = entry.stream.removeprefix("function/")
        event, status, number = self.functions.get(name, ("", "deleted", 0))
        match entry.fact:
            case FunctionRegistered(triggers=triggers):
                event, status = triggers[0].event, "active" if status == "deleted" else status
            case FunctionStatusChanged(status=changed):
                status = changed
            case _:
                raise AssertionError(entry)
        self.functions[name] = (event, status, number + 1)

    @property
    def there(self) -> dict[str, tuple[str, str, int]]:
        return {name: told for name, told in self.functions.items() if told[1] != "deleted"}


async def read_all(node: Node, at: int) -> dict[str, tuple[str, str, int]]:
    found = {}
    for name in NAMES:
        try:
            function, _ = await node.versions.at(ENV, name, at)
        except FunctionNotFound:
            continue
        found[name] = (function.fact.triggers[0].event, function.status, function.version)
    return found


async def check(location: str, commands: list[tuple[Any, ...]]) -> None:
    storage = await open_storage(location, resources.sql_folder())
    try:
        await storage.migrate()
        clock = ManualClock(1_764_000_000_000_000)
        node = Node(storage=storage, clock=clock, ids=Ids(clock))
        async with asyncio.TaskGroup() as tasks:
            running = await node.start(tasks)
            for command in commands:
                clock.advance(seconds=1)
                try:
                    await play(node, command)
                except IronflowError:
                    continue
            await node.committer.drain()
            model = Model()
            for entry in map(Entry, await storage.read(lambda tx: history.after(tx, 0))):
                model.apply(entry)
                assert await read_all(node, entry.position) == model.there, entry
            for task in running:
                task.cancel()
        assert (await rebuild(storage, node.fold, check=True)).differing == ()
    finally:
        await storage.close()


START: list[tuple[Any, ...]] = [("register", "f", "c"), ("register", "f", "a.*"), ("status", "f", "paused")]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(commands=st.lists(COMMANDS, max_size=15))
def test_functions_of_the_past_on_sqlite(new_sqlite: Callable[[], str], commands: list[tuple[Any, ...]]) -> None:
    asyncio.run(check(new_sqlite(), START + commands))


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(commands=st.lists(COMMANDS, max_size=15))
def test_functions_of_the_past_on_postgres(
    postgres: Cluster, prepare_database: Prepare, commands: list[tuple[Any, ...]]
) -> None:
    url = postgres.create_database(prepare_database)
    asyncio.run(check(url, START + commands))
    postgres.drop_database(url)
