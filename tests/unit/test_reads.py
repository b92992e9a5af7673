"""Grouped reads: how many may wait."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from app.errors import ResourceExhausted
from app.values import reads
from app.values.reads import GroupedReads


class Store:
    async def read(self, work: Any) -> Any:
        return work(None)

    read_once = read


def doubled(tx: Any, questions: Sequence[int]) -> Sequence[int]:
    return [2 * question for question in questions]


async def test_no_more_reads_wait_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reads, "WAITING_MAX", 2)
    store: Any = Store()
    grouped: GroupedReads[int, int] = GroupedReads(store, doubled)
    waiting = [grouped.ask(1), grouped.ask(2)]

    with pytest.raises(ResourceExhausted):
        await grouped.ask(3)

    running = asyncio.create_task(grouped.run())
    assert await asyncio.gather(*waiting) == [2, 4]
    assert await grouped.ask(4) == 8
    running.cancel()
