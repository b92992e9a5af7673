"""Following history in memory: nothing is left out, and nobody is woken for what they do not want."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from app.clock import ManualClock
from app.history import tail as tails
from app.history.entry import Entry
from app.history.tail import Tail
from storage.records import EntryRecord


class Store:
    """History as other nodes see it: what was published, in order."""

    dialect = "sqlite"

    def __init__(self) -> None:
        self.records: list[EntryRecord] = []
        self.reads = 0

    async def read(self, work: Callable[[Any], Any]) -> Any:
        self.reads += 1
        return work(self)

    read_once = read

    def one(self, query: str, **params: Any) -> Any:
        return (len(self.records), b"")

    def many(self, query: str, *, after: int, limit: int) -> list[EntryRecord]:
        return self.records[after : after + limit]


class Following:
    """A follower that keeps what it was told, and how often it was woken."""

    def __init__(self, tail: Tail, kinds: frozenset[str] | None = None) -> None:
        self.told: list[int] = []
        self.batches = 0
        self.task = asyncio.create_task(self._run(tail, kinds))

    async def _run(self, tail: Tail, kinds: frozenset[str] | None) -> None:
        async for batch in tail.follow(0, kinds=kinds):
            self.batches += 1
            self.told += [entry.position for entry in batch]


def commit(store: Store, kinds: Sequence[str]) -> list[Entry]:
    start = len(store.records) + 1
    made = [EntryRecord(start + n, "e", "s/1", 1, kind, "{}", "{}", "", "", "", 0, b"") for n, kind in enumerate(kinds)]
    store.records += made
    return [Entry(record) for record in made]


async def rest() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_follower_of_some_kinds_sleeps_through_all_others() -> None:
    store = Store()
    tail: Tail = Tail(store, ManualClock(0))  # type: ignore[arg-type]
    choosy = Following(tail, frozenset(("a",)))
    await rest()

    for _ in range(50):
        tail.publish(commit(store, ["b", "b"]))
        await rest()
    tail.publish(commit(store, ["b", "a", "b"]))
    await rest()

    assert (choosy.told, choosy.batches, store.reads) == ([102], 1, 0)
    choosy.task.cancel()


async def test_a_follower_that_lags_is_told_of_many_commits_at_once() -> None:
    store = Store()
    tail: Tail = Tail(store, ManualClock(0))  # type: ignore[arg-type]
    tail.publish(commit(store, ["a"]))
    for _ in range(50):
        tail.publish(commit(store, ["a", "b"]))

    late = Following(tail, frozenset("b"))
    await rest()

    assert (late.told, late.batches, store.reads) == ([*range(3, 102, 2)], 1, 0)
    late.task.cancel()


async def test_every_follower_is_told_all_that_it_wants_once_and_in_order(seed: int) -> None:
    """Commits of this node and of others, announced or not, with followers that rest, lag and come late."""
    choose = random.Random(seed)
    store = Store()
    tail: Tail = Tail(store, ManualClock(0))  # type: ignore[arg-type]
    wanted: list[frozenset[str] | None] = [None, frozenset("a"), frozenset("bc"), frozenset("d")]
    followers = [(kinds, Following(tail, kinds)) for kinds in wanted]

    for _ in range(300):
        entries = commit(store, [choose.choice("abc") for _ in range(choose.randint(1, 4))])
        match choose.randrange(4):
            case 0:
                tail._learn(entries[-1].position)  # another node's, announced
            case 1:
                pass  # another node's, announced late or never
            case _:
                tail.publish(entries)
        if choose.random() < 0.3:
            await rest()
        if choose.random() < 0.02:
            kinds = choose.choice(wanted)
            followers.append((kinds, Following(tail, kinds)))
    tail._learn(len(store.records))
    while any(follower.task.done() for _, follower in followers) or not all(
        follower.told == [r.position for r in store.records if kinds is None or r.kind in kinds]
        for kinds, follower in followers
    ):
        before = [len(follower.told) for _, follower in followers]
        await rest()
        assert before != [len(follower.told) for _, follower in followers], "a follower misses something"

    for _, follower in followers:
        follower.task.cancel()


async def test_who_goes_first_is_done_before_others_begin() -> None:
    store: Any = Store()
    tail = Tail(store, ManualClock(0))
    order: list[str] = []

    async def follow(name: str, *, first: bool) -> None:
        async for batch in tail.follow(0, first=first):
            order.extend(f"{name} {entry.position}" for entry in batch)

    tasks = [
        asyncio.create_task(follow(name, first=name == "first")) for name in ("one", "two", "first", "three", "four")
    ]
    await rest()
    for _ in range(2):
        tail.publish(commit(store, ["a"]))
        await rest()
    for task in tasks:
        task.cancel()

    assert order[0] == "first 1"
    assert order[5] == "first 2"
    assert sorted(order[1:5]) == ["four 1", "one 1", "three 1", "two 1"]


async def test_who_stands_back_is_given_what_is_committed_in_a_rush_after_it_and_from_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tails, "RECENT_BYTES_MAX", 1)
    store = Store()
    tail = Tail(store, ManualClock(0))  # type: ignore[arg-type]
    told: list[int] = []
    batches = 0

    async def follow() -> None:
        nonlocal batches
        async for batch in tail.follow(0, stands_back=True):
            batches += 1
            told.extend(entry.position for entry in batch)

    following = asyncio.create_task(follow())
    await rest()
    tail.rush.on = True
    for _ in range(5):
        tail.publish(commit(store, ["a", "b"]))
        await rest()
    assert not told

    tail.rush.on = False
    await rest()

    assert told == [*range(1, 11)]
    assert batches == 1
    assert not store.reads
    following.cancel()
