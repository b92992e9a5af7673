"""Purged entities on both stores: the payloads are gone wherever they were, and everything else holds."""

from __future__ import annotations

import asyncio
import hashlib
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from app.clock import ManualClock
from app.entities import streams
from app.entities.reading import EntityReader, Key
from app.entities.snapshots import Snapshots
from app.entities.streams import Append
from app.errors import SnapshotNotFound, StreamDeleted, StreamNotFound, VersionConflict
from app.events.new_event import NewEvent
from app.history import redaction
from app.history.explore import Explorer, Wanted
from app.history.interests import Interest
from app.history.kinds import EventEmitted, HistoryRedacted
from app.history.live import Live
from app.history.rebuild import rebuild
from app.history.verify import verify
from app.ids import Ids
from app.node import Node
from storage import history
from storage.contract import Storage, StorageError
from storage.sqlite import SQLiteStorage
from tests.support.nodes import alive

SECRET = "4929-1234-5678-9012"
KEY = Key("default", "1", "customer")


def event(text: str = SECRET, **options: Any) -> NewEvent:
    return NewEvent("default", "customer.moved", json.dumps({"to": text}).encode(), **options)


async def append(node: Node, *events: NewEvent, id: str = "1", key: str = "") -> Any:
    appends = [Append("customer", id, events)]
    return await node.streams.append("default", appends, idempotency_key=key)


async def purge(node: Node, id: str = "1", **options: Any) -> int:
    return await node.streams.delete("default", "customer", id, purge=True, **options)


async def data_of(storage: Storage, key: Key = KEY) -> list[Any]:
    page = await EntityReader(storage).read(key)
    return [msgspec.json.decode(entry.fact.data) for entry in page.entries if isinstance(entry.fact, EventEmitted)]


async def redactions(storage: Storage) -> list[HistoryRedacted]:
    page = await Explorer(storage).page("default", Wanted(kinds=("history.redacted",)), backward=False, limit=100)
    found = [entry.fact for entry in page.entries]
    assert all(isinstance(fact, HistoryRedacted) for fact in found)
    return found  # type: ignore[return-value]


async def change(storage: Storage, sql: str) -> None:
    await storage.write(lambda tx: tx._connection.execute(sql) and None)  # type: ignore[attr-defined]


async def everything(storage: Storage) -> str:
    """All that history holds, as text."""
    return await storage.read(lambda tx: repr([record for page in history.everything(tx) for record in page]))


async def test_the_payloads_are_gone_and_order_and_versions_are_not(
    node: Node, storage: Storage, clock: ManualClock
) -> None:
    await append(node, event(), event(metadata=b'{"by":"%s"}' % SECRET.encode()))
    await append(node, event("elsewhere"), id="2")
    before = await EntityReader(storage).read(KEY)
    clock.advance(seconds=60)

    version = await purge(node, reason="asked to", actor="ann")

    after = await EntityReader(storage).read(KEY)
    payload = json.dumps({"to": SECRET}).encode()
    assert version == 3
    assert after.info.deleted_at == clock.now_us()
    for old, new in zip(before.entries, after.entries, strict=False):
        assert new.record._replace(data="", metadata="") == old.record._replace(data="", metadata="")
        assert isinstance(old.fact, EventEmitted)
        assert isinstance(new.fact, EventEmitted)
        assert new.fact == msgspec.structs.replace(old.fact, data=new.fact.data)
    assert (
        await data_of(storage)
        == [
            {
                "$redacted": True,
                "sha256": hashlib.sha256(payload).hexdigest(),
                "redactedAt": "2025-11-24T16:01:00.000Z",
            }
        ]
        * 2
    )
    assert after.entries[0].metadata == b"{}"
    assert msgspec.json.decode(after.entries[1].metadata)["$redacted"]
    assert SECRET not in await everything(storage)
    assert await data_of(storage, KEY._replace(id="2")) == [{"to": "elsewhere"}]
    [told] = await redactions(storage)
    assert (told.stream, told.reason) == ("entity/customer/1", "asked to")
    assert [voucher.position for voucher in told.vouchers] == [entry.position for entry in before.entries]


async def test_history_and_the_tables_hold_afterwards(node: Node, storage: Storage) -> None:
    await append(node, event(), key="k")
    await append(node, event("elsewhere"), id="2")
    await append(node, event())

    await purge(node)
    await append(node, event("elsewhere"), id="2")

    report = await verify(storage)
    assert (report.bad_position, report.redacted) == (None, 2)
    assert (report.entries, report.digest) == (report.entries, (await storage.read(history.head))[1].hex())
    assert (await rebuild(storage, node.fold, check=True)).differing == ()
    await rebuild(storage, node.fold, check=False)
    assert (await verify(storage)).bad_position is None
    assert SECRET not in await everything(storage)


