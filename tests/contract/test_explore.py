"""A search of history that looks at few entries at a time finds the same, in either direction."""

from __future__ import annotations

import asyncio

import pytest

from app.events.new_event import NewEvent
from app.history import explore
from app.history.explore import Explorer, Wanted
from app.node import Node
from app.values.buckets import Definition
from app.values.kv import Put
from storage.contract import Storage


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
