"""/api/v1/outbox: what NATS does not have yet, and why; and, for published clients, dead letters of all groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import falcon.asgi

from app import clock
from app.api.answers import answer
from app.api.caller import caller_of, environment_of
from app.api.parameters import query_of
from app.api.services import Answer, Body, Operation, Route, Services
from app.api.shapes.groups import (
    DlqActionResponse,
    DlqListItem,
    DlqListQuery,
    DlqListResponse,
    OmittedEntry,
    OutboxResponse,
    ReasonBody,
)
from app.errors import DeadLetterNotFound
from app.events.groups import DEAD_LETTERS_MAX
from storage.records import DeadLetterRow


class Outbox:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        bus = self._services.bus
        publisher = bus.publisher
        content = OutboxResponse(
            connected=publisher.up,
            position=publisher.position,
            head=self._services.tail.head,
            waiting=publisher.lag,
            trouble=publisher.trouble,
            restarts=bus.server.restarts if bus.server is not None else 0,
            omitted_total=publisher.omitted_total,
            omitted=[OmittedEntry(**entry._asdict()) for entry in publisher.omitted],
            ingested_total=bus.ingest.taken_total,
            refused_total=bus.ingest.refused_total,
        )
        answer(resp, content)


class DeadLetters:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        query = query_of(req, DlqListQuery)
        rows = await _letters(self._services, environment_of(req))
        page = rows[query.offset : query.offset + query.limit]
        items = [_item(row) for row in page]
        answer(resp, DlqListResponse(items=items, limit=query.limit, offset=query.offset))


class DeadLetter:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_delete(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, event_id: str) -> None:
        caller = caller_of(req)
        for row in await _of_event(self._services, caller.environment, event_id):
            await self._services.groups.discard(caller.environment, row.group_name, row.entry, actor=caller.actor)
        answer(resp, DlqActionResponse(event_id=event_id, result="discarded"))


class Requeue:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, event_id: str) -> None:
        caller = caller_of(req)
        for row in await _of_event(self._services, caller.environment, event_id):
            await self._services.groups.requeue(caller.environment, row.group_name, row.entry, actor=caller.actor)
        answer(resp, DlqActionResponse(event_id=event_id, result="requeued"))


async def _letters(services: Services, environment: str) -> list[DeadLetterRow]:
    """Those of every group, the last first."""
    found: list[DeadLetterRow] = []
    for group in services.groups.list(environment):
        found += await services.groups.dead_letters(environment, group.name, limit=DEAD_LETTERS_MAX)
    return sorted(found, key=lambda row: row.position, reverse=True)


async def _of_event(services: Services, environment: str, event_id: str) -> list[DeadLetterRow]:
    found = [row for row in await _letters(services, environment) if row.event_id == event_id]
    if not found:
        raise DeadLetterNotFound(
            f"no group has a dead letter of event {event_id[:80]!r}", field="event_id", hint="see the list"
        )
    return found


def _item(row: DeadLetterRow) -> DlqListItem:
    return DlqListItem(
        id=f"{row.group_name}/{row.entry}",
        event_id=row.event_id,
        kind=f"group:{row.group_name}",
        topic=row.topic,
        attempts=row.deliveries,
        last_error=row.reason or row.cause,
        created_at=clock.rfc3339(row.dead_at),
        dead_at=clock.rfc3339(row.dead_at),
        environment_id=row.environment,
    )


def routes(services: Services) -> Sequence[Route]:
    done: Mapping[int, str | Answer] = {200: Answer("what became of it", DlqActionResponse), 404: "no such dead letter"}
    base = "/api/v1/outbox"
    outbox = {
        "GET": Operation(
            "How far NATS has what history has", {200: Answer("the outbox", OutboxResponse)}, permission="groups:read"
        )
    }
    listing = {
        "GET": Operation(
            "Dead letters of every group, the last first",
            {200: Answer("dead letters", DlqListResponse)},
            query=DlqListQuery,
            permission="groups:read",
        )
    }
    discard = {"DELETE": Operation("Discard the dead letters of an event", done, permission="outbox:manage")}
    requeue = {
        "POST": Operation(
            "Deliver an event once more", done, body=Body(ReasonBody, {}, required=False), permission="outbox:manage"
        ),
    }
    return [
        Route(base, Outbox(services), outbox),
        Route(f"{base}/dead-letter", DeadLetters(services), listing),
        Route(f"{base}/dead-letter/{{event_id}}", DeadLetter(services), discard),
        Route(f"{base}/dead-letter/{{event_id}}/requeue", Requeue(services), requeue),
    ]
