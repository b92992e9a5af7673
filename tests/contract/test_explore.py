"""A search of history that looks at few entries at a time finds the same, in either direction."""

from __future__ import annotations

import asyncio

import pytest

from app.errors import Conflict
from app.events.new_event import NewEvent
from app.history import explore, facets, verify
from app.history.explore import Explorer, Wanted
from app.node import Node
from app.projections.redactions import Redactions
from app.search import whereabouts
from app.values.buckets import Definition
from app.values.kv import Put
from storage import history
from storage.contract import Storage
from storage.records import RedactedRow


@pytest.mark.parametrize("backward", [False, True])
@pytest.mark.parametrize("scanned_max", [1, 2, 3, 7, 1_000])
async def test_windows_join_without_gap_or_overlap(
    node: Node, storage: Storage, monkeypatch: pytest.MonkeyPatch, scanned_max: int, backward: bool
) -> None:
    monkeypatch.setattr(explore, "SCANNED_MAX", scanned_max)
    for environment in ("other", "default", "default", "other", "other", "other", "default", "other"):
        await asyncio.wait_for(node.emitter.emit(NewEvent(environment, "a.b", b"1")), 10)
    explorer, found, cursor, pages = Explorer(storage), [], 0, 0

    while not pages or cursor:
        page = await explorer.page("default", Wanted(("event.*",)), cursor=cursor, backward=backward, limit=2)
        found += [entry.position for entry in page.entries]
        cursor, pages = page.cursor, pages + 1

    assert found == ([7, 3, 2] if backward else [2, 3, 7])
    assert pages <= 8


@pytest.mark.parametrize("stream", ["", "kv/b/1"])
@pytest.mark.parametrize("backward", [False, True])
async def test_what_something_caused_is_found(node: Node, storage: Storage, stream: str, backward: bool) -> None:
    await node.keyspace.create_bucket("default", Definition("b"))
    for number, causation in enumerate(("run/run_1", "run/run_2", "", "run/run_1")):
        put = Put("b", str(number % 3), b"1")
        await asyncio.wait_for(node.keyspace.write("default", put, causation=causation), 10)

    wanted = Wanted(("kv.*",), stream=stream, causation="run/run_1")
    page = await Explorer(storage).page("default", wanted, backward=backward, limit=10)
    found = [entry.stream for entry in page.entries]
    assert found == ([] if stream else ["kv/b/0", "kv/b/0"])


async def test_a_stretch_of_history_is_counted_and_says_that_there_is_more_before_it(
    node: Node, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(facets, "COUNTED_MAX", 3)
    for number in range(5):
        await asyncio.wait_for(node.emitter.emit(NewEvent("default", f"a.{number}", b"1")), 10)
    head = (await storage.read(history.head))[0]

    newest = await facets.facets(storage, "default", Wanted())
    older = await facets.facets(storage, "default", Wanted(), until=2)

    assert (newest.entries, newest.first, newest.last, newest.whole) == (3, head - 2, head, False)
    assert [sum(slices) for slices in newest.lanes.values()] == [3]
    assert (older.last, older.whole) == (2, True)
    assert (await facets.facets(storage, "other", Wanted())).entries == 0


async def test_a_stream_is_counted_whole_only_if_all_of_it_was_looked_at(
    node: Node, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    await node.keyspace.create_bucket("default", Definition("b"))
    for number in range(4):
        await asyncio.wait_for(node.keyspace.write("default", Put("b", "1", b"%d" % number)), 10)
    head = (await storage.read(history.head))[0]

    async def counted(counted_max: int, *, until: int = history.END) -> tuple[int, bool]:
        monkeypatch.setattr(facets, "COUNTED_MAX", counted_max)
        found = await facets.facets(storage, "default", Wanted(("kv.deleted",), stream="kv/b/1"), until=until)
        return found.entries, found.whole

    assert await counted(3) == (0, False), "what was not looked at may be what is wanted"
    assert await counted(4) == (0, True)
    assert await counted(3, until=head - 1) == (0, True)


async def test_environments_of_others_do_not_hide_ones_own(
    node: Node, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(whereabouts, "ENVIRONMENTS_MAX", 2)
    for environment in ("a1", "a2", "b1", "b2", "b3"):
        await asyncio.wait_for(node.keyspace.create_bucket(environment, Definition("b")), 10)

    found = await whereabouts.find(storage, "b1", "bucket", "b", sees=lambda one: one.startswith("b"))
    bounded = await whereabouts.find(storage, "z", "bucket", "b", sees=lambda one: True)

    assert (found.here, found.elsewhere) == (True, ["b2", "b3"])
    assert bounded.elsewhere == ["a1", "a2"]


async def test_a_walk_of_the_chain_beside_a_redaction_is_no_false_alarm(
    node: Node, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = NewEvent("default", "a.b", b'{"x": 1}')
    emitted = [await asyncio.wait_for(node.emitter.emit(event), 10) for _ in range(5)]
    monkeypatch.setattr(verify, "PAGE", 2)
    verifying = verify.Verifying(storage)
    redactions = Redactions(storage=storage, committer=node.committer, projections=node.projections, ids=node.ids)
    walk = verifying.walk()

    first = await anext(walk)
    with pytest.raises(Conflict, match="already"):
        await anext(verifying.walk())
    for one in (emitted[0], emitted[-1]):  # one that was walked past, and one that was not
        await asyncio.wait_for(redactions.event("default", one.event_id, reason="asked for"), 10)
    *_, report = [one async for one in walk]

    assert isinstance(first, verify.Walked)
    assert isinstance(report, verify.VerifyReport)
    assert (report.bad_position, report.redacted) == (None, 2)
    assert await anext(verifying.walk()), "the next may walk"


async def test_a_walk_of_the_chain_ends_where_its_last_entry_is_gone_and_others_follow(
    node: Node, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        await asyncio.wait_for(node.emitter.emit(NewEvent("default", "a.b", b"1")), 10)
    kept, gone = history.after, 0
    monkeypatch.setattr(history, "after", lambda *args: [one for one in kept(*args) if one.position != gone])
    monkeypatch.setattr(verify, "PAGE", 2)
    walk = verify.Verifying(storage).walk()
    await anext(walk)
    gone = (await storage.read(history.head))[0]
    await asyncio.wait_for(node.emitter.emit(NewEvent("default", "a.b", b"1")), 10)

    told = [await asyncio.wait_for(anext(walk), 10) for _ in range(2)]

    assert isinstance(told[0], verify.Walked)
    assert isinstance(told[1], verify.VerifyReport)


async def test_a_walk_of_the_chain_finds_what_was_changed(node: Node, storage: Storage) -> None:
    for _ in range(2):
        await asyncio.wait_for(node.emitter.emit(NewEvent("default", "a.b", b"1")), 10)
    position = (await storage.read(history.head))[0]
    row = RedactedRow(data='{"name":"another"}', metadata="{}", position=position)
    await storage.write(lambda tx: history.redact(tx, [row]))

    *_, report = [one async for one in verify.Verifying(storage).walk()]

    assert isinstance(report, verify.VerifyReport)
    assert report.bad_position == position
