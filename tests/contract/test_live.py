"""Following live on both stores: everything after a position, in order, whatever the pace of the reader."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator

import pytest

from app.api.live import frame
from app.errors import InvalidArgument
from app.history.entry import Entry
from app.history.interests import Ended, Interest
from app.history.live import Live, Policy, Subscription
from app.node import Node
from app.values.buckets import Definition
from app.values.kv import Put

ENV = "default"


@pytest.fixture
async def live(node: Node) -> AsyncIterator[Live]:
    await node.keyspace.create_bucket(ENV, Definition("b"))
    made = Live(tail=node.tail, storage=node.storage)
    running = asyncio.create_task(made.run())
    yield made
    running.cancel()


def wanting(key: str = "", environment: str = ENV) -> Interest:
    return Interest(environment, ("kv",), lambda entry: not key or entry.stream == f"kv/b/{key}")


async def put(node: Node, count: int, *, keys: int = 3) -> None:
    """So many values, written at the same time to several keys."""
    await asyncio.gather(*(node.keyspace.write(ENV, Put("b", f"k{n % keys}", b"%d" % n)) for n in range(count)))


async def take(subscription: Subscription, count: int) -> list[Entry]:
    found: list[Entry] = []
    async with asyncio.timeout(20):
        while len(found) < count:
            found += await subscription.batch(20)
    return found


def told(entries: list[Entry]) -> list[tuple[int, str, int]]:
    return [(entry.position, entry.stream, entry.version) for entry in entries]


async def written(node: Node, key: str = "") -> list[tuple[int, str, int]]:
    """All that history has of keys."""
    found: list[Entry] = []
    async for batch in node.tail.follow(0):
        found += batch
        if found[-1].position >= node.tail.head:
            break
    return told([e for e in found if e.stream.startswith("kv/") and (not key or e.stream == f"kv/b/{key}")])


async def test_watchers_see_every_revision_in_order(node: Node, live: Live) -> None:
    watchers = [live.subscribe(wanting(key)) for key in ("", "k0", "k1")]
    seen = [asyncio.create_task(take(w, count)) for w, count in zip(watchers, (300, 102, 99), strict=True)]

    for _ in range(3):
        await put(node, 100)

    assert told(await seen[0]) == await written(node)
    assert told(await seen[1]) == await written(node, "k0")
    assert [version for _, _, version in told(await seen[2])] == list(range(1, 100))


async def test_a_slow_reader_is_bounded_and_misses_nothing(node: Node, live: Live) -> None:
    slow = live.subscribe(wanting(), entries_max=5)
    await slow.batch(0)  # attached
    await put(node, 200)
    assert slow.buffered <= 5

    assert told(await take(slow, 200)) == await written(node)
    await put(node, 3)
    assert len(await take(slow, 3)) == 3


async def test_large_entries_fill_a_buffer_by_their_bytes(node: Node, live: Live) -> None:
    slow = live.subscribe(wanting())
    await slow.batch(0)
    for n in range(5):
        await node.keyspace.write(ENV, Put("b", "k", b'"%s"' % (b"%d" % n * 900_000)))
    assert sum(len(entry.data) for entry in slow._buffer) < 3 * 2**20

    assert [version for _, _, version in told(await take(slow, 5))] == [1, 2, 3, 4, 5]


async def test_what_is_dropped_is_counted(node: Node, live: Live) -> None:
    dropping = live.subscribe(wanting(), policy=Policy.DROP, entries_max=5)
    await dropping.batch(0)
    reference = live.subscribe(wanting())
    await put(node, 50)
    await take(reference, 50)
    assert (dropping.buffered, dropping.catching_up) == (5, False)

    assert told(await take(dropping, 5)) == (await written(node))[:5]
    assert dropping.dropped == 45
    await put(node, 1)
    assert told(await take(dropping, 1)) == (await written(node))[50:]


async def test_a_subscription_may_end_rather_than_fall_behind(node: Node, live: Live) -> None:
    strict = live.subscribe(wanting(), policy=Policy.DISCONNECT, entries_max=5)
    await strict.batch(0)
    reference = live.subscribe(wanting())
    await put(node, 50)
    await take(reference, 50)
    assert (strict.buffered, strict.catching_up) == (5, True)

    found = await take(strict, 5)
    with pytest.raises(Ended, match="too slow"):
        await strict.batch(1)
    rest = live.subscribe(wanting(), after=found[-1].position)
    assert told(found + await take(rest, 45)) == await written(node)


async def test_resuming_anywhere_while_others_write_misses_nothing(node: Node, live: Live, seed: int) -> None:
    chance = random.Random(seed)

    async def reader() -> list[Entry]:
        found: list[Entry] = []
        while len(found) < 400:
            subscription = live.subscribe(
                wanting(), after=found[-1].position if found else 0, entries_max=chance.randint(1, 20)
            )
            for _ in range(chance.randint(1, 4)):
                found += await subscription.batch(0.01)
                await asyncio.sleep(0)
            subscription.close()
        return found

    reading = [asyncio.create_task(reader()) for _ in range(4)]
    for _ in range(10):
        await put(node, 40)

    async with asyncio.timeout(30):
        for seen in await asyncio.gather(*reading):
            assert told(seen) == await written(node)
    assert len(live) == 0


async def test_other_environments_and_nouns_are_not_seen(node: Node, live: Live) -> None:
    other = live.subscribe(wanting(environment="other"), after=0)
    mine = live.subscribe(wanting())
    await node.keyspace.create_bucket("other", Definition("b"))
    await put(node, 2)
    await take(mine, 2)

    assert list(await other.batch(0.01)) == []
    await node.keyspace.write("other", Put("b", "x", b"1"))
    assert [entry.environment for entry in await take(other, 1)] == ["other"]


async def test_a_quiet_subscriber_moves_on(node: Node, live: Live) -> None:
    quiet = live.subscribe(wanting("nothing"), after=0)
    busy = live.subscribe(wanting())
    await quiet.batch(0)
    await put(node, 10)
    await take(busy, 10)

    assert quiet.position == node.tail.head


async def test_the_future_cannot_be_subscribed_to_and_stopping_ends_all(node: Node, live: Live) -> None:
    with pytest.raises(InvalidArgument):
        live.subscribe(wanting(), after=node.tail.head + 1)
    subscription = live.subscribe(wanting())
    waiting = asyncio.create_task(subscription.batch(60))
    await asyncio.sleep(0)
    live.stop()

    with pytest.raises(Ended, match="stopping"):
        await waiting


@pytest.mark.parametrize("raw", [b'{"a":1}', b'{\n"a":\r\n1\r}'])
def test_a_frame_keeps_to_its_lines(raw: bytes) -> None:
    import json

    import msgspec

    lines = frame(msgspec.Raw(raw), 7).decode().split("\n")

    assert lines[0] == "id: 7"
    assert lines[-2:] == ["", ""]
    data = [line.removeprefix("data: ") for line in lines[1:-2]]
    assert all(line.startswith("data: ") for line in lines[1:-2])
    assert json.loads("\n".join(data)) == {"a": 1}
