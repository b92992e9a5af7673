"""/api/v1/projections: views that are folded from events, their states, and how far they have come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import falcon.asgi
import msgspec

from app.api import live
from app.api.answers import answer, body_of, decoded
from app.api.caller import caller_of, environment_of
from app.api.conditions import CHANGED_TO, REVISION_TAG, STALE, tagged, version_of
from app.api.parameters import query_of
from app.api.services import Answer, Body, Operation, Route, Services
from app.api.shapes.base import given
from app.api.shapes.projection_bodies import ProjectionBody, definition_of
from app.api.shapes.projections import (
    CatchupQuery,
    ListProjectionsQuery,
    ProjectionActionResponse,
    ProjectionQuery,
    ProjectionResponse,
    ProjectionSummary,
    ProjectionUpdate,
    ReasonQuery,
    RebuildJobResponse,
    RegisteredProjectionResponse,
    WaitBatchResponse,
    WaitItemResult,
    WaitResult,
    WatchProjectionQuery,
    caught_shown,
    job_shown,
    summary,
    told,
    updated,
    whole,
)
from app.api.shapes.subscriptions import StreamError
from app.errors import InvalidArgument, IronflowError
from app.history import moments
from app.projections.states import check_partition
from app.projections.waits import TIMEOUT_S, Caught, Item


class RebuildBody(msgspec.Struct, forbid_unknown_fields=True):
    partition: str = ""
    fromEventId: str = ""
    toEventId: str = ""
    fromPosition: int = 0
    toPosition: int = 0
    dryRun: bool = False
    reason: str = ""


class SteerBody(msgspec.Struct, forbid_unknown_fields=True):
    reason: str = ""


class WaitItemBody(msgspec.Struct):
    name: str
    minSeq: int | str = 0
    partition: str = ""


class WaitBatchBody(msgspec.Struct):
    items: list[WaitItemBody]
    timeoutMs: int | None = None


class WaitForEventBody(msgspec.Struct):
    eventId: str
    projection: str
    timeoutMs: int | None = None
    partition: str = ""


_projection = msgspec.json.Decoder(ProjectionBody)
_rebuild = msgspec.json.Decoder(RebuildBody)
_steer = msgspec.json.Decoder(SteerBody)
_batch = msgspec.json.Decoder(WaitBatchBody)
_for_event = msgspec.json.Decoder(WaitForEventBody)


class Projections:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        query, projections = query_of(req, ListProjectionsQuery), self._services.projections
        found = projections.registry.list(environment_of(req), status=query.status, mode=query.mode)
        answer(resp, [summary(await projections.status(one)) for one in found])


class OneProjection:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, name: str) -> None:
        query, services = query_of(req, ProjectionQuery), self._services
        projection = services.projections.registry.get(environment_of(req), name)
        at = await moments.position_of(services.storage, query.at, now=services.clock.now_us())
        state = await services.projections.states.get(projection, query.partition, at=at)
        tagged(resp, projection.revision)
        answer(resp, whole(await services.projections.status(projection), state))

    async def on_put(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, name: str) -> None:
        caller, projections = caller_of(req), self._services.projections
        body: ProjectionBody = decoded(_projection, await body_of(req))
        projection, result = await projections.register(
            caller.environment,
            name,
            definition_of(body),
            reason=body.change_reason,
            actor=caller.actor,
            expected=version_of(req),
        )
        tagged(resp, projection.revision)
        content = RegisteredProjectionResponse(result=result, **told(await projections.status(projection)))
        answer(resp, content, 201 if result == "registered" else 200)

    async def on_delete(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, name: str) -> None:
        caller, reason = caller_of(req), query_of(req, ReasonQuery).reason
        await self._services.projections.registry.delete(
            caller.environment, name, reason=reason, actor=caller.actor, expected=version_of(req)
        )
        answer(resp, ProjectionActionResponse(status="deleted"))


class Steer:
    """Pause, resume, or cancel a rebuild."""

    def __init__(self, services: Services, verb: str) -> None:
        self._services = services
        self._verb = verb

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, name: str) -> None:
        caller, projections = caller_of(req), self._services.projections
        body: SteerBody = decoded(_steer, await body_of(req) or b"{}")
        given_to = (caller.environment, name)
        asked: Mapping[str, Any] = {"reason": body.reason, "actor": caller.actor, "expected": version_of(req)}
        match self._verb:
            case "pause":
                status = (await projections.registry.pause(*given_to, **asked)).status
            case "resume":
                status = (await projections.registry.resume(*given_to, **asked)).status
            case verb:
                assert verb == "cancel"
                await projections.rebuilds.cancel(*given_to, **asked)
                status = "cancelled"
        answer(resp, ProjectionActionResponse(status=status))


class Rebuild:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, name: str) -> None:
        answer(resp, job_shown(await self._services.projections.rebuilds.job(environment_of(req), name)))

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, name: str) -> None:
        caller = caller_of(req)
        body: RebuildBody = decoded(_rebuild, await body_of(req) or b"{}")
        job = await self._services.projections.rebuilds.start(
            caller.environment,
            name,
            partition=body.partition,
            from_event_id=body.fromEventId,
            to_event_id=body.toEventId,
            from_position=body.fromPosition,
            to_position=body.toPosition,
            dry_run=body.dryRun,
            reason=body.reason,
            actor=caller.actor,
            expected=version_of(req),
        )
        answer(resp, job_shown(job))


class Catchup:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, name: str) -> None:
        query = query_of(req, CatchupQuery)
        caught = await self._services.projections.waits.until(
            environment_of(req), name, query.minSeq, timeout_s=query.timeout / 1_000
        )
        answer(resp, caught_shown(caught))


class CatchupBatch:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        body: WaitBatchBody = decoded(_batch, await body_of(req))
        for one in body.items:
            caller_of(req).about(f"projection/{one.name}")
        items = [Item(one.name, _position(one.minSeq)) for one in body.items]
        found = await self._services.projections.waits.until_all(
            environment_of(req), items, timeout_s=_timeout_s(body.timeoutMs)
        )
        answer(resp, WaitBatchResponse(results=[_item_shown(one) for one in found]))


class WaitForEvent:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        body: WaitForEventBody = decoded(_for_event, await body_of(req))
        caller_of(req).about(f"projection/{body.projection}")
        caught = await self._services.projections.waits.until_event(
            environment_of(req), body.eventId, body.projection, timeout_s=_timeout_s(body.timeoutMs)
        )
        answer(resp, caught_shown(caught))


def _item_shown(found: Caught | IronflowError) -> WaitItemResult:
    if isinstance(found, IronflowError):
        return WaitItemResult(error=given(str(found)))
    return WaitItemResult(result=caught_shown(found))


def _position(told: int | str) -> int:
    """Raises InvalidArgument."""
    text = str(told)
    if not (text.isascii() and text.isdecimal() and len(text) <= 18):
        raise InvalidArgument(f"minSeq {text[:40]!r} is not a position", field="minSeq")
    return int(text)


def _timeout_s(ms: int | None) -> float:
    return TIMEOUT_S if ms is None else ms / 1_000


class Watch:
    def __init__(self, services: Services) -> None:
        self._projections = services.projections

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, name: str) -> None:
        query, environment = query_of(req, WatchProjectionQuery), environment_of(req)
        self._projections.registry.get(environment, name)
        check_partition(query.partition)
        live.send_states(
            resp, self._projections.watches.watch(environment, name, query.partition, beat_s=live.HEARTBEAT_S), updated
        )


def routes(services: Services) -> Sequence[Route]:
    missing: Mapping[int, str] = {404: "there is no such projection"}
    one = {
        "GET": Operation(
            "A projection, and the state of one partition, now or as of a position or time",
            {200: Answer("it", ProjectionResponse, headers=REVISION_TAG), **missing, 412: "that state cannot be told"},
            query=ProjectionQuery,
            permission="projections:read",
        ),
        "PUT": Operation(
            "Register a projection that the server folds by rules; another fold is built beside the one that serves",
            {
                201: Answer("it is new", RegisteredProjectionResponse, headers=REVISION_TAG),
                200: Answer("it was there", RegisteredProjectionResponse, headers=REVISION_TAG),
                400: "it cannot work",
                409: "it is of another mode, or a newer version is there",
                **STALE,
            },
            headers=CHANGED_TO,
            body=Body(
                ProjectionBody,
                {
                    "events": ["order.placed"],
                    "initial": {"count": 0},
                    "rules": [{"on": "order.placed", "set": {"count": "state.count + 1"}}],
                },
            ),
            permission="projections:manage",
        ),
        "DELETE": Operation(
            "Delete it, with its states",
            {200: Answer("done", ProjectionActionResponse), **missing, **STALE},
            query=ReasonQuery,
            headers=CHANGED_TO,
            permission="projections:manage",
        ),
    }
    rebuild = {
        "GET": Operation(
            "How far the rebuild is, or the last one was",
            {200: Answer("the job", RebuildJobResponse), **missing},
            permission="projections:read",
        ),
        "POST": Operation(
            "Fold it from the beginning while the old one serves",
            {200: Answer("the job", RebuildJobResponse), **missing, 409: "a rebuild is under way", **STALE},
            headers=CHANGED_TO,
            body=Body(RebuildBody, {"reason": "the rules were wrong"}, required=False),
            permission="projections:manage",
        ),
    }
    steering = {
        "pause": "Fold no further until it is resumed",
        "resume": "Go on, also after an event that stopped it: that is tried again",
        "cancel": "End the rebuild; the generation that serves goes on",
    }
    catchup = Operation(
        "Wait until it has reached a position",
        {200: Answer("caught up, or timed out", WaitResult), **missing, 409: "an event has stopped it"},
        query=CatchupQuery,
        permission="projections:read",
    )
    batch = Operation(
        "Wait for several projections at once",
        {200: Answer("one answer each", WaitBatchResponse)},
        body=Body(WaitBatchBody, {"items": [{"name": "shop", "minSeq": "1"}], "timeoutMs": 1000}),
        permission="projections:read",
    )
    for_event = Operation(
        "Wait until an event is in the state: read your writes",
        {200: Answer("caught up, or timed out", WaitResult), **missing, 409: "an event has stopped it"},
        body=Body(WaitForEventBody, {"eventId": "evt_…", "projection": "shop", "timeoutMs": 1000}),
        permission="projections:read",
    )
    watch = Operation(
        "Follow the state of a partition: as it is, and again whenever it has changed, as server-sent events",
        {
            200: Answer(
                "a stream of states; changes that come quickly are told as one",
                (ProjectionUpdate, StreamError),
                "text/event-stream",
            ),
            **missing,
        },
        query=WatchProjectionQuery,
        permission="projections:read",
    )
    path = "/api/v1/projections"
    listing = Operation(
        "Every projection, by name",
        {200: Answer("them", list[ProjectionSummary])},
        query=ListProjectionsQuery,
        permission="projections:read",
    )
    return [
        Route(path, Projections(services), {"GET": listing}),
        Route(f"{path}/catchup/batch", CatchupBatch(services), {"POST": batch}),
        Route(f"{path}/wait-for-event", WaitForEvent(services), {"POST": for_event}),
        Route(f"{path}/{{name}}", OneProjection(services), one),
        Route(f"{path}/{{name}}/rebuild", Rebuild(services), rebuild),
        Route(f"{path}/{{name}}/watch", Watch(services), {"GET": watch}),
        Route(f"{path}/{{name}}/catchup", Catchup(services), {"GET": catchup}),
        *(
            Route(
                f"{path}/{{name}}/{verb}",
                Steer(services, verb),
                {
                    "POST": Operation(
                        text,
                        {200: Answer("done", ProjectionActionResponse), **missing, **STALE},
                        headers=CHANGED_TO,
                        body=Body(SteerBody, {"reason": "a look at it"}, required=False),
                        permission="projections:manage",
                    )
                },
            )
            for verb, text in steering.items()
        ),
    ]
