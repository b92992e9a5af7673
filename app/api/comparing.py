"""/api/v1/runs/{run_id}/diff, /compare/{other} and /last-good: what differs, and what to compare with; and precedents
of a step."""

from __future__ import annotations

from collections.abc import Sequence

import falcon.asgi

from app.api.answers import answer
from app.api.caller import caller_of, environment_of
from app.api.parameters import query_of
from app.api.past import position_of
from app.api.services import Answer, Operation, Route, Services
from app.api.shapes.comparing import (
    CompareQuery,
    CompareResponse,
    DiffQuery,
    DiffResponse,
    LastGoodResponse,
    PrecedentsResponse,
    comparison_shown,
    diff_shown,
    last_good_shown,
    precedents_shown,
)
from app.errors import PermissionDenied


class Diff:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, run_id: str) -> None:
        services, environment = self._services, environment_of(req)
        query = query_of(req, DiffQuery)
        a = await position_of(services, query.a, field="a")
        b = await position_of(services, query.b, field="b")
        found = await services.comparing.diff(environment, run_id, a, b)
        answer(resp, diff_shown(found, limit=query.limit, after=query.steps_after))


class Compare:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, run_id: str, other: str) -> None:
        services, environment = self._services, environment_of(req)
        query = query_of(req, CompareQuery)
        other = await services.runs.whole_id(environment, other)
        caller_of(req).about(f"run/{other}")
        found = await services.comparing.compare(
            environment,
            run_id,
            other,
            at=await position_of(services, query.at),
            other_at=await position_of(services, query.other_at, field="other_at"),
        )
        answer(resp, comparison_shown(found, changed=query.changed, limit=query.limit, after=query.steps_after))


class LastGood:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, run_id: str) -> None:
        services, environment = self._services, environment_of(req)
        found = await services.comparing.last_good(environment, run_id)
        answer(resp, last_good_shown(found))


class StepPrecedents:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, run_id: str, step: str) -> None:
        caller = caller_of(req)

        def readable(other: str) -> bool:
            try:
                caller.about(f"run/{other}")
            except PermissionDenied:
                return False
            return True

        found = await self._services.comparing.precedents(caller.environment, run_id, step)
        answer(resp, precedents_shown(found, readable))


def routes(services: Services) -> Sequence[Route]:
    missing = {404: "there is no such run, or was not by then", 409: "several begin like that"}
    diff = Operation(
        "What changed in a run between two positions or times",
        {200: Answer("differences of the run and of its steps", DiffResponse), **missing},
        query=DiffQuery,
        permission="runs:read",
    )
    compare = Operation(
        "How another run differs from this one, step by step",
        {200: Answer("both sides of every step, and the first that differs", CompareResponse), **missing},
        query=CompareQuery,
        permission="runs:read",
    )
    last_good = Operation(
        "The last run of the function that went well before this one, of its version and like it if there is one",
        {200: Answer("the run, or null", LastGoodResponse), **missing},
        permission="runs:read",
    )
    precedents = Operation(
        "What a step gave in other runs of the function that went well: what another output of it is measured by",
        {200: Answer("outputs, those of the newest run first", PrecedentsResponse), **missing},
        permission="runs:read",
    )
    return [
        Route("/api/v1/runs/{run_id}/steps/{step}/precedents", StepPrecedents(services), {"GET": precedents}),
        Route("/api/v1/runs/{run_id}/diff", Diff(services), {"GET": diff}),
        Route("/api/v1/runs/{run_id}/compare/{other}", Compare(services), {"GET": compare}),
        Route("/api/v1/runs/{run_id}/last-good", LastGood(services), {"GET": last_good}),
    ]
