"""Runs counted over time. Nothing is sampled: a chart shows what there is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec

from app import ids
from app.errors import InvalidArgument
from app.runs.listing import RunFilter, checked
from storage import runs
from storage.contract import Storage

BUCKETS_DEFAULT = 60
BUCKETS_MAX = 500
ID_SLACK_US = 3_600_000_000
"""An id is made before its run is recorded, by no more than this."""


class Bucket(msgspec.Struct, frozen=True):
    """How many runs of each status began within a stretch of time."""

    at: int
    counts: dict[str, int]


class RunStats(msgspec.Struct, frozen=True):
    """Buckets in order, those without a run left out. Instants and the width in µs."""

    since: int
    until: int
    width: int
    buckets: Sequence[Bucket]
    totals: dict[str, int]


class StatsReader:
    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def runs(self, environment: str, chosen: RunFilter, *, buckets: int = BUCKETS_DEFAULT) -> RunStats:
        """The runs that began from `chosen.since` until before `chosen.until`. Raises InvalidArgument."""
        checked(chosen)
        if chosen.until <= chosen.since:
            raise InvalidArgument("since is not before until", field="since", hint="such as since=24h")
        width = -(-(chosen.until - chosen.since) // buckets)
        rows = await self._storage.read(
            lambda tx: runs.by_time(
                tx,
                environment,
                width=width,
                first=first_id(chosen.since),
                **msgspec.structs.replace(chosen, until=chosen.until - 1).told(),
            )
        )
        by_stretch: dict[int, dict[str, int]] = {}
        totals: Counter[str] = Counter()
        for stretch, status, count in rows:
            by_stretch.setdefault(stretch, {})[status] = count
            totals[status] += count
        return RunStats(
            since=chosen.since,
            until=chosen.until,
            width=width,
            buckets=[Bucket(chosen.since + stretch * width, counts) for stretch, counts in by_stretch.items()],
            totals=dict(totals),
        )


def first_id(since: int) -> str:
    """An id that no run is before which began since."""
    return ids.encode("run", max(0, since - ID_SLACK_US) // 1_000 << 80)
