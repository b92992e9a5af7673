"""Counts over time as REST shows them."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from app import clock
from app.api.shapes.base import Instant, Shape, Since, Until
from app.runs.stats import BUCKETS_DEFAULT, BUCKETS_MAX, RunStats

SINCE_DEFAULT = "24h"


class RunStatsQuery(msgspec.Struct):
    since: Since = SINCE_DEFAULT
    until: Until = ""
    buckets: Annotated[int, Meta(ge=1, le=BUCKETS_MAX, description="into how many the time is divided")] = (
        BUCKETS_DEFAULT
    )
    function_id: Annotated[str, Meta(description="of one function")] = ""
    status: Annotated[str, Meta(description="one, or several with commas")] = ""
    event_id: Annotated[str, Meta(description="started by one event")] = ""
    tag: Annotated[str, Meta(description="with this tag, or with all of several with commas")] = ""
    search: Annotated[str, Meta(description="part of id, function, event name or error, A-Z in either case")] = ""


class BucketResponse(Shape):
    """Runs that began in one stretch of time, by the status they have now."""

    at: Instant
    counts: dict[str, int]


class RunStatsResponse(Shape):
    """Runs that began in a time, counted and not sampled; buckets without any are left out."""

    since: Instant
    until: Instant
    bucket_ms: float
    buckets: list[BucketResponse]
    totals: Annotated[dict[str, int], Meta(description="by status")]


def stats_shown(stats: RunStats) -> RunStatsResponse:
    return RunStatsResponse(
        since=clock.rfc3339(stats.since),
        until=clock.rfc3339(stats.until),
        bucket_ms=stats.width / 1_000,
        buckets=[BucketResponse(at=clock.rfc3339(one.at), counts=one.counts) for one in stats.buckets],
        totals=stats.totals,
    )