async def test_the_past_shows_the_placeholder_too(node: Node, storage: Storage) -> None:
    await append(node, event())
    at = node.tail.head

    await purge(node)

    [shown] = await data_of(storage, KEY._replace(at=at))
    assert shown["$redacted"] is True


async def test_a_deleted_entity_can_be_purged_later_and_again(node: Node, storage: Storage) -> None:
    await append(node, event())
    assert await node.streams.delete("default", "customer", "1") == 2
    assert SECRET in await everything(storage)

    assert await purge(node) == 2
    head = node.tail.head
    assert await purge(node) == 2

    assert node.tail.head == head, "the second purge finds nothing to redact"
    assert SECRET not in await everything(storage)
    with pytest.raises(StreamDeleted):
        await append(node, event())


async def test_a_refused_purge_changes_nothing(node: Node, storage: Storage) -> None:
    await append(node, event())

    with pytest.raises(VersionConflict):
        await purge(node, expected=7)
    with pytest.raises(StreamNotFound):
        await purge(node, "nobody")

    assert await data_of(storage) == [{"to": SECRET}]


async def test_its_key_and_its_snapshots(node: Node, storage: Storage, clock: ManualClock) -> None:
    first = await append(node, event(), key="k")
    snapshots = Snapshots(storage, clock, node.ids)
    await snapshots.save("default", "customer", "1", version=1, state=json.dumps(SECRET).encode())

    await purge(node)

    with pytest.raises(SnapshotNotFound):
        await snapshots.newest("default", "customer", "1")
    again = await append(node, event(), key="k")
    assert again.duplicate
    assert again.parts == first.parts


async def test_a_long_stream_goes_in_parts_that_hold_each(
    node: Node, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "PURGED_AT_ONCE", 3)
    await append(node, *(event() for _ in range(8)))

    assert await purge(node) == 9

    assert [len(told.vouchers) for told in await redactions(storage)] == [3, 3, 2]
    assert SECRET not in await everything(storage)
    assert (await verify(storage)).redacted == 8


async def test_what_is_appended_meanwhile_goes_too_or_is_refused(node: Node, storage: Storage) -> None:
    await append(node, event())

    answers = await asyncio.gather(
        *(append(node, event()) for _ in range(20)),
        purge(node),
        *(append(node, event()) for _ in range(20)),
        return_exceptions=True,
    )

    refused = [answer for answer in answers if isinstance(answer, BaseException)]
    assert refused
    assert all(isinstance(one, StreamDeleted) for one in refused)
    assert SECRET not in await everything(storage)
    assert (await verify(storage)).bad_position is None
    assert (await rebuild(storage, node.fold, check=True)).differing == ()


async def test_another_node_appends_and_purges_under_the_same_lock(
    node: Node, storage: Storage, clock: ManualClock
) -> None:
    other = Node(storage=storage, clock=clock, ids=Ids(clock))
    async with alive(other):
        await append(node, event())
        answers = await asyncio.gather(
            *(append(other, event()) for _ in range(10)), purge(node), purge(other), return_exceptions=True
        )

    unexpected = [one for one in answers if isinstance(one, BaseException) and not isinstance(one, StreamDeleted)]
    assert not unexpected
    assert SECRET not in await everything(storage)
    assert (await verify(storage)).bad_position is None


