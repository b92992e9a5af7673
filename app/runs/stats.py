"""Runs counted over time. Nothing is sampled: a chart shows what there is."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

import msgspec

from app import ids
from app.errors import InvalidArgument
from app.runs.listing import RunFilter, checked
from storage import failures, history, runs
from storage.contract import Storage, Transaction

BUCKETS_DEFAULT = 60
BUCKETS_MAX = 500
ID_SLACK_US = 3_600_000_000
"""An id is made before its run is recorded, by no more than this."""


_Counts = list[tuple[int, str, int]]
"""Stretch, status and how many."""


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


class Outcome(msgspec.Struct):
    """What happened to runs within a stretch of time that begins at `at`: a run that began and completed in it is
    counted for both."""

    at: int
    began: int = 0
    completed: int = 0
    failed: int = 0
    cancelled: int = 0


class Outcomes(msgspec.Struct, frozen=True):
    """Stretches in order, those in which nothing happened left out. Instants and the width in µs."""

    since: int
    until: int
    width: int
    buckets: Sequence[Outcome]


class StatsReader:
    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def runs(self, environment: str, chosen: RunFilter, *, buckets: int = BUCKETS_DEFAULT) -> RunStats:
        """The runs that began from `chosen.since` until before `chosen.until`. Raises InvalidArgument."""
        checked(chosen)
        width = _width(chosen.since, chosen.until, buckets)
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

    async def outcomes(self, environment: str, *, since: int, until: int, buckets: int = BUCKETS_DEFAULT) -> Outcomes:
        """What happened to runs from `since` until before `until`, each thing when it did: a run that failed and went
        on later has failed all the same. Raises InvalidArgument."""
        width = _width(since, until, buckets)
        last = until - 1

        def read(tx: Transaction) -> tuple[_Counts, _Counts, list[tuple[int, int]]]:
            after = history.position_at(tx, since - 1)
            return (
                runs.by_time(tx, environment, width=width, first=first_id(since), since=since, until=last),
                runs.ends_by_time(tx, environment, since=since, until=last, width=width),
                failures.by_time(tx, environment, after=after, since=since, until=last, width=width),
            )

        begun, ended, failed = await self._storage.read(read)
        found: defaultdict[int, Outcome] = defaultdict(lambda: Outcome(0))
        for stretch, _, count in begun:
            found[stretch].began += count
        for stretch, status, count in ended:
            if status in ("completed", "cancelled"):  # failures are told by what was recorded of them
                setattr(found[stretch], status, count)
        for stretch, count in failed:
            found[stretch].failed = count
        for stretch, one in found.items():
            one.at = since + stretch * width
        return Outcomes(since, until, width, [one for _, one in sorted(found.items())])


def _width(since: int, until: int, buckets: int) -> int:
    """How long each of so many stretches is. Raises InvalidArgument."""
    if until <= since:
        raise InvalidArgument("since is not before until", field="since", hint="such as since=24h")
    return -(-(until - since) // buckets)


def first_id(since: int) -> str:
    """An id that no run is before which began since."""
    return ids.encode("run", max(0, since - ID_SLACK_US) // 1_000 << 80)
