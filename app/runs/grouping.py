"""Runs counted by what they have in common: the newest COUNTED_MAX that match, and it is told if there are more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal, get_args

import msgspec

from app import texts
from app.errors import InvalidArgument
from app.runs.listing import RunFilter, checked
from storage import failures, runs
from storage.contract import Storage, Transaction

EVENTS_MAX = 100

By = Literal["function", "failure", "parent", "day"]
BYS: tuple[By, ...] = get_args(By)
COUNTED_MAX = 10_000
GROUPS_MAX = 200


class Group(msgspec.Struct, frozen=True):
    """Runs with the same `key`: a function, the fingerprint of how they failed last, a parent, or a day (UTC) as
    YYYY-MM-DD; "" for those that have none. `counts` by status. `title` says of a failure what it is, of a parent whose
    run it is."""

    key: str
    title: str
    runs: int
    counts: Mapping[str, int]
    newest_run_id: str


class Grouped(msgspec.Struct, frozen=True):
    """Groups, the largest first, days the newest first. Of `groups_total` at most GROUPS_MAX; `counted` runs are in
    them, which are all that match if `exact`, else the newest that do."""

    by: By
    groups: Sequence[Group]
    groups_total: int
    counted: int
    exact: bool


class OfEvents(msgspec.Struct, frozen=True):
    """By event, how many of its runs have each status; `exact` unless more than COUNTED_MAX runs are of them."""

    counts: Mapping[str, Mapping[str, int]]
    exact: bool


class GroupReader:
    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def runs(self, environment: str, chosen: RunFilter, by: By) -> Grouped:
        """Raises InvalidArgument naming what cannot be asked for."""
        checked(chosen)
        return await self._storage.read(lambda tx: _grouped(tx, environment, chosen, by))

    async def of_events(self, environment: str, event_ids: Sequence[str]) -> OfEvents:
        """Events that started nothing, or that there are not, have no counts. Raises InvalidArgument."""
        if not 1 <= len(event_ids) <= EVENTS_MAX:
            raise InvalidArgument(
                f"{len(event_ids)} events are asked about", field="event_id", hint=f"1 to {EVENTS_MAX}, with commas"
            )
        for one in event_ids:
            texts.check(one, field="event_id")
        wanted = list(dict.fromkeys(event_ids))
        rows = await self._storage.read(lambda tx: runs.of_events(tx, environment, wanted, limit=COUNTED_MAX + 1))
        counts: dict[str, dict[str, int]] = {one: {} for one in wanted}
        for event_id, status, count in rows:
            counts[event_id][status] = count
        return OfEvents(counts, sum(count for *_, count in rows) <= COUNTED_MAX)


def _grouped(tx: Transaction, environment: str, chosen: RunFilter, by: By) -> Grouped:
    rows = runs.grouped(tx, environment, by=by, limit=COUNTED_MAX, **chosen.told())
    counts: dict[str, Counter[str]] = {}
    newest: dict[str, str] = {}
    for key, status, count, run_id in rows:
        counts.setdefault(key, Counter())[status] += count
        newest[key] = max(newest.get(key, ""), run_id)
    keys = sorted(counts, key=lambda key: int(key) if by == "day" else counts[key].total(), reverse=True)
    counted = sum(one.total() for one in counts.values())
    titles = _titles(tx, environment, by, keys[:GROUPS_MAX])
    groups = [
        Group(
            _day(key) if by == "day" else key, titles.get(key, ""), counts[key].total(), dict(counts[key]), newest[key]
        )
        for key in keys[:GROUPS_MAX]
    ]
    exact = counted < COUNTED_MAX or runs.count(tx, environment, limit=COUNTED_MAX + 1, **chosen.told()) <= COUNTED_MAX
    return Grouped(by, groups, len(keys), counted, exact)


def _titles(tx: Transaction, environment: str, by: By, keys: Sequence[str]) -> dict[str, str]:
    match by:
        case "failure":
            found = (failures.group(tx, environment, key) for key in keys if key)
            return {group.fingerprint: group.message for group in found if group is not None}
        case "parent":
            parents = (runs.get(tx, environment, key) for key in keys if key)
            return {parent.id: parent.function_id for parent in parents if parent is not None}
        case "function" | "day":
            return {}


def _day(days: str) -> str:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=int(days))).date().isoformat()
