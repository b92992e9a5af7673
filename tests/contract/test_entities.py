"""Entity streams on both stores: versions, conditions, keys, deletion, snapshots, and what was at any position."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import msgspec
import pytest

from app.clock import ManualClock
from app.entities.reading import EntityReader, Key
from app.entities.snapshots import Snapshots
from app.entities.streams import ANY, NEW, Append
from app.errors import (
    AmbiguousId,
    IdempotencyConflict,
    InvalidArgument,
    SnapshotNotFound,
    StreamDeleted,
    StreamNotFound,
    VersionConflict,
)
from app.events.new_event import NewEvent
from app.events.reading import EventFilter, EventReader
from app.history.kinds import EventEmitted, Trigger
from app.history.rebuild import rebuild
from app.history.verify import verify
from app.ids import Ids
from app.node import Node
from app.runs import memo
from app.runs.definition import Definition
from storage.contract import Storage
from tests.support.nodes import alive


def event(name: str = "order.placed", data: Any = None, **options: Any) -> NewEvent:
    return NewEvent("default", name, json.dumps(data).encode(), **options)


def order(id: str, *events: NewEvent, expected: int = ANY, type: str = "order") -> Append:
    return Append(type, id, events, expected)


@pytest.fixture
def reader(storage: Storage) -> EntityReader:
    return EntityReader(storage)


@pytest.fixture
def snapshots(node: Node) -> Snapshots:
    return Snapshots(node.storage, node.clock, node.ids)


async def append(node: Node, *appends: Append, key: str = "") -> Any:
    return await node.streams.append("default", appends, idempotency_key=key)


async def data_of(reader: EntityReader, id: str, **options: Any) -> list[Any]:
    page = await reader.read(Key("default", id, "order"), **options)
    return [
        msgspec.json.decode(entry.fact.data) if isinstance(entry.fact, EventEmitted) else None for entry in page.entries
    ]


async def test_events_are_read_as_they_were_appended(node: Node, reader: EntityReader) -> None:
    await append(node, order("1", event(data=1), event(data=2), expected=NEW))
    appended = await append(node, order("1", event(data=3), expected=2))

    assert appended.parts[0].version == 3
    assert await data_of(reader, "1") == [1, 2, 3]
    assert await data_of(reader, "1", direction="backward") == [3, 2, 1]
    assert await data_of(reader, "1", from_version=2, limit=1) == [2]
    assert await data_of(reader, "1", from_version=2, direction="backward") == [2, 1]


async def test_pages_follow_one_another(node: Node, reader: EntityReader) -> None:
    await append(node, order("1", *(event(data=n) for n in range(7))))
    key = Key("default", "1", "order")

    first = await reader.read(key, limit=3)
    second = await reader.read(key, from_version=first.next_version, limit=3)
    third = await reader.read(key, from_version=second.next_version, limit=3)
    back = await reader.read(key, direction="backward", limit=4)
    rest = await reader.read(key, direction="backward", from_version=back.next_version, limit=4)

    assert [e.version for page in (first, second, third) for e in page.entries] == [1, 2, 3, 4, 5, 6, 7]
    assert third.next_version == 0
    assert [e.version for page in (back, rest) for e in page.entries] == [7, 6, 5, 4, 3, 2, 1]
    assert rest.next_version == 0


@pytest.mark.parametrize("expected", [NEW, 1, 3])
async def test_another_version_than_expected_is_a_conflict_and_records_nothing(
    node: Node, reader: EntityReader, expected: int
) -> None:
    await append(node, order("1", event(data=1), event(data=2)))

    with pytest.raises(VersionConflict, match="order/1 is at version 2"):
        await append(node, order("1", event(data=9), expected=expected))

    assert await data_of(reader, "1") == [1, 2]
    assert node.tail.head == 2


async def test_of_writers_that_expect_the_same_version_one_wins(node: Node, reader: EntityReader) -> None:
    await append(node, order("1", event(data=0)))

    answers = await asyncio.gather(
        *(append(node, order("1", event(data=n), expected=1)) for n in range(1, 21)), return_exceptions=True
    )

    won = [answer for answer in answers if not isinstance(answer, BaseException)]
    assert len(won) == 1
    assert all(isinstance(answer, VersionConflict) for answer in answers if isinstance(answer, BaseException))
    assert len(await data_of(reader, "1")) == 2


async def test_several_streams_are_appended_to_all_or_nothing(node: Node, reader: EntityReader) -> None:
    await append(node, order("a", event(data=1)))

    with pytest.raises(VersionConflict):
        await append(node, order("a", event(data=2)), order("b", event(data=3), expected=4))
    assert await data_of(reader, "a") == [1]
    with pytest.raises(StreamNotFound):
        await reader.info(Key("default", "b"))

    moved = await append(node, order("a", event(data=-5), expected=1), order("b", event(data=5), expected=NEW))
    assert [(part.id, part.version) for part in moved.parts] == [("a", 2), ("b", 1)]


async def test_a_stream_without_events_is_a_condition(node: Node, reader: EntityReader) -> None:
    await append(node, order("limit", event(data=100)))

    with pytest.raises(VersionConflict, match="order/limit"):
        await append(node, order("limit", expected=2), order("a", event(data=1)))
    await append(node, order("limit", expected=1), order("a", event(data=1)))

    assert await data_of(reader, "a") == [1]
    assert await data_of(reader, "limit") == [100]


async def test_a_key_records_an_append_once(node: Node, reader: EntityReader) -> None:
    first = await append(node, order("1", event(data=1), event(data=2), expected=NEW), key="k")
    await append(node, order("1", event(data=3)))
    again = await append(node, order("1", event(data=1), event(data=2), expected=NEW), key="k")

    assert again.duplicate
    assert again.parts == first.parts
    assert await data_of(reader, "1") == [1, 2, 3]
    with pytest.raises(IdempotencyConflict):
        await append(node, order("1", event(data=7)), key="k")
    with pytest.raises(IdempotencyConflict, match="append"):
        await node.emitter.emit(event(idempotency_key="k"))


async def test_repeats_in_one_batch_find_the_first(node: Node, reader: EntityReader) -> None:
    answers = await asyncio.gather(*(append(node, order("1", event(data=1)), key="k") for _ in range(10)))

    assert sum(not answer.duplicate for answer in answers) == 1
    assert len({answer.parts for answer in answers}) == 1
    assert await data_of(reader, "1") == [1]


async def test_a_key_of_an_emit_is_not_taken_for_an_append(node: Node) -> None:
    await node.emitter.emit(event(idempotency_key="k"))

    with pytest.raises(IdempotencyConflict, match="another event"):
        await append(node, order("1", event()), key="k")


async def test_events_of_entities_start_runs_and_are_events(node: Node, storage: Storage) -> None:
    await node.functions.register("default", Definition("f", triggers=(Trigger(event="order.*"),)))
    only_big = Trigger(event="order.placed", expression="event.entity_type == 'order' && data.total > 10")
    await node.functions.register("default", Definition("big", triggers=(only_big,)))

    small = await append(node, order("1", event(data={"total": 1})))
    big = await append(node, order("2", event(data={"total": 11}, metadata=b'{"a":1}')))

    assert (len(small.run_ids), len(big.run_ids)) == (1, 2)
    run = await node.runs.get("default", big.run_ids[1])
    assert msgspec.json.decode(run.input) == {"total": 11}
    assert run.event.metadata == b'{"a":1}'
    events = EventReader(storage)
    [event_id] = big.parts[0].event_ids
    found = await events.get("default", event_id)
    assert (found.stream, found.version) == ("entity/order/2", 1)
    page = await events.list("default", EventFilter(names=("order.placed",)))
    assert [entry.stream for entry in page.entries] == ["entity/order/2", "entity/order/1"]


async def test_a_run_that_starts_again_is_given_the_event_of_its_entity(node: Node, storage: Storage) -> None:
    """Its worker was lost, or the server: nothing of the event is in memory any more."""
    await node.functions.register("default", Definition("f", triggers=(Trigger(event="order.*"),)))
    [run_id] = (await append(node, order("1", event(data={"n": 1})))).run_ids
    started: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    node.engine.start("default", run_id, worker_id="w", done=lambda answer, error: started.set_result(error))
    assert await asyncio.wait_for(started, 10) is None

    memos = await storage.read(lambda tx: memo.load(tx, memo.Wanted("default", run_id, 1)))

    assert memos is not None
    assert memos.event is not None
    assert memos.event.stream == "entity/order/1"


async def test_runs_are_found_below_the_event_that_caused_them(node: Node, reader: EntityReader) -> None:
    await node.functions.register("default", Definition("f", triggers=(Trigger(event="order.placed"),)))
    appended = await append(node, order("1", event(), event("order.paid")))

    _, told = await reader.history(Key("default", "1"))

    assert [[run.state.id for run in one.runs] for one in told] == [list(appended.run_ids), []]
    assert told[0].runs[0].state.function_id == "f"


async def test_a_deleted_stream_can_be_read_and_not_appended_to(
    node: Node, reader: EntityReader, snapshots: Snapshots
) -> None:
    await append(node, order("1", event(data=1)))
    await snapshots.save("default", "order", "1", version=1, state=b"{}")

    assert await node.streams.delete("default", "order", "1", reason="asked for") == 2
    assert await node.streams.delete("default", "order", "1") == 2

    with pytest.raises(StreamDeleted):
        await append(node, order("1", event()))
    with pytest.raises(StreamDeleted):
        await append(node, order("1", event(), expected=NEW))
    with pytest.raises(StreamDeleted):
        await snapshots.save("default", "order", "1", version=1, state=b"{}")
    with pytest.raises(SnapshotNotFound):
        await snapshots.newest("default", "order", "1")
    assert await data_of(reader, "1") == [1, None]
    info = await reader.info(Key("default", "1"))
    assert (info.version, info.event_count, info.deleted_at is not None) == (2, 1, True)
    assert (await reader.list("default")).rows == []
    assert len((await reader.list("default", include_deleted=True)).rows) == 1


async def test_deleting_asks_for_the_version_and_for_a_stream(node: Node) -> None:
    await append(node, order("1", event()))

    with pytest.raises(VersionConflict):
        await node.streams.delete("default", "order", "1", expected=5)
    with pytest.raises(StreamNotFound, match=r"^stream not found$"):
        await node.streams.delete("default", "order", "2")


@pytest.mark.parametrize("id", [".", "..", "a/b"])
async def test_an_entity_that_no_path_can_say_is_not_begun_but_read_and_deleted_where_it_is(
    node: Node, reader: EntityReader, monkeypatch: pytest.MonkeyPatch, id: str
) -> None:
    with pytest.raises(InvalidArgument):
        await append(node, order(id, event(data=1)))
    with monkeypatch.context() as once:
        once.setattr("app.entities.names.check_new_id", lambda id: None)
        await append(node, order(id, event(data=1)))

    before = await data_of(reader, id)
    with pytest.raises(InvalidArgument):
        await append(node, order(id, event(data=2)))
    assert await node.streams.delete("default", "order", id) == 2

    assert (before, await data_of(reader, id)) == ([1], [1, None])
    assert (await reader.list("default")).rows == []


async def test_the_newest_snapshot_at_a_version_is_found(node: Node, snapshots: Snapshots) -> None:
    await append(node, order("1", *(event() for _ in range(9))))
    for version in (2, 5, 8):
        await snapshots.save("default", "order", "1", version=version, state=b'{"at":%d}' % version)
    await snapshots.save("default", "order", "1", version=5, state=b'{"at":5,"again":true}')

    async def at(version: int) -> str:
        return (await snapshots.newest("default", "order", "1", version=version)).state

    assert (await snapshots.newest("default", "order", "1")).version == 8
    assert await at(7) == '{"at":5,"again":true}'
    assert await at(2) == '{"at":2}'
    with pytest.raises(SnapshotNotFound):
        await at(1)
    with pytest.raises(InvalidArgument, match="10"):
        await snapshots.save("default", "order", "1", version=10, state=b"{}")


async def test_an_id_that_several_types_have_needs_its_type(node: Node, reader: EntityReader) -> None:
    await append(node, order("1", event(data=1)), order("1", event(data=2), type="cart"))

    with pytest.raises(AmbiguousId, match="cart, order"):
        await reader.info(Key("default", "1"))
    assert (await reader.info(Key("default", "1", "cart"))).type == "cart"


async def test_lists_go_by_id_and_page(node: Node, reader: EntityReader) -> None:
    for n in range(5):
        await append(node, order(f"o{n}", event()))
    await append(node, order("o2", event(), type="cart"))

    first = await reader.list("default", limit=4)
    second = await reader.list("default", limit=4, cursor=first.next_cursor)
    carts = await reader.list("default", type="cart")
    found = await reader.list("default", search="o3")

    names = [f"{row.type}/{row.id}" for page in (first, second) for row in page.rows]
    assert names == ["order/o0", "order/o1", "cart/o2", "order/o2", "order/o3", "order/o4"]
    assert (first.total, second.next_cursor) == (6, "")
    assert [row.id for row in carts.rows] == ["o2"]
    assert [row.id for row in found.rows] == ["o3"]
    assert (await reader.list("other")).rows == []


@pytest.mark.parametrize(
    ("appends", "field"),
    [
        ([order("", event())], "entity_id"),
        ([order("a/b", event())], "entity_id"),
        ([order("a b", event())], "entity_id"),
        ([order("x" * 256, event())], "entity_id"),
        ([order("\ud800", event())], "entity_id"),
        ([order("1", event(), type="")], "entity_type"),
        ([order("1", event(), type="a.b")], "entity_type"),
        ([order("1", event(), type="a/b")], "entity_type"),
        ([order("1", event(), type=">")], "entity_type"),
        ([order("1")], "events"),
        ([], "appends"),
        ([order("1", event()), order("1", event())], "appends"),
        ([order("1", event(), expected=-2)], "expected_version"),
        ([order("1", event("a..b"))], "name"),
        ([order("1", NewEvent("default", "a", b"{"))], "data"),
    ],
)
async def test_what_cannot_be_appended_is_named(node: Node, appends: list[Append], field: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        await append(node, *appends)

    assert refused.value.field == field
    assert node.tail.head == 0


async def test_a_node_that_starts_later_goes_on_at_the_version(
    node: Node, storage: Storage, clock: ManualClock
) -> None:
    await append(node, order("1", *(event(data=n) for n in range(50))))
    other = Node(storage=storage, clock=clock, ids=Ids(clock))
    async with alive(other):
        appended = await append(other, order("1", event(), expected=50))
        with pytest.raises(VersionConflict):
            await append(node, order("1", event(), expected=50))

    assert appended.parts[0].version == 51
    assert (await rebuild(storage, node.fold, check=True)).differing == ()
    assert (await verify(storage)).bad_position is None


async def test_a_changed_row_of_an_entity_is_found_and_repaired(node: Node, storage: Storage) -> None:
    await append(node, order("1", event(), event()), order("2", event()))
    await node.streams.delete("default", "order", "2")
    await storage.write(lambda tx: tx._connection.execute("update entities set version = 7 where id = '1'") and None)  # type: ignore[attr-defined]

    assert (await rebuild(storage, node.fold, check=True)).differing == ("entity",)
    await rebuild(storage, node.fold, check=False)
    assert (await rebuild(storage, node.fold, check=True)).differing == ()


async def test_payloads_stay_the_bytes_they_were(node: Node, reader: EntityReader) -> None:
    raw = b'{ "b":1.0, "a" : 12345678901234567890 }'
    await append(node, order("1", NewEvent("default", "a", raw)))

    page = await reader.read(Key("default", "1"))

    fact = page.entries[0].fact
    assert isinstance(fact, EventEmitted)
    assert fact.data == msgspec.Raw(raw)
