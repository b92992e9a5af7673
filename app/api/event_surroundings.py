"""/api/v1/events/{id}/schema and …/projections: what is known of an event beside what it carries."""

from __future__ import annotations

from collections.abc import Sequence

import falcon.asgi
import msgspec
from msgspec import UNSET

from app.api.answers import answer
from app.api.caller import caller_of
from app.api.services import Answer, Operation, Route, Services
from app.api.shapes.base import given
from app.api.shapes.events import (
    EventProjectionsResponse,
    EventSchemaResponse,
    SchemaVerdictShape,
    TakenShape,
)
from app.events.new_event import NewEvent
from app.history.kinds import EventEmitted
from app.projections.taken import taken


class EventSchema:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, event_id: str) -> None:
        caller = caller_of(req)
        fact = (await self._services.events.get(caller.environment, event_id)).fact
        assert isinstance(fact, EventEmitted)
        caller.about(f"event/{fact.name}")
        caller.also("schemas:read", f"schema/{fact.name}")
        answer(resp, _told(self._services, caller.environment, fact.name, fact.version, bytes(fact.data)))


class EventProjections:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, event_id: str) -> None:
        caller = caller_of(req)
        entry = await self._services.events.get(caller.environment, event_id)
        assert isinstance(entry.fact, EventEmitted)
        caller.about(f"event/{entry.fact.name}")
        caller.also("projections:read", "projection/*")
        found = [
            TakenShape(
                name=one.projection.name,
                status=one.projection.status,
                fate=one.fate,
                position=one.position,
                behind=max(0, entry.position - one.position),
            )
            for one in await taken(self._services.projections, entry)
        ]
        answer(resp, EventProjectionsResponse(projections=found))


def schema_shown(services: Services, event: NewEvent) -> EventSchemaResponse:
    """What schemas say of an event that was checked otherwise."""
    return _told(services, event.environment, event.name, event.version, event.data)


def _told(services: Services, environment: str, name: str, version: int, data: bytes) -> EventSchemaResponse:
    schemas = services.schemas
    versions = [row.version for row in schemas.list(environment, name)]
    verdicts = schemas.verdicts(environment, name, version, msgspec.json.decode(data)) if versions else ()
    return EventSchemaResponse(
        event_name=name,
        version=version,
        mode=schemas.mode(environment),
        versions=versions,
        verdicts=[
            SchemaVerdictShape(
                version=one.version,
                fits=not one.problem,
                path=one.path if one.problem else UNSET,
                problem=given(one.problem),
            )
            for one in verdicts
        ],
    )


def routes(services: Services) -> Sequence[Route]:
    schema = Operation(
        "What the schemas of an event say of its data",
        {
            200: Answer("the schemas of its version and the newest", EventSchemaResponse),
            403: "it takes schemas:read too",
            404: "there is no such event",
        },
        permission="events:read",
    )
    projections = Operation(
        "The projections that an event is for, and what became of it there",
        {
            200: Answer("projections", EventProjectionsResponse),
            403: "it takes projections:read too",
            404: "there is no such event",
        },
        permission="events:read",
    )
    return [
        Route("/api/v1/events/{event_id}/schema", EventSchema(services), {"GET": schema}),
        Route("/api/v1/events/{event_id}/projections", EventProjections(services), {"GET": projections}),
    ]
