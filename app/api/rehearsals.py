"""/api/v1/events/dry-run: what an event would lead to, before it is emitted."""

from __future__ import annotations

from collections.abc import Sequence

import falcon.asgi
import msgspec
from msgspec import UNSET

from app import clock
from app.api.answers import answer, body_of, decoded
from app.api.caller import caller_of
from app.api.event_surroundings import schema_shown
from app.api.events import EventBody, caused, new_event
from app.api.services import Answer, Body, Operation, Route, Services
from app.api.shapes.base import given
from app.api.shapes.events import EndedWaitShape, EventDryRunResponse, StartShape
from app.events.group import Group
from app.events.prepared import Emitted
from app.events.rehearsal import rehearse
from app.projections.noun import Projection
from app.runs.matching import Wait

LISTED_MAX = 100

_body = msgspec.json.Decoder(EventBody)


class DryRun:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        services, caller = self._services, caller_of(req)
        body: EventBody = decoded(_body, await body_of(req))
        caller.about(f"event/{body.name}")
        event = await caused(services, new_event(body, caller))
        told = await rehearse(services.emitter, services.committer, event)
        waits: Sequence[Wait] = ()
        projections: Sequence[Projection] = ()
        groups: Sequence[Group] = ()
        if told.entry is not None:
            waits = services.waiting.ended_by(told.entry)
            projections = services.projections.registry.wanting(caller.environment, body.name)
            groups = services.groups.taking(told.entry)
        content = EventDryRunResponse(
            duplicate=told.emitted.duplicate,
            functions=starts_shown(told.emitted),
            cancels=told.cancelled[:LISTED_MAX],
            ends_waits=[EndedWaitShape(run_id=one.key[1], step_id=one.key[2]) for one in waits[:LISTED_MAX]],
            projections=[one.name for one in projections[:LISTED_MAX]],
            groups=[one.name for one in groups[:LISTED_MAX]],
            schema=schema_shown(services, event),
            more=max(len(told.cancelled), len(waits), len(projections), len(groups)) > LISTED_MAX,
        )
        answer(resp, content)


def starts_shown(emitted: Emitted) -> list[StartShape]:
    """What would become of the event at each function; runs that would be made have no ids yet."""
    if emitted.duplicate:
        return []
    found = {one: StartShape(function_id=one, outcome="starts") for one in emitted.function_ids}
    for outcome in emitted.outcomes:
        found[outcome.function_id] = StartShape(
            function_id=outcome.function_id,
            outcome=outcome.outcome,
            run_id=given(outcome.run_id),
            due_at=clock.rfc3339(outcome.due_at) if outcome.due_at else UNSET,
        )
    return list(found.values())


def routes(services: Services) -> Sequence[Route]:
    dry_run = Operation(
        "What an event would lead to now: functions, runs, waits, projections and groups; nothing is recorded",
        {
            200: Answer("what would become of it", EventDryRunResponse),
            400: "it would be refused",
            409: "the idempotency key was used for another event",
        },
        body=Body(EventBody, {"name": "order.placed", "data": {"id": 7, "total": 120}}),
        permission="events:emit",
    )
    return [Route("/api/v1/events/dry-run", DryRun(services), {"POST": dry_run})]
