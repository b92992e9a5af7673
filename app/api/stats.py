"""/api/v1/stats: counts over time, for charts."""

from __future__ import annotations

from collections.abc import Sequence

import falcon.asgi

from app.api.answers import answer
from app.api.caller import environment_of
from app.api.parameters import query_of
from app.api.runs import filter_of
from app.api.services import Answer, Operation, Route, Services
from app.api.shapes.stats import (
    RunGroupsQuery,
    RunGroupsResponse,
    RunStatsQuery,
    RunStatsResponse,
    grouped_shown,
    stats_shown,
)
from app.runs.grouping import GroupReader
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


class RunGroups:
    def __init__(self, services: Services) -> None:
        self._services = services
        self._reader = GroupReader(services.storage)

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        query = query_of(req, RunGroupsQuery)
        chosen = filter_of(query, self._services.clock.now_us())
        answer(resp, grouped_shown(await self._reader.runs(environment_of(req), chosen, query.by)))


def routes(services: Services) -> Sequence[Route]:
    runs = Operation(
        "How many runs began, by time and status",
        {200: Answer("counts", RunStatsResponse)},
        query=RunStatsQuery,
        permission="runs:read",
    )
    groups = Operation(
        "Runs counted by function, failure, parent or day",
        {200: Answer("groups", RunGroupsResponse)},
        query=RunGroupsQuery,
        permission="runs:read",
    )
    return [
        Route("/api/v1/stats/runs", RunStats(services), {"GET": runs}),
        Route("/api/v1/stats/runs/groups", RunGroups(services), {"GET": groups}),
    ]
