"""Counts over time as REST shows them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta

from app import clock
from app.api.shapes.base import Instant, Shape, Since, Text, Until, given
from app.events.reading import COUNTED_MAX
from app.runs.flow import Edge, Flow
from app.runs.grouping import EVENTS_MAX, By, Grouped, OfEvents
from app.runs.profile import FunctionStats, Profile, Spread
from app.runs.stats import BUCKETS_DEFAULT, BUCKETS_MAX, Outcomes, RunStats

SINCE_DEFAULT = "24h"


class _ChosenRuns(msgspec.Struct, kw_only=True):
    since: Since = ""
    until: Until = ""
    function_id: Annotated[str, Meta(description="of one function")] = ""
    status: Annotated[str, Meta(description="one, or several with commas")] = ""
    event_id: Annotated[str, Meta(description="started by one event")] = ""
    parent_run_id: Annotated[str, Meta(description="started by a step of one run")] = ""
    failure: Annotated[str, Meta(description="that failed last with the fingerprint of a group of failures")] = ""
    tag: Annotated[str, Meta(description="with this tag, or with all of several with commas")] = ""
    search: Annotated[str, Meta(description="part of id, function, event name or error, A-Z in either case")] = ""


class RunStatsQuery(_ChosenRuns, kw_only=True):
    since: Since = SINCE_DEFAULT
    buckets: Annotated[int, Meta(ge=1, le=BUCKETS_MAX, description="into how many the time is divided")] = (
        BUCKETS_DEFAULT
    )


class RunOutcomesQuery(msgspec.Struct, kw_only=True):
    since: Since = SINCE_DEFAULT
    until: Until = ""
    buckets: Annotated[int, Meta(ge=1, le=BUCKETS_MAX, description="into how many the time is divided")] = (
        BUCKETS_DEFAULT
    )


class RunGroupsQuery(_ChosenRuns, kw_only=True):
    by: Annotated[By, Meta(description="what runs of a group have in common; day: in UTC")] = "function"


class RunGroupResponse(Shape, kw_only=True):
    """Runs with the same key, "" for those that have none: a function, the fingerprint of how they failed last, a
    parent, or a day. `title`: the message of a failure, the function of a parent."""

    key: str
    title: Text = UNSET
    runs: int
    counts: Annotated[dict[str, int], Meta(description="by status")]
    newest_run_id: str


class RunGroupsResponse(Shape):
    """Groups, the largest first, days the newest first: at most 200 of `groups_total`."""

    by: By
    groups: list[RunGroupResponse]
    groups_total: int
    counted: Annotated[int, Meta(description="runs that are in the groups: the newest 10,000 at most")]
    exact: Annotated[bool, Meta(description="whether these are all that match")]


class EventStatsQuery(msgspec.Struct, kw_only=True):
    since: Since = "10s"


class EventStatsResponse(Shape):
    """How many events were recorded since: counted up to 100,000, of which `exact` tells."""

    since: Instant
    until: Instant
    events: int
    exact: bool
    per_second: float


class FunctionStatsQuery(msgspec.Struct, kw_only=True):
    function_id: Annotated[str, Meta(description="one, or several with commas; all that are registered otherwise")] = ""
    since: Since = SINCE_DEFAULT


class StepProfileQuery(msgspec.Struct, kw_only=True):
    since: Since = SINCE_DEFAULT


class SpreadResponse(Shape):
    """Of how many durations half (p50), and nineteen of twenty (p95), are no longer."""

    count: int
    p50_ms: int
    p95_ms: int


class FunctionStatsResponse(Shape):
    """Runs that began since: `begun` of them, counted up to 10,000; `counts` by status and `took` are of the newest
    `sampled`, 200 at most. `took` is of those that completed, null if none did."""

    function_id: str
    begun: int
    begun_exact: bool
    sampled: int
    counts: dict[str, int]
    took: SpreadResponse | None


class ListFunctionStatsResponse(Shape):
    """Functions, by id if none were named: the first 200 of `functions_total`."""

    since: Instant
    functions: list[FunctionStatsResponse]
    functions_total: int


class StepProfileResponse(Shape):
    """A step, by name and type: in how many runs it is, how often, how often it ended well and how often it failed, how
    often it took more than one attempt. `took` is of those that completed."""

    name: str
    type: str
    runs: int
    count: int
    completed: int
    failed: int
    retried: int
    took: SpreadResponse | None


class ListStepProfilesResponse(Shape):
    """Steps of the newest `sampled` runs that began since, 100 at most, in the order in which these came to them: the
    first 200 of `steps_total`. `whole`: no run since was left out, and of none more than its first 300 entries."""

    function_id: str
    since: Instant
    sampled: int
    whole: bool
    steps: list[StepProfileResponse]
    steps_total: int


class FlowEdgeResponse(Shape):
    """An event or a function, by name; `count`: of how many runs it is the start, or how often they emitted or invoked
    it."""

    kind: Literal["event", "function"]
    name: str
    count: int


class FlowResponse(Shape):
    """Of the newest `sampled` runs that began since, 100 at most: what started them, and what they emitted and invoked,
    the most frequent first. `whole`: no run since was left out."""

    function_id: str
    since: Instant
    sampled: int
    whole: bool
    started_by: list[FlowEdgeResponse]
    leads_to: list[FlowEdgeResponse]


class BucketResponse(Shape):
    """Runs that began in one stretch of time, by the status they have now."""

    at: Instant
    counts: dict[str, int]


class EventRunsQuery(msgspec.Struct):
    event_id: Annotated[str, Meta(description=f"the events, up to {EVENTS_MAX} with commas")]


class EventRunsShape(Shape):
    event_id: str
    runs: int
    counts: Annotated[dict[str, int], Meta(description="by status")]


class EventRunsResponse(Shape):
    """How many runs each event started, in the order in which they were asked about."""

    events: list[EventRunsShape]
    exact: Annotated[bool, Meta(description="false if these are more than 10,000 runs: not all are counted then")]


class RunStatsResponse(Shape):
    """Runs that began in a time, counted and not sampled; buckets without any are left out."""

    since: Instant
    until: Instant
    bucket_ms: float
    buckets: list[BucketResponse]
    totals: Annotated[dict[str, int], Meta(description="by status")]


class OutcomeResponse(Shape):
    """What happened to runs in one stretch of time: one that began and completed in it is counted for both, one that
    failed and went on later has failed all the same."""

    at: Instant
    began: int
    completed: int
    failed: int
    cancelled: int


class RunOutcomesResponse(Shape):
    """Stretches of a time; those in which nothing happened are left out."""

    since: Instant
    until: Instant
    bucket_ms: float
    buckets: list[OutcomeResponse]


def outcomes_shown(told: Outcomes) -> RunOutcomesResponse:
    return RunOutcomesResponse(
        since=clock.rfc3339(told.since),
        until=clock.rfc3339(told.until),
        bucket_ms=told.width / 1_000,
        buckets=[
            OutcomeResponse(
                at=clock.rfc3339(one.at),
                began=one.began,
                completed=one.completed,
                failed=one.failed,
                cancelled=one.cancelled,
            )
            for one in told.buckets
        ],
    )


def stats_shown(stats: RunStats) -> RunStatsResponse:
    return RunStatsResponse(
        since=clock.rfc3339(stats.since),
        until=clock.rfc3339(stats.until),
        bucket_ms=stats.width / 1_000,
        buckets=[BucketResponse(at=clock.rfc3339(one.at), counts=one.counts) for one in stats.buckets],
        totals=stats.totals,
    )


def events_shown(since: int, until: int, count: int) -> EventStatsResponse:
    return EventStatsResponse(
        since=clock.rfc3339(since),
        until=clock.rfc3339(until),
        events=count,
        exact=count < COUNTED_MAX,
        per_second=round(count * 1_000_000 / (until - since), 2),
    )


def grouped_shown(told: Grouped) -> RunGroupsResponse:
    return RunGroupsResponse(
        by=told.by,
        groups=[
            RunGroupResponse(
                key=one.key,
                title=given(one.title),
                runs=one.runs,
                counts=dict(one.counts),
                newest_run_id=one.newest_run_id,
            )
            for one in told.groups
        ],
        groups_total=told.groups_total,
        counted=told.counted,
        exact=told.exact,
    )


def event_runs_shown(told: OfEvents) -> EventRunsResponse:
    return EventRunsResponse(
        events=[
            EventRunsShape(event_id=event_id, runs=sum(counts.values()), counts=dict(counts))
            for event_id, counts in told.counts.items()
        ],
        exact=told.exact,
    )


def functions_shown(since: int, told: Sequence[FunctionStats], total: int) -> ListFunctionStatsResponse:
    functions = [
        FunctionStatsResponse(
            function_id=one.function_id,
            begun=one.begun,
            begun_exact=one.begun_exact,
            sampled=one.sampled,
            counts=dict(one.counts),
            took=_spread_shown(one.took),
        )
        for one in told
    ]
    return ListFunctionStatsResponse(since=clock.rfc3339(since), functions=functions, functions_total=total)


def profile_shown(told: Profile) -> ListStepProfilesResponse:
    return ListStepProfilesResponse(
        function_id=told.function_id,
        since=clock.rfc3339(told.since),
        sampled=told.sampled,
        whole=told.whole,
        steps=[
            StepProfileResponse(
                name=one.name,
                type=one.type,
                runs=one.runs,
                count=one.count,
                completed=one.completed,
                failed=one.failed,
                retried=one.retried,
                took=_spread_shown(one.took),
            )
            for one in told.steps
        ],
        steps_total=told.steps_total,
    )


def _spread_shown(spread: Spread | None) -> SpreadResponse | None:
    return None if spread is None else SpreadResponse(count=spread.count, p50_ms=spread.p50_ms, p95_ms=spread.p95_ms)


def flow_shown(told: Flow) -> FlowResponse:
    return FlowResponse(
        function_id=told.function_id,
        since=clock.rfc3339(told.since),
        sampled=told.sampled,
        whole=told.whole,
        started_by=[_edge_shown(one) for one in told.started_by],
        leads_to=[_edge_shown(one) for one in told.leads_to],
    )


def _edge_shown(edge: Edge) -> FlowEdgeResponse:
    return FlowEdgeResponse(kind=edge.kind, name=edge.name, count=edge.count)  # type: ignore[arg-type]
