"""/api/v1/stats: counts over time, for charts."""

from __future__ import annotations

from collections.abc import Sequence

import falcon.asgi

from app import texts
from app.api.answers import answer
from app.api.caller import caller_of, environment_of
from app.api.parameters import instant, query_of
from app.api.runs import filter_of
from app.api.services import Answer, Operation, Route, Services
from app.api.shapes.stats import (
    EventRunsQuery,
    EventRunsResponse,
    EventStatsQuery,
    EventStatsResponse,
    FlowResponse,
    FunctionStatsQuery,
    ListFunctionStatsResponse,
    ListStepProfilesResponse,
    RunGroupsQuery,
    RunGroupsResponse,
    RunOutcomesQuery,
    RunOutcomesResponse,
    RunStatsQuery,
    RunStatsResponse,
    StepProfileQuery,
    event_runs_shown,
    events_shown,
    flow_shown,
    functions_shown,
    grouped_shown,
    outcomes_shown,
    profile_shown,
    stats_shown,
)
from app.errors import InvalidArgument
from app.runs.flow import FlowReader
from app.runs.grouping import GroupReader
from app.runs.profile import FUNCTIONS_MAX, ProfileReader
from app.runs.stats import StatsReader


class RunStats:
    def __init__(self, services: Services) -> None:
        self._services = services
        self._reader = StatsReader(services.storage)

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        now = self._services.clock.now_us()
        query = query_of(req, RunStatsQuery)
        chosen = filter_of(query, now, until=now)
        answer(resp, stats_shown(await self._reader.runs(environment_of(req), chosen, buckets=query.buckets)))


class RunOutcomes:
    def __init__(self, services: Services) -> None:
        self._clock = services.clock
        self._reader = StatsReader(services.storage)

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        now = self._clock.now_us()
        query = query_of(req, RunOutcomesQuery)
        since = instant(query.since, 0, now=now, field="since")
        until = instant(query.until, now, now=now, field="until")
        told = await self._reader.outcomes(environment_of(req), since=since, until=until, buckets=query.buckets)
        answer(resp, outcomes_shown(told))


class EventStats:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        now = self._services.clock.now_us()
        since = instant(query_of(req, EventStatsQuery).since, 0, now=now, field="since")
        if since >= now:
            raise InvalidArgument("since is not before now", field="since", hint="such as since=10s")
        count = await self._services.events.count_since(environment_of(req), since)
        answer(resp, events_shown(since, now, count))


class RunGroups:
    def __init__(self, services: Services) -> None:
        self._services = services
        self._reader = GroupReader(services.storage)

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        query = query_of(req, RunGroupsQuery)
        chosen = filter_of(query, self._services.clock.now_us())
        answer(resp, grouped_shown(await self._reader.runs(environment_of(req), chosen, query.by)))


class EventRuns:
    def __init__(self, services: Services) -> None:
        self._reader = GroupReader(services.storage)

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        wanted = [one for one in query_of(req, EventRunsQuery).event_id.split(",") if one]
        answer(resp, event_runs_shown(await self._reader.of_events(environment_of(req), wanted)))


class FunctionStats:
    def __init__(self, services: Services) -> None:
        self._services = services
        self._reader = ProfileReader(services.storage)

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        environment, now = environment_of(req), self._services.clock.now_us()
        query = query_of(req, FunctionStatsQuery)
        since = instant(query.since, 0, now=now, field="since")
        texts.check(query.function_id, field="function_id")
        named = [one for part in query.function_id.split(",") if (one := part.strip())]
        every = [] if named else [one.fact.id for one in self._services.functions.list(environment)]
        wanted = list(dict.fromkeys(named)) or every[:FUNCTIONS_MAX]
        told = await self._reader.functions(environment, wanted, since=since)
        answer(resp, functions_shown(since, told, len(every) or len(wanted)))


class StepProfiles:
    def __init__(self, services: Services) -> None:
        self._services = services
        self._reader = ProfileReader(services.storage)

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, function_id: str) -> None:
        caller_of(req).also("runs:read", "run/*")
        environment, now = environment_of(req), self._services.clock.now_us()
        since = instant(query_of(req, StepProfileQuery).since, 0, now=now, field="since")
        function = self._services.functions.get(environment, function_id)
        answer(resp, profile_shown(await self._reader.steps(environment, function.fact.id, since=since)))


class FunctionFlow:
    def __init__(self, services: Services) -> None:
        self._services = services
        self._reader = FlowReader(services.storage)

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, function_id: str) -> None:
        caller_of(req).also("runs:read", "run/*")
        environment, now = environment_of(req), self._services.clock.now_us()
        since = instant(query_of(req, StepProfileQuery).since, 0, now=now, field="since")
        function = self._services.functions.get(environment, function_id)
        answer(resp, flow_shown(await self._reader.of(environment, function.fact.id, since=since)))


def routes(services: Services) -> Sequence[Route]:
    runs = Operation(
        "How many runs began, by time and status",
        {200: Answer("counts", RunStatsResponse)},
        query=RunStatsQuery,
        permission="runs:read",
    )
    outcomes = Operation(
        "How many runs began, completed, failed and were cancelled, each when that happened",
        {200: Answer("counts over time", RunOutcomesResponse)},
        query=RunOutcomesQuery,
        permission="runs:read",
    )
    events = Operation(
        "How many events came lately",
        {200: Answer("the count", EventStatsResponse)},
        query=EventStatsQuery,
        permission="events:read",
    )
    groups = Operation(
        "Runs counted by function, failure, parent or day",
        {200: Answer("groups", RunGroupsResponse)},
        query=RunGroupsQuery,
        permission="runs:read",
    )
    of_events = Operation(
        "How many runs of each status events started",
        {200: Answer("counts by event", EventRunsResponse)},
        query=EventRunsQuery,
        permission="runs:read",
    )
    functions = Operation(
        "How the newest runs of functions went, and how long they took",
        {200: Answer("figures by function", ListFunctionStatsResponse)},
        query=FunctionStatsQuery,
        permission="runs:read",
    )
    steps = Operation(
        "How the steps of a function's newest runs went, and how long they took",
        {
            200: Answer("figures by step", ListStepProfilesResponse),
            403: "it takes runs:read too",
            404: "there is no such function",
        },
        query=StepProfileQuery,
        permission="functions:read",
    )
    flow = Operation(
        "What started a function's newest runs, and what these emitted and invoked",
        {
            200: Answer("events and functions", FlowResponse),
            403: "it takes runs:read too",
            404: "there is no such function",
        },
        query=StepProfileQuery,
        permission="functions:read",
    )
    return [
        Route("/api/v1/stats/events", EventStats(services), {"GET": events}),
        Route("/api/v1/stats/functions", FunctionStats(services), {"GET": functions}),
        Route("/api/v1/stats/functions/{function_id}/steps", StepProfiles(services), {"GET": steps}),
        Route("/api/v1/stats/functions/{function_id}/flow", FunctionFlow(services), {"GET": flow}),
        Route("/api/v1/stats/runs", RunStats(services), {"GET": runs}),
        Route("/api/v1/stats/runs/outcomes", RunOutcomes(services), {"GET": outcomes}),
        Route("/api/v1/stats/runs/groups", RunGroups(services), {"GET": groups}),
        Route("/api/v1/stats/runs/events", EventRuns(services), {"GET": of_events}),
    ]
