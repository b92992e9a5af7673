"""/api/v1/failures and /api/v1/search: failures by their cause, what resembles a run, and anything by id or text."""

from __future__ import annotations

from collections.abc import Sequence

import falcon.asgi

from app.api.answers import answer
from app.api.caller import environment_of
from app.api.parameters import instant, query_of
from app.api.services import Answer, Operation, Route, Services
from app.api.shapes.base import given
from app.api.shapes.failures import (
    FailureDetail,
    ListFailuresQuery,
    ListFailuresResponse,
    SearchQuery,
    SearchResponse,
    SimilarQuery,
    SimilarResponse,
    detail_shown,
    found_shown,
    group_shown,
    similar_shown,
)
from storage.failures import GroupChoice


class Failures:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        now = self._services.clock.now_us()
        query = query_of(req, ListFailuresQuery)
        chosen = GroupChoice(
            function_id=query.function_id,
            step=query.step,
            error_type=query.error_type,
            search=query.search,
            since=instant(query.since, 0, now=now, field="since"),
            until=instant(query.until, 2**62, now=now, field="until"),
        )
        groups = self._services.search.groups
        page = await groups.list(environment_of(req), chosen, limit=query.limit, cursor=query.cursor)
        content = ListFailuresResponse(
            failures=[group_shown(group) for group in page.groups], next_cursor=given(page.next_cursor)
        )
        answer(resp, content)


class Failure:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, fingerprint: str) -> None:
        answer(resp, detail_shown(await self._services.search.groups.get(environment_of(req), fingerprint)))


class Similar:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, run_id: str) -> None:
        environment = environment_of(req)
        limit = query_of(req, SimilarQuery).limit
        answer(resp, similar_shown(await self._services.search.similar.of_run(environment, run_id, limit=limit)))


class Search:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        query = query_of(req, SearchQuery)
        found = await self._services.search.finder.search(environment_of(req), query.q, limit=query.limit)
        answer(resp, SearchResponse(q=query.q, items=[found_shown(one) for one in found]))


def routes(services: Services) -> Sequence[Route]:
    groups = Operation(
        "Failures by their most likely cause, those that failed last first",
        {200: Answer("a page of groups", ListFailuresResponse)},
        query=ListFailuresQuery,
        permission="runs:read",
    )
    group = Operation(
        "One group of failures: versions, what differs from successes, past repairs",
        {200: Answer("the group", FailureDetail), 404: "no failure has that fingerprint"},
        permission="runs:read",
    )
    similar = Operation(
        "What the run's last failure resembles, and what helped before",
        {200: Answer("group, neighbours, repairs", SimilarResponse), 404: "there is no such run, or it has not failed"},
        query=SimilarQuery,
        permission="runs:read",
    )
    search = Operation(
        "Events, runs, functions and failures by id, text and nearness",
        {200: Answer("what was found", SearchResponse)},
        query=SearchQuery,
        permission="runs:read",
    )
    return [
        Route("/api/v1/failures", Failures(services), {"GET": groups}),
        Route("/api/v1/failures/{fingerprint}", Failure(services), {"GET": group}),
        Route("/api/v1/runs/{run_id}/similar", Similar(services), {"GET": similar}),
        Route("/api/v1/search", Search(services), {"GET": search}),
    ]
