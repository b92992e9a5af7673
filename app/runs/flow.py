"""What a function is between: what started its newest runs, and what these emitted and invoked, as history tells it."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from app.runs.children import SOURCE
from app.runs.stats import first_id
from storage import runs
from storage.contract import Storage, Transaction

FLOW_RUNS = 100
NAMES_MAX = 20
SCANNED_MAX = 20_000


class Edge(msgspec.Struct, frozen=True):
    """An event or a function, and how often: of how many runs it is the start, or how often they emitted or invoked
    it."""

    kind: str
    name: str
    count: int


class Flow(msgspec.Struct, frozen=True):
    """Of the newest `sampled` runs; `whole` tells whether these are all since. Each list has the most frequent first,
    NAMES_MAX at most."""

    function_id: str
    since: int
    sampled: int
    whole: bool
    started_by: Sequence[Edge]
    leads_to: Sequence[Edge]


class FlowReader:
    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def of(self, environment: str, function_id: str, *, since: int) -> Flow:
        return await self._storage.read(lambda tx: _flow(tx, environment, function_id, since))


def _flow(tx: Transaction, environment: str, function_id: str, since: int) -> Flow:
    rows = runs.sampled(tx, environment, [function_id], since=since, first=first_id(since), sample=FLOW_RUNS + 1)
    ids = [row.id for row in rows[:FLOW_RUNS]]
    bound = {"scan": SCANNED_MAX, "limit": NAMES_MAX}
    return Flow(
        function_id=function_id,
        since=since,
        sampled=len(ids),
        whole=len(rows) <= FLOW_RUNS,
        started_by=[
            Edge("function" if parent else "event", parent or event, count)
            for parent, event, count in runs.started_by(tx, environment, ids, limit=NAMES_MAX)
        ],
        leads_to=[
            *(Edge("event", name, count) for name, count in runs.emitted(tx, environment, ids, but=SOURCE, **bound)),
            *(Edge("function", name, count) for name, count in runs.invoked(tx, environment, ids, **bound)),
        ],
    )
