"""Of what a step gave in other runs, only so much is read. Both stores."""

from __future__ import annotations

import pytest

from app.errors import RunNotFound
from app.node import Node
from app.runs import precedents
from app.runs.comparing import Comparing
from tests.support.taker import Taker
from tests.support.worker import emit, ended, register


async def test_few_runs_are_looked_at_and_of_what_they_gave_so_much_is_told(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    await register(node)
    taker = Taker(node)
    comparing = Comparing(node.storage, node.past)
    ids: list[str] = []
    for output in (b'"a"', b'"long enough"', b'"b"', b'"c"'):
        ids.append(await emit(node))
        job = await taker.job()
        await taker.step(job, "charge", output)
        taker.complete(job)
        await ended(node, ids[-1])
    run_id = await emit(node)

    async def told() -> tuple[list[str], int]:
        found = await comparing.precedents("default", run_id, "charge:0")
        return [one.run_id for one in found.found], found.left_out

    assert await told() == (ids[::-1], 0)
    monkeypatch.setattr(precedents, "BYTES_MAX", 12)
    assert await told() == ([ids[3], ids[2]], 2)
    monkeypatch.setattr(precedents, "RUNS_MAX", 1)
    assert await told() == ([ids[3]], 0)
    monkeypatch.setattr(precedents, "ENTRIES_MAX", 2)
    assert await told() == ([], 0)
    with pytest.raises(RunNotFound):
        await comparing.precedents("default", "run_none", "charge:0")
