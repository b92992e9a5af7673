"""/api/v1/projections/{name}/status, /partitions, /pace and /past: how far a projection has come, how it keeps up, and
what it was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import falcon.asgi

from app.api import live
from app.api.answers import answer
from app.api.caller import environment_of
from app.api.parameters import query_of
from app.api.services import Answer, Operation, Route, Services
from app.api.shapes.projection_progress import (
    ListProjectionPartitionsResponse,
    PartitionsQuery,
    PastProgress,
    PastQuery,
    PastState,
    ProjectionPaceResponse,
    pace_shown,
    partitions_shown,
    past_shown,
)
from app.api.shapes.projections import ProjectionStatusResponse, status_shown
from app.api.shapes.subscriptions import StreamError
from app.history import moments
from app.projections.states import check_partition


class ProjectionStatus:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, name: str) -> None:
        projections = self._services.projections
        answer(resp, status_shown(await projections.status(projections.registry.get(environment_of(req), name))))


class Partitions:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, name: str) -> None:
        query, projections = query_of(req, PartitionsQuery), self._services.projections
        projection = projections.registry.get(environment_of(req), name)
        rows, total = await projections.states.partitions(
            projection, search=query.q, after=query.after, limit=query.limit, recent=query.order == "recent"
        )
        answer(resp, partitions_shown(rows, total))


class Pace:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, name: str) -> None:
        projections = self._services.projections
        projection = projections.registry.get(environment_of(req), name)
        answer(resp, pace_shown(projection, projections.paces.of(projection)))


class Past:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, name: str) -> None:
        query, services = query_of(req, PastQuery), self._services
        projection = services.projections.registry.get(environment_of(req), name)
        check_partition(query.partition)
        at = await moments.position_of(services.storage, query.at, now=services.clock.now_us())
        live.send_states(resp, services.projections.states.past(projection, query.partition, at), past_shown)


def routes(services: Services) -> Sequence[Route]:
    missing: Mapping[int, str] = {404: "there is no such projection"}
    partitions = Operation(
        "The partitions that have a state, and where each of them is",
        {200: Answer("them", ListProjectionPartitionsResponse), **missing},
        query=PartitionsQuery,
        permission="projections:read",
    )
    pace = Operation(
        "How it has kept up within the last hour: its lag and how many events it folded a second, every 15 seconds",
        {200: Answer("what this node has seen", ProjectionPaceResponse), **missing},
        permission="projections:read",
    )
    status = Operation(
        "How far it has come", {200: Answer("it", ProjectionStatusResponse), **missing}, permission="projections:read"
    )
    past = Operation(
        "The state of a partition as of a position or time, and how far its fold is until then, as server-sent events",
        {
            200: Answer(
                "progress, and in the end the state", (PastProgress, PastState, StreamError), "text/event-stream"
            ),
            **missing,
        },
        query=PastQuery,
        permission="projections:read",
    )
    path = "/api/v1/projections/{name}"
    return [
        Route(f"{path}/status", ProjectionStatus(services), {"GET": status}),
        Route(f"{path}/partitions", Partitions(services), {"GET": partitions}),
        Route(f"{path}/pace", Pace(services), {"GET": pace}),
        Route(f"{path}/past", Past(services), {"GET": past}),
    ]
