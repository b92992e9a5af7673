"""/api/v1/runs/{run_id}/…: the past of a run, as of any position or time."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Sequence

import falcon.asgi

from app.api.answers import answer
from app.api.caller import environment_of
from app.api.parameters import query_of
from app.api.services import Answer, Operation, Route, Services
from app.api.shapes.bundle import ExportQuery, archive, scrubbing_of
from app.api.shapes.past import (
    AtQuery,
    StateQuery,
    StateResponse,
    StepOutputResponse,
    TimelineQuery,
    TimelineResponse,
    state_shown,
    step_output_shown,
    timeline_shown,
)
from app.history import moments
from app.runs.past import step_meant
from app.runs.timeline import Wanted

ZIP = "application/zip"


class Timeline:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, run_id: str) -> None:
        services, environment = self._services, environment_of(req)
        query = query_of(req, TimelineQuery)
        page = await services.timelines.page(
            environment,
            run_id,
            Wanted(step=query.step, kinds=tuple(kind for kind in query.kind.split(",") if kind), search=query.search),
            after=query.after,
            before=query.before,
            until=await position_of(services, query.at),
            backward=query.direction == "backward",
            limit=query.limit,
        )
        answer(resp, timeline_shown(run_id, page))


class State:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, run_id: str) -> None:
        services, environment = self._services, environment_of(req)
        query = query_of(req, StateQuery)
        at = await position_of(services, query.at)
        moment = await services.past.at(environment, run_id, at)
        chosen = step_meant(moment.run, query.step) if query.step else None
        answer(resp, state_shown(moment, query, chosen))


class StepOutput:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, run_id: str, step: str) -> None:
        services, environment = self._services, environment_of(req)
        at = await position_of(services, query_of(req, AtQuery).at)
        moment = await services.past.at(environment, run_id, at)
        answer(resp, step_output_shown(moment.run.state.id, step_meant(moment.run, step)))


class Export:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, run_id: str) -> None:
        services, environment = self._services, environment_of(req)
        scrubbing = scrubbing_of(query_of(req, ExportQuery))
        entries = await services.bundling.entries(environment, run_id, scrubbing)
        made = functools.partial(archive, entries, scrubbing, now=services.clock.now_us(), version=services.version)
        resp.data = await asyncio.to_thread(made)
        resp.content_type = ZIP
        resp.set_header("Content-Disposition", f'attachment; filename="{run_id}.zip"')


async def position_of(services: Services, at: str, *, field: str = "at") -> int:
    """The position meant by one, or by a time. Raises InvalidArgument."""
    return await moments.position_of(services.storage, at, now=services.clock.now_us(), field=field)


def routes(services: Services) -> Sequence[Route]:
    missing = {404: "there is no such run, or was not by then", 409: "several begin like that"}
    timeline = Operation(
        "What happened to a run, in light records without payloads",
        {200: Answer("a page of records", TimelineResponse), **missing},
        query=TimelineQuery,
        permission="runs:read",
    )
    state = Operation(
        "A run as of a position or a time",
        {200: Answer("the run as it was", StateResponse), **missing},
        query=StateQuery,
        permission="runs:read",
    )
    output = Operation(
        "What a step had given as of a position or a time",
        {200: Answer("output or error", StepOutputResponse), **missing},
        query=AtQuery,
        permission="runs:read",
    )
    export = Operation(
        "A run as a bundle, to be read and debugged elsewhere: its entries with their digests, secrets scrubbed",
        {200: Answer("a zip", bytes, media=ZIP), **missing, 413: "it has too many payloads"},
        query=ExportQuery,
        permission="runs:read",
    )
    return [
        Route("/api/v1/runs/{run_id}/timeline", Timeline(services), {"GET": timeline}),
        Route("/api/v1/runs/{run_id}/state", State(services), {"GET": state}),
        Route("/api/v1/runs/{run_id}/steps/{step}/output", StepOutput(services), {"GET": output}),
        Route("/api/v1/runs/{run_id}/export", Export(services), {"GET": export}),
    ]
