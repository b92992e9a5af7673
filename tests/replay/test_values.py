"""Key-values and documents in time: any position reads what folding history up to it gives. Both stores."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app import resources
from app.clock import ManualClock
from app.errors import IronflowError, NotFound
from app.history.entry import Entry
from app.history.kinds import BucketCreated, BucketDeleted, ConfigUpdated, KvPut
from app.history.rebuild import rebuild
from app.ids import Ids
from app.node import Node
from app.values import kv
from app.values.buckets import Definition
from app.values.kv import Delete, Increment, Put
from storage import history, open_storage
from tests.support.postgres import Cluster, Prepare

ENV = "default"
BUCKETS = st.sampled_from(["p", "q"])
KEYS = st.sampled_from(["k", "l/m"])
NAMES = st.sampled_from(["c", "d"])
RAW = st.sampled_from([b"1", b"2", b"\xff", b'{"a": 1}'])
EXPECTED = st.sampled_from([None, None, 0, 1, 2, -1])
COMMANDS = st.one_of(
    st.tuples(st.just("create"), BUCKETS, st.sampled_from([0, 5])),
    st.tuples(st.just("drop"), BUCKETS),
    st.tuples(st.just("put"), BUCKETS, KEYS, RAW, EXPECTED),
    st.tuples(st.just("put"), BUCKETS, KEYS, RAW, EXPECTED),
    st.tuples(st.just("incr"), BUCKETS, KEYS),
    st.tuples(st.just("delete"), BUCKETS, KEYS, st.booleans()),
    st.tuples(st.just("set"), NAMES, st.sampled_from([b'{"a":1}', b'{"b":[2]}'])),
    st.tuples(st.just("patch"), NAMES, st.sampled_from([b'{"a":3}', b'{"c":{}}'])),
    st.tuples(st.just("restore"), NAMES, st.integers(1, 3)),
    st.tuples(st.just("unset"), NAMES),
    st.tuples(st.just("advance"), st.integers(1, 6)),
)


async def play(node: Node, clock: ManualClock, command: tuple[Any, ...]) -> None:
    keys, configs = node.keyspace, node.configs
    match command:
        case ("create", bucket, ttl_s):
            await keys.create_bucket(ENV, Definition(bucket, ttl_seconds=ttl_s, history=9))
        case ("drop", bucket):
            await keys.delete_bucket(ENV, bucket)
        case ("put", bucket, key, raw, expected):
            await keys.write(ENV, Put(bucket, key, raw, expected))
        case ("incr", bucket, key):
            await keys.write(ENV, Increment(bucket, key))
        case ("delete", bucket, key, purge):
            await keys.write(ENV, Delete(bucket, key, purge))
        case ("set", name, raw):
            await configs.set(ENV, name, raw)
        case ("patch", name, raw):
            await configs.patch(ENV, name, raw)
        case ("restore", name, revision):
            await configs.restore(ENV, name, revision)
        case ("unset", name):
            await configs.delete(ENV, name)
        case ("advance", seconds):
            clock.advance(seconds=seconds)


class Model:
    """The plainest fold there is: dicts, and everything forgotten with its bucket."""

    def __init__(self) -> None:
        self.buckets: dict[str, dict[str, tuple[int, bytes]]] = {}
        self.configs: dict[str, tuple[int, bytes]] = {}

    def apply(self, entry: Entry) -> None:
        noun, _, rest = entry.stream.partition("/")
        match noun, entry.fact:
            case "bucket", BucketCreated():
                self.buckets[rest] = {}
            case "bucket", BucketDeleted():
                del self.buckets[rest]
            case "kv", fact:
                bucket, key = kv.place(entry.stream)
                if isinstance(fact, KvPut):
                    self.buckets[bucket][key] = (entry.version, kv.value_of(fact))
                else:
                    self.buckets[bucket].pop(key, None)
            case "config", ConfigUpdated(data=data):
                self.configs[rest] = (entry.version, bytes(data))
            case "config", _:
                self.configs.pop(rest, None)
            case _:
                raise AssertionError(entry)


async def read_all(node: Node, at: int) -> tuple[dict[Any, Any], dict[Any, Any]]:
    """Everything as of a position, through the reads that users have."""
    values: dict[Any, Any] = {}
    documents: dict[Any, Any] = {}
    for bucket in ("p", "q"):
        for key in ("k", "l/m"):
            try:
                found = await node.keyspace.get_at(ENV, bucket, key, at)
                values[bucket, key] = (found.revision, found.value)
            except NotFound:
                continue
    for name in ("c", "d"):
        try:
            document = await node.configs.get(ENV, name, at=at)
            documents[name] = (document.revision, document.data)
        except NotFound:
            continue
    return values, documents


async def check(location: str, commands: list[tuple[Any, ...]]) -> None:
    storage = await open_storage(location, resources.sql_folder())
    try:
        await storage.migrate()
        clock = ManualClock(1_764_000_000_000_000)
        node = Node(storage=storage, clock=clock, ids=Ids(clock))
        async with asyncio.TaskGroup() as tasks:
            running = await node.start(tasks)
            for command in commands:
                try:
                    await play(node, clock, command)
                except IronflowError:
                    continue
            await node.committer.drain()
            records = await storage.read(lambda tx: history.after(tx, 0))
            model = Model()
            for entry in map(Entry, records):
                model.apply(entry)
                values = {(bucket, key): held for bucket, keys in model.buckets.items() for key, held in keys.items()}
                assert await read_all(node, entry.position) == (values, model.configs), entry
            for task in running:
                task.cancel()
        assert (await rebuild(storage, node.fold, check=True)).differing == ()
    finally:
        await storage.close()


START: list[tuple[Any, ...]] = [("create", "p", 5), ("put", "p", "k", b"1", None), ("set", "c", b'{"a":1}')]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(commands=st.lists(COMMANDS, max_size=25))
def test_the_past_on_sqlite(new_sqlite: Callable[[], str], commands: list[tuple[Any, ...]]) -> None:
    asyncio.run(check(new_sqlite(), START + commands))


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(commands=st.lists(COMMANDS, max_size=25))
def test_the_past_on_postgres(postgres: Cluster, prepare_database: Prepare, commands: list[tuple[Any, ...]]) -> None:
    url = postgres.create_database(prepare_database)
    asyncio.run(check(url, START + commands))
    postgres.drop_database(url)