async def test_a_purge_that_the_store_refuses_at_the_end_leaves_everything(
    node: Node, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    await append(node, event(), event())

    def refuse(*args: Any, **kwargs: Any) -> None:
        raise StorageError("the disk is gone")

    with monkeypatch.context() as patched:
        patched.setattr(node.fold, "save", refuse)
        with pytest.raises(StorageError):
            await purge(node)

    assert await data_of(storage) == [{"to": SECRET}] * 2
    assert (await verify(storage)).redacted == 0
    assert await purge(node) == 3


PLACEHOLDER = redaction.placeholder(b"{}", 0).decode()


@pytest.mark.parametrize(
    "tamper",
    [
        "update history set data = replace(data, 'customer.moved', 'customer.went') where position = 2",
        "update history set data = replace(data, '2025', '2024') where position = 2",
        "update history set actor = 'eve' where position = 2",
        "update history set digest = (select digest from history where position = 1) where position = 2",
        f'update history set data = \'{{"id":"e","name":"n","data":{PLACEHOLDER}}}\' where position = 2',
    ],
)
async def test_a_redacted_entry_that_is_changed_again_is_found(node: Node, storage: Storage, tamper: str) -> None:
    await append(node, event("elsewhere"), id="2")
    await append(node, event())
    await purge(node)

    await change(storage, tamper)

    report = await verify(storage)
    assert (report.bad_position, report.entries) == (2, 1)


async def test_a_placeholder_that_no_redaction_tells_of_is_found(node: Node, storage: Storage) -> None:
    await append(node, event(), event(), event())
    await append(node, event(), id="2")
    await purge(node, "2")
    record = await storage.read(lambda tx: history.at(tx, 2))
    assert record is not None
    data = redaction.redacted(record, 0).data

    await change(storage, f"update history set data = '{data}' where position = 2")

    report = await verify(storage)
    assert (report.bad_position, report.entries) == (2, 1)
    assert "history.redacted" in report.reason


async def test_an_entry_changed_before_or_after_a_redacted_one_is_found(node: Node, storage: Storage) -> None:
    await append(node, event("elsewhere"), id="2")
    await append(node, event())
    await append(node, event("elsewhere"), id="2")
    await purge(node)

    await change(storage, "update history set actor = 'eve' where position = 3")
    assert (await verify(storage)).bad_position == 3
    await change(storage, "update history set actor = 'eve' where position = 1")
    assert (await verify(storage)).bad_position == 1


async def test_a_redaction_that_is_forged_or_undone_is_found(node: Node, storage: Storage) -> None:
    await append(node, event())
    original = await storage.read(lambda tx: history.at(tx, 1))
    await purge(node)
    told = await storage.read(lambda tx: history.at(tx, 3))
    assert original is not None
    assert told is not None

    await change(storage, "update history set actor = 'eve' where position = 3")
    assert (await verify(storage)).bad_position == 1, "nobody vouches for the placeholder"
    await change(storage, f"update history set data = '{original.data}' where position = 1")
    assert (await verify(storage)).bad_position == 3
    await change(storage, f"update history set actor = '{told.actor}' where position = 3")
    report = await verify(storage)
    assert (report.bad_position, report.redacted) == (1, 0)
    assert "is there" in report.reason


async def test_users_who_send_what_looks_like_a_placeholder_lose_it_too(node: Node, storage: Storage) -> None:
    almost = {"$redacted": True, "sha256": "0" * 64, "redactedAt": "now", "to": SECRET}
    await append(node, NewEvent("default", "customer.moved", json.dumps(almost).encode()))

    await purge(node)

    assert SECRET not in await everything(storage)


async def test_followers_who_read_later_are_not_given_the_payload(node: Node) -> None:
    live = Live(tail=node.tail, storage=node.storage)
    slow = live.subscribe(Interest("default", nouns=("entity",)))
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(live.run())
        assert await slow.batch(0) == ()  # now it is attached
        await append(node, event())
        await slow_has(slow)
        await purge(node)
        fresh = live.subscribe(Interest("default", nouns=("entity", "redaction")), after=0)
        seen = b""
        while b"history.redacted" not in seen:
            seen += b"".join(entry.kind.encode() + entry.data for entry in await fresh.batch(10))
        given = list(await slow.batch(10))
        running.cancel()

    assert SECRET.encode() not in seen
    assert [entry.kind for entry in given] == ["event.emitted", "entity.deleted"]
    assert SECRET.encode() not in b"".join(entry.data for entry in given)
    async for batch in node.tail.follow(0):
        assert SECRET.encode() not in b"".join(entry.data for entry in batch)
        break


async def slow_has(subscription: Any) -> None:
    """Returns once an entry waits to be taken."""
    async with asyncio.timeout(10):
        await subscription._wake.wait()


async def test_files_do_not_keep_the_payload(node: Node, storage: Storage, location: str) -> None:
    """SQLite: at once, also in its log. Postgres: in the table's own files, after `vacuum full`."""
    await append(node, *(event(SECRET * (1 if n % 3 else 2_000)) for n in range(100)))
    await append(node, event("elsewhere"), id="2")
    snapshots = Snapshots(storage, node.clock, node.ids)
    await snapshots.save("default", "customer", "1", version=1, state=json.dumps(SECRET * 2_000).encode())
    assert await remains(storage, location)

    await purge(node)

    assert not await remains(storage, location)


async def remains(storage: Storage, location: str) -> bool:
    if isinstance(storage, SQLiteStorage):
        await asyncio.wrap_future(storage._checkpointing.submit(lambda: None))  # whatever it had to do is done
        files = list(Path(location).parent.glob("ironflow.db*"))
        assert files
        return any(SECRET.encode() in file.read_bytes() for file in files)
    import psycopg

    with psycopg.connect(location, autocommit=True) as connection:
        connection.execute("vacuum full history, snapshots")
        connection.execute("checkpoint")
        names = connection.execute(
            "select pg_relation_filepath(oid) from pg_class where relname in ('history', 'snapshots')"
            " union all select pg_relation_filepath(reltoastrelid) from pg_class"
            " where relname in ('history', 'snapshots')"
        ).fetchall()
        assert len(names) == 4
        contents = [connection.execute("select pg_read_binary_file(%s)", name).fetchone() for name in names]
    return any(SECRET.encode() in content[0] for content in contents if content)
