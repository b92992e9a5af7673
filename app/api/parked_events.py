"""/api/v1/projections/{name}/skip, /park and /parked: events that a projection goes on without."""

from __future__ import annotations

from collections.abc import Sequence

import falcon.asgi
import msgspec

from app.api.answers import answer, body_of, decoded
from app.api.caller import caller_of, environment_of
from app.api.conditions import CHANGED_TO, STALE, version_of
from app.api.services import Answer, Body, Operation, Route, Services
from app.api.shapes.parked_events import (
    DiscardedResponse,
    GoOnBody,
    ListParkedEventsResponse,
    ParkedBody,
    parked_shown,
)
from app.api.shapes.projections import ProjectionActionResponse, RebuildJobResponse, job_shown

_go_on = msgspec.json.Decoder(GoOnBody)
_parked = msgspec.json.Decoder(ParkedBody)


class GoOn:
    def __init__(self, services: Services, *, park: bool) -> None:
        self._services = services
        self._park = park

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, name: str) -> None:
        caller = caller_of(req)
        body: GoOnBody = decoded(_go_on, await body_of(req))
        after = await self._services.projections.parking.go_on(
            caller.environment,
            name,
            park=self._park,
            event_id=body.event_id,
            reason=body.reason,
            actor=caller.actor,
            expected=version_of(req),
        )
        answer(resp, ProjectionActionResponse(status=after.status))


class Parked:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, name: str) -> None:
        found = self._services.projections.parking.parked(environment_of(req), name)
        answer(resp, ListParkedEventsResponse(events=[parked_shown(one) for one in found]))


class Retry:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, name: str) -> None:
        caller = caller_of(req)
        body: ParkedBody = decoded(_parked, await body_of(req))
        job = await self._services.projections.parking.retry(
            caller.environment,
            name,
            body.event_ids,
            reason=body.reason,
            actor=caller.actor,
            expected=version_of(req),
        )
        answer(resp, job_shown(job))


class Discard:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, name: str) -> None:
        caller = caller_of(req)
        body: ParkedBody = decoded(_parked, await body_of(req))
        count = await self._services.projections.parking.discard(
            caller.environment,
            name,
            body.event_ids,
            reason=body.reason,
            actor=caller.actor,
            expected=version_of(req),
        )
        answer(resp, DiscardedResponse(discarded=count))


def routes(services: Services) -> Sequence[Route]:
    missing = {404: "there is no such projection, or it has parked no such event"}
    path, manage = "/api/v1/projections/{name}", "projections:manage"
    example = {"reason": "a refund without an amount", "event_id": "evt_…"}

    def go_on(summary: str) -> Operation:
        return Operation(
            summary,
            {
                200: Answer("it goes on", ProjectionActionResponse),
                404: "there is no such projection",
                409: "it stands at another event, or at none",
                412: "no event has stopped it, it goes on without too many already, or was changed meanwhile",
            },
            headers=CHANGED_TO,
            body=Body(GoOnBody, example),
            permission=manage,
        )

    listing = Operation(
        "The events that it has parked, the oldest first",
        {200: Answer("them", ListParkedEventsResponse), **missing},
        permission="projections:read",
    )
    retry = Operation(
        "Retry parked events: each takes its place among the others, in a rebuild of its partition or of all",
        {
            200: Answer("the rebuild", RebuildJobResponse),
            **missing,
            409: "a rebuild is under way",
            412: "nothing is parked, or it was changed meanwhile",
        },
        headers=CHANGED_TO,
        body=Body(ParkedBody, {"reason": "the rules know of it now", "event_ids": ["evt_…"]}),
        permission=manage,
    )
    discard = Operation(
        "Discard parked events: it goes on without them for good",
        {
            200: Answer("how many", DiscardedResponse),
            **missing,
            409: "a rebuild under way tries one of them again",
            **STALE,
        },
        headers=CHANGED_TO,
        body=Body(ParkedBody, {"reason": "a test order", "event_ids": ["evt_…"]}),
        permission=manage,
    )
    return [
        Route(f"{path}/skip", GoOn(services, park=False), {"POST": go_on("Go on after the event that stopped it")}),
        Route(
            f"{path}/park",
            GoOn(services, park=True),
            {"POST": go_on("Put the event that stopped it aside, to be retried or discarded later, and go on")},
        ),
        Route(f"{path}/parked", Parked(services), {"GET": listing}),
        Route(f"{path}/parked/retry", Retry(services), {"POST": retry}),
        Route(f"{path}/parked/discard", Discard(services), {"POST": discard}),
    ]
