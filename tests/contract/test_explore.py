"""A search of history that looks at few entries at a time finds the same, in either direction."""

from __future__ import annotations

import asyncio

import pytest

from app.events.new_event import NewEvent
from app.history import explore
from app.history.explore import Explorer, Wanted
from app.node import Node
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
