"""Key-values on both stores: conditions, time to live, races, the past, and what two nodes see of each other."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import pytest

from app.clock import ManualClock
from app.errors import (
    AlreadyExists,
    BucketFull,
    BucketNotFound,
    FailedPrecondition,
    InvalidArgument,
    IronflowError,
    KeyNotFound,
    PayloadTooLarge,
    RevisionConflict,
)
from app.history.committer import Command, Decision
from app.history.rebuild import rebuild
from app.ids import Ids
from app.node import Node
from app.values import kv, levels
from app.values.buckets import Definition
from app.values.keyspace import Keyspace
from app.values.kv import ABSENT, PRESENT, Delete, Increment, Put
from app.values.levels import Branch, Level
from storage.contract import Storage, Transaction
from tests.support.linearizable import Operation, linearizable
from tests.support.nodes import alive

ENV = "default"
SECOND = 1_000_000


@pytest.fixture
async def keys(node: Node) -> Keyspace:
    """Key-values with a bucket `b`."""
    await node.keyspace.create_bucket(ENV, Definition("b", history=50))
    return node.keyspace


async def put(keys: Keyspace, key: str, value: bytes, **options: Any) -> int:
    return (await keys.write(ENV, Put("b", key, value, **options))).revision


async def value(keys: Keyspace, key: str, **options: Any) -> bytes | None:
    try:
        read = keys.get_at(ENV, "b", key, **options) if options else keys.get(ENV, "b", key)
        return (await read).value
    except KeyNotFound:
        return None


@pytest.mark.parametrize(
    "raw", [b"", b"null", b'{"b": 1,  "a": [2.50]}', b" 1", b"1\n", b"\x00\xff", b'"\\u0000"', b"NaN", "ü☃".encode()]
)
async def test_a_value_comes_back_byte_for_byte(keys: Keyspace, raw: bytes) -> None:
    await put(keys, "k", raw)

    assert await value(keys, "k") == raw


async def test_conditions(keys: Keyspace) -> None:
    with pytest.raises(RevisionConflict):
        await put(keys, "k", b"1", expected=PRESENT)
    assert await put(keys, "k", b"1", expected=ABSENT) == 1
    with pytest.raises(RevisionConflict):
        await put(keys, "k", b"2", expected=ABSENT)
    with pytest.raises(RevisionConflict):
        await put(keys, "k", b"2", expected=2)
    assert await put(keys, "k", b"2", expected=1) == 2
    assert await put(keys, "k", b"3", expected=PRESENT) == 3
    with pytest.raises(RevisionConflict):
        await keys.write(ENV, Delete("b", "k", expected=1))
    await keys.write(ENV, Delete("b", "k", expected=3))
    with pytest.raises(RevisionConflict):
        await put(keys, "k", b"5", expected=4)
    assert await put(keys, "k", b"5", expected=ABSENT) == 5


async def test_a_key_that_no_path_can_say_is_not_made_but_read_and_deleted_where_it_is(
    keys: Keyspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InvalidArgument):
        await put(keys, "a/../b", b"1")
    with monkeypatch.context() as once:
        once.setattr("app.values.kv.check_new_key", lambda key: None)
        await put(keys, "a/../b", b"1")

    before = await value(keys, "a/../b")
    await keys.write(ENV, Delete("b", "a/../b"))

    assert (before, await value(keys, "a/../b")) == (b"1", None)


async def test_deleting_what_is_not_there_records_nothing(keys: Keyspace, node: Node) -> None:
    await put(keys, "k", b"1")
    await keys.write(ENV, Delete("b", "k"))
    head = node.tail.head

    await keys.write(ENV, Delete("b", "k"))
    await keys.write(ENV, Delete("b", "other"))
    await keys.write(ENV, Delete("b", "other", purge=True))

    assert node.tail.head == head
    assert await value(keys, "k") is None


async def test_a_purge_hides_what_was_before(keys: Keyspace, node: Node) -> None:
    await put(keys, "k", b"1")
    await put(keys, "k", b"2")
    assert [entry.version for entry in await keys.revisions(ENV, "b", "k")] == [2, 1]

    await keys.write(ENV, Delete("b", "k", purge=True))
    head = node.tail.head
    await keys.write(ENV, Delete("b", "k", purge=True))

    assert node.tail.head == head, "a second purge finds nothing to hide"
    assert [entry.kind for entry in await keys.revisions(ENV, "b", "k")] == ["kv.purged"]
    await put(keys, "k", b"4")
    assert [entry.version for entry in await keys.revisions(ENV, "b", "k")] == [4, 3]
    assert [entry.version for entry in await keys.revisions(ENV, "b", "k", before=4)] == [3]
    assert list(await keys.revisions(ENV, "b", "k", before=3)) == []


async def test_history_shows_as_much_as_the_bucket_says_unless_asked_for_more(node: Node) -> None:
    keys = node.keyspace
    await keys.create_bucket(ENV, Definition("b", history=2))
    for number in range(5):
        await put(keys, "k", b"%d" % number)

    assert [entry.version for entry in await keys.revisions(ENV, "b", "k")] == [5, 4]
    assert [entry.version for entry in await keys.revisions(ENV, "b", "k", limit=4)] == [5, 4, 3, 2]
    assert [entry.version for entry in await keys.revisions(ENV, "b", "k", before=3, limit=9)] == [2, 1]


async def test_counters(keys: Keyspace) -> None:
    assert (await keys.write(ENV, Increment("b", "n"))).number == 1
    changes = await asyncio.gather(*(keys.write(ENV, Increment("b", "n", by=2)) for _ in range(50)))
    assert sorted(change.number or 0 for change in changes) == list(range(3, 102, 2))
    assert await value(keys, "n") == b"101"
    assert (await keys.write(ENV, Increment("b", "n", by=-200))).number == -99

    for raw in (b'"1"', b"1.0", b"{}", b"01", b" 1", b"99999999999999999999"):
        await put(keys, "x", raw)
        with pytest.raises(FailedPrecondition):
            await keys.write(ENV, Increment("b", "x"))
    await put(keys, "x", b"%d" % (2**63 - 1))
    with pytest.raises(FailedPrecondition):
        await keys.write(ENV, Increment("b", "x"))


async def test_buckets(keys: Keyspace, node: Node) -> None:
    with pytest.raises(AlreadyExists):
        await keys.create_bucket(ENV, Definition("b"))
    await put(keys, "k", b"123")
    await put(keys, "l", b"12")
    usage = await keys.bucket(ENV, "b")
    assert (usage.keys, usage.bytes) == (2, 5)
    assert [one.row.name for one in await keys.buckets(ENV)] == ["b"]
    assert list(await keys.buckets("other")) == []
    for absent in (keys.get("other", "b", "k"), keys.get(ENV, "c", "k"), keys.keys(ENV, "c")):
        with pytest.raises(BucketNotFound):
            await absent


async def test_a_bucket_made_again_is_another_one(keys: Keyspace, node: Node) -> None:
    """Nothing of the old one shows through, and revisions of its keys go on, so that nobody confuses them."""
    await put(keys, "k", b"old")
    before = node.tail.head
    await keys.delete_bucket(ENV, "b")
    with pytest.raises(BucketNotFound):
        await value(keys, "k")
    with pytest.raises(BucketNotFound):
        await put(keys, "k", b"x")
    with pytest.raises(BucketNotFound):
        await keys.delete_bucket(ENV, "b")

    await keys.create_bucket(ENV, Definition("b", history=9))

    assert await value(keys, "k") is None
    assert (await keys.keys(ENV, "b")).keys == []
    assert (await keys.bucket(ENV, "b")).bytes == 0
    with pytest.raises(KeyNotFound):
        await keys.revisions(ENV, "b", "k")
    with pytest.raises(RevisionConflict):
        await put(keys, "k", b"new", expected=1)
    assert await put(keys, "k", b"new", expected=ABSENT) == 2
    assert [entry.version for entry in await keys.revisions(ENV, "b", "k")] == [2]
    assert await value(keys, "k", at=before) == b"old"


async def test_limits_on_sizes(node: Node) -> None:
    keys = node.keyspace
    await keys.create_bucket(ENV, Definition("b", max_value_size=5, max_bytes=8))

    await put(keys, "k", b"12345")
    with pytest.raises(PayloadTooLarge):
        await put(keys, "l", b"123456")
    with pytest.raises(BucketFull):
        await put(keys, "l", b"1234")
    await put(keys, "l", b"123")
    await put(keys, "k", b"54321")
    await keys.write(ENV, Delete("b", "k"))
    await put(keys, "l", b"12345")
    assert (await keys.bucket(ENV, "b")).bytes == 5


async def test_keys_in_order_by_pattern_and_page(keys: Keyspace) -> None:
    names = ["user.1", "user.2", "user.2.name", "users.1", "a/b", "ü"]
    for name in names:
        await put(keys, name, b"1")

    assert list((await keys.keys(ENV, "b")).keys) == sorted(names, key=str.encode)
    assert (await keys.keys(ENV, "b", pattern="user.*")).keys == ["user.1", "user.2"]
    assert (await keys.keys(ENV, "b", pattern="user.>")).keys == ["user.1", "user.2", "user.2.name"]
    assert (await keys.keys(ENV, "b", pattern="*.1")).keys == ["user.1", "users.1"]
    assert (await keys.keys(ENV, "b", pattern="user.2")).keys == ["user.2"]
    first = await keys.keys(ENV, "b", pattern="user.>", limit=2)
    second = await keys.keys(ENV, "b", pattern="user.>", limit=2, after=first.next_cursor)
    assert (first.keys, second.keys, second.next_cursor) == (["user.1", "user.2"], ["user.2.name"], "")


# Time to live.


@pytest.fixture
async def expiring(node: Node) -> Keyspace:
    await node.keyspace.create_bucket(ENV, Definition("b", ttl_seconds=10, history=50))
    return node.keyspace


async def kinds_of(node: Node, stream: str, count: int) -> list[str]:
    """The kinds in a stream, once there are that many."""
    seen: list[str] = []
    async with asyncio.timeout(20):
        async for batch in node.tail.follow(0):
            seen += [entry.kind for entry in batch if entry.stream == stream]
            if len(seen) >= count:
                break
    return seen


async def test_the_end_of_a_value_is_recorded_when_it_comes(expiring: Keyspace, node: Node, clock: ManualClock) -> None:
    await put(expiring, "k", b"1")
    await put(expiring, "short", b"1", ttl_us=2 * SECOND)
    await put(expiring, "long", b"1", ttl_us=3600 * SECOND)

    clock.advance(seconds=2)
    assert await kinds_of(node, "kv/b/short", 2) == ["kv.put", "kv.expired"]
    assert await value(expiring, "k") == b"1"
    clock.advance(seconds=8)
    assert await kinds_of(node, "kv/b/k", 2) == ["kv.put", "kv.expired"]

    assert (await expiring.keys(ENV, "b")).keys == ["long"]
    assert [kv.operation(entry.fact) for entry in await expiring.revisions(ENV, "b", "k")] == ["expire", "put"]


async def test_nobody_reads_a_value_whose_time_is_over_even_before_that_is_recorded(
    storage: Storage, clock: ManualClock
) -> None:
    """A node on which nothing records expiries: the clock alone decides what is read, and the next write records."""
    made = Node(storage=storage, clock=clock, ids=Ids(clock))
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(loop()) for loop in (made.committer.run, made.keyspace.run)]
        keys = made.keyspace
        await keys.create_bucket(ENV, Definition("b", ttl_seconds=10, history=50))
        await put(keys, "k", b"1")
        await put(keys, "n", b"5")
        clock.advance(seconds=10)

        assert await value(keys, "k") is None
        assert (await keys.keys(ENV, "b")).keys == []
        with pytest.raises(RevisionConflict):
            await put(keys, "k", b"2", expected=1)
        assert await put(keys, "k", b"2", expected=ABSENT) == 3, "the expiry is revision 2"
        assert (await keys.write(ENV, Increment("b", "n"))).number == 1
        assert [entry.kind for entry in await keys.revisions(ENV, "b", "k")] == ["kv.put", "kv.expired", "kv.put"]
        for task in running:
            task.cancel()


async def test_a_new_value_has_a_new_time_and_a_counter_keeps_its_own(
    expiring: Keyspace, node: Node, clock: ManualClock
) -> None:
    await put(expiring, "k", b"1")
    await expiring.write(ENV, Increment("b", "n"))
    clock.advance(seconds=6)
    await put(expiring, "k", b"2")
    await expiring.write(ENV, Increment("b", "n"))
    clock.advance(seconds=5)

    assert await kinds_of(node, "kv/b/n", 3) == ["kv.put", "kv.put", "kv.expired"]
    assert await value(expiring, "k") == b"2"


async def test_expiry_goes_on_after_a_restart(storage: Storage, clock: ManualClock) -> None:
    for round_ in range(2):
        node = Node(storage=storage, clock=clock, ids=Ids(clock))
        async with alive(node):
            if round_ == 0:
                await node.keyspace.create_bucket(ENV, Definition("b", ttl_seconds=10))
                await put(node.keyspace, "k", b"1")
            else:
                clock.advance(seconds=20)
                assert await kinds_of(node, "kv/b/k", 2) == ["kv.put", "kv.expired"]


# Races.


def names(level: Level) -> list[str]:
    """Of branches, with how many keys they have."""
    return [f"{one.prefix}({one.keys})" if isinstance(one, Branch) else one.key for one in level.items]


async def test_a_bucket_is_read_level_by_level(keys: Keyspace, clock: ManualClock) -> None:
    for key in ("a.1", "a.2", "a/x:y", "a", "ab", "b:1:2", "b:1:3", "b:", "ü.1"):
        await put(keys, key, b"12")
    await put(keys, "a.short", b"1", ttl_us=SECOND)

    whole = await keys.level(ENV, "b")

    assert names(whole) == ["a", "a.(3)", "a/(1)", "ab", "b:(3)", "ü.(1)"]
    assert [one.bytes for one in whole.items] == [2, 5, 2, 2, 6, 2]
    assert names(await keys.level(ENV, "b", prefix="b:")) == ["b:", "b:1:(2)"]
    assert names(await keys.level(ENV, "b", prefix="a/")) == ["a/x:(1)"]
    assert names(await keys.level(ENV, "b", prefix="a")) == ["a", "a.(3)", "a/(1)", "ab"]
    assert names(await keys.level(ENV, "b", prefix="nowhere")) == []
    assert names(await keys.level(ENV, "b", pattern="*.1")) == ["a.1", "ü.1"]
    clock.advance(SECOND)
    assert names(await keys.level(ENV, "b", prefix="a.")) == ["a.1", "a.2"]
    with pytest.raises(InvalidArgument):
        await keys.level(ENV, "b", prefix="a", pattern="a.*")


async def test_levels_are_read_page_by_page_and_count_so_much_and_no_more(
    keys: Keyspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(levels, "COUNTED_IN_ONE_MAX", 2)
    for key in ("a.1", "a.2", "a.3", "b", "c.1", "c.2", "d"):
        await put(keys, key, b"1")

    pages = [await keys.level(ENV, "b", limit=1)]
    while pages[-1].next_cursor:
        pages.append(await keys.level(ENV, "b", limit=1, cursor=pages[-1].next_cursor))

    assert [names(page) for page in pages] == [["a.(2)"], ["b"], ["c.(2)"], ["d"]]
    assert [one.exact for page in pages for one in page.items if isinstance(one, Branch)] == [False, True]


async def test_all_branches_of_a_page_are_counted_by_one_query_and_share_what_is_counted(
    keys: Keyspace, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(levels, "COUNTED_MAX", 6)
    for key in ("a.1", "a.2", "a.3", "b.1", "b.2", "c.1", "k"):
        await put(keys, key, b"1")
    asked: list[str] = []

    def whole(tx: Transaction) -> Level:
        def many(query: str, **told: object) -> Any:
            asked.append(query)
            return tx.many(query, **told)  # type: ignore[arg-type]

        counting: Any = SimpleNamespace(many=many)
        return levels.level(counting, ENV, "b", prefix="", cursor="", now=0, limit=200)

    level = await storage.read(whole)

    assert asked == ["kv_described", "kv_branches"]
    assert names(level) == ["a.(2)", "b.(2)", "c.(1)", "k"]
    assert [one.exact for one in level.items if isinstance(one, Branch)] == [False, True, True]
    assert names(await keys.level(ENV, "b", limit=1)) == ["a.(3)"]


async def test_a_search_for_keys_of_which_few_fit_ends_early_and_goes_on(
    keys: Keyspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(levels, "PAGE", 2)
    monkeypatch.setattr(levels, "LOOKED_AT_MAX", 4)
    for number in range(6):
        await put(keys, f"k{number}.a", b"1")
    await put(keys, "z.wanted", b"1")

    first = await keys.level(ENV, "b", pattern="*.wanted")
    second = await keys.level(ENV, "b", pattern="*.wanted", cursor=first.next_cursor)

    assert (names(first), first.next_cursor) == ([], "k3.a")
    assert (names(second), second.next_cursor) == (["z.wanted"], "")


async def test_each_round_of_a_race_has_one_winner(keys: Keyspace) -> None:
    """32 writers, each of which wants to be the one that moves the key on from the revision that all of them saw."""

    async def contend(writer: int, expected: int) -> int | None:
        try:
            return await put(keys, "k", b"%d" % writer, expected=expected)
        except RevisionConflict:
            return None

    for round_ in range(20):
        won = await asyncio.gather(*(contend(writer, round_) for writer in range(32)))

        assert [revision for revision in won if revision is not None] == [round_ + 1]
        winner = next(writer for writer, revision in enumerate(won) if revision is not None)
        assert await value(keys, "k") == b"%d" % winner


async def test_increments_with_a_condition_lose_nothing(keys: Keyspace) -> None:
    async def add_one() -> None:
        while True:
            try:
                found = await keys.get(ENV, "b", "k")
                await put(keys, "k", b"%d" % (int(found.value) + 1), expected=found.revision)
                return
            except RevisionConflict:
                continue

    await put(keys, "k", b"0")
    await asyncio.gather(*(add_one() for _ in range(20)))
    assert await value(keys, "k") == b"20"


@pytest.fixture
async def nodes(storage: Storage, clock: ManualClock) -> AsyncIterator[list[Node]]:
    """Two nodes on one store."""
    made = [Node(storage=storage, clock=clock, ids=Ids(clock)) for _ in range(2)]
    async with alive(made[0]), alive(made[1]):
        await made[0].keyspace.create_bucket(ENV, Definition("b"))
        yield made


async def test_concurrent_histories_are_linearizable(nodes: list[Node], seed: int) -> None:
    """Clients of two nodes put, compare and set, delete and read one key; every answer can be explained."""
    chance = random.Random(seed)
    ticks = itertools.count(1)

    async def record(kind: str, argument: Any, call: Callable[[], Awaitable[Any]], into: list[Operation]) -> None:
        called = next(ticks)
        try:
            result = await call()
        except RevisionConflict:
            result = "refused"
        except KeyNotFound:
            result = (0, None)
        into.append(Operation(kind, argument, result, called, next(ticks)))

    async def client(number: int, key: str, into: list[Operation]) -> None:
        known = 0
        keys = nodes[number % 2].keyspace

        async def read() -> tuple[int, bytes]:
            found = await keys.get(ENV, "b", key)
            return found.revision, found.value

        async def write(write: kv.Write) -> int:
            return (await keys.write(ENV, write)).revision

        for turn in range(6):
            new = b"%d" % (number * 100 + turn)
            match chance.choice(["get", "get", "put", "cas", "cas", "delete"]):
                case "get":
                    await record("get", None, read, into)
                    known = into[-1].result[0]
                case "put":
                    await record("put", new, lambda new=new: write(Put("b", key, new)), into)  # type: ignore[misc]
                case "cas":
                    wanted = Put("b", key, new, known)
                    await record("cas", (known, new), lambda wanted=wanted: write(wanted), into)  # type: ignore[misc]
                case _:
                    await record("delete", None, lambda: write(Delete("b", key)), into)

    for round_ in range(8):
        history: list[Operation] = []
        await asyncio.gather(*(client(number, f"k{round_}", history) for number in range(6)))

        assert len(history) == 36
        assert linearizable(history), sorted(history, key=lambda operation: operation.called)


# With others' commands.


async def test_writes_commit_with_the_command_that_carries_them_or_not_at_all(keys: Keyspace, node: Node) -> None:
    """The seam for steps: writes are decided in turn, each on what those before it leave."""

    def command(writes: list[kv.Write]) -> Command:
        def decide(states: Any, now: int) -> Decision:
            made, changes = kv.drafts(states, writes, now, causation="run/run_1")
            return Decision(made, changes)

        return Command(ENV, kv.streams(writes), decide)

    changes = await node.committer.commit(
        command(
            [Put("b", "k", b"1", ABSENT), Increment("b", "k"), Put("b", "l", b"x"), Delete("b", "l"), Delete("b", "l")]
        )
    )

    assert [change.revision for change in changes] == [1, 2, 1, 2, 2]
    assert await value(keys, "k") == b"2"
    assert {entry.causation for entry in await keys.revisions(ENV, "b", "k")} == {"run/run_1"}
    head = node.tail.head
    with pytest.raises(IronflowError):
        await node.committer.commit(command([Put("b", "m", b"1"), Put("b", "k", b"9", expected=1)]))
    assert node.tail.head == head
    assert await value(keys, "m") is None


async def test_the_tables_are_what_history_says(keys: Keyspace, node: Node, storage: Storage) -> None:
    for key in ("a", "b", "c"):
        await put(keys, key, b"1")
    await keys.write(ENV, Delete("b", "b"))
    await keys.delete_bucket(ENV, "b")
    await keys.create_bucket(ENV, Definition("b", ttl_seconds=5))
    await put(keys, "c", b"2")

    report = await rebuild(storage, node.fold, check=True)

    assert report.differing == ()
    assert report.rows["kv"] == report.rows["bucket"] == 1
