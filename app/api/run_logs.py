"""/api/v1/runs/{run_id}/logs: what the code of a run logged."""

from __future__ import annotations

from collections.abc import Sequence

import falcon.asgi

from app.api.answers import answer
from app.api.caller import environment_of
from app.api.parameters import query_of
from app.api.past import position_of
from app.api.services import Answer, Operation, Route, Services
from app.api.shapes.logs import LogsQuery, LogsResponse, logs_shown
from app.runs.logs import Wanted, place_of


class RunLogs:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, run_id: str) -> None:
        query = query_of(req, LogsQuery)
        page = await self._services.logs.page(
            environment_of(req),
            run_id,
            Wanted(query.step, query.level),
            after=place_of(query.after, field="after"),
            until=await position_of(self._services, query.at),
            limit=query.limit,
        )
        answer(resp, logs_shown(run_id, page))


def routes(services: Services) -> Sequence[Route]:
    lines = Operation(
        "What the code of a run logged, line by line",
        {200: Answer("a page of lines", LogsResponse), 404: "there is no such run"},
        query=LogsQuery,
        permission="runs:read",
    )
    return [Route("/api/v1/runs/{run_id}/logs", RunLogs(services), {"GET": lines})]
