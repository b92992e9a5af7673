"""/api/v1/streams: entities, the events appended to them, and clients' snapshots. Fields in camelCase, as published."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import falcon.asgi
import msgspec

from app import clock
from app.api.answers import answer, body_of, decoded
from app.api.caller import Caller, caller_of, environment_of
from app.api.middleware import int_param
from app.api.services import Operation, Route, Services
from app.entities.reading import LIMIT_DEFAULT, LIMIT_MAX, Key, StreamPage
from app.entities.streams import ANY, Append, Appended
from app.errors import InvalidArgument
from app.events.emit import NewEvent
from app.history import moments
from app.history.entry import Entry
from app.history.kinds import EMPTY, NULL, EventEmitted
from app.history.kinds.entity import entity_of
from app.runs.reading import RunRecord
from storage import history
from storage.records import EntityRow, SnapshotRow

DELETED = "$stream.deleted"


class EventBody(msgspec.Struct, forbid_unknown_fields=True):
    """One event of an append. The name may be given as either."""

    name: str = ""
    eventName: str = ""
    data: msgspec.Raw = NULL
    metadata: msgspec.Raw = EMPTY
    version: int = 1


class AppendBody(EventBody, forbid_unknown_fields=True):
    """One event, or a list of them under `events`, for the entity of the path."""

    entityType: str = ""
    entity_type: str = ""
    expectedVersion: int | None = None
    expected_version: int | None = None
    idempotencyKey: str = ""
    idempotency_key: str = ""
    events: list[EventBody] | None = None


class PartBody(msgspec.Struct, forbid_unknown_fields=True):
    """What is appended to one of several entities; no events for a mere condition."""

    entityType: str
    entityId: str
    expectedVersion: int = ANY
    events: list[EventBody] = []


class ManyBody(msgspec.Struct, forbid_unknown_fields=True):
    """An append to several entities at once."""

    appends: list[PartBody]
    idempotencyKey: str = ""


class SnapshotBody(msgspec.Struct, forbid_unknown_fields=True):
    version: int
    state: msgspec.Raw
    entityType: str = ""


_append = msgspec.json.Decoder(AppendBody)
_many = msgspec.json.Decoder(ManyBody)
_snapshot = msgspec.json.Decoder(SnapshotBody)


class Streams:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        page = await self._services.entities.list(
            environment_of(req),
            type=req.get_param("type") or "",
            search=req.get_param("search") or "",
            include_deleted=req.get_param_as_bool("include_deleted") or False,
            limit=int_param(req, "limit", LIMIT_DEFAULT, low=1, high=LIMIT_MAX),
            cursor=req.get_param("cursor") or "",
        )
        content: dict[str, Any] = {"streams": [info_shown(row) for row in page.rows], "total": page.total}
        if page.next_cursor:
            content["next_cursor"] = page.next_cursor
        answer(resp, content)

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        status, content = await post(self._services, caller_of(req), await body_of(req))
        answer(resp, content, status)


async def post(services: Services, caller: Caller, body: bytes) -> tuple[int, Any]:
    """Append to several entities; status and content of the answer."""
    request: ManyBody = decoded(_many, body)
    appends = [
        Append(part.entityType, part.entityId, tuple(_new(caller, one) for one in part.events), part.expectedVersion)
        for part in request.appends
    ]
    appended = await services.streams.append(caller.environment, appends, idempotency_key=request.idempotencyKey)
    return 200 if appended.duplicate else 201, appended_shown(appended)


class Stream:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, entity_id: str) -> None:
        answer(resp, info_shown(await self._services.entities.info(await _key(self._services, req, entity_id))))

    async def on_delete(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, entity_id: str) -> None:
        found = await self._services.entities.info(await _key(self._services, req, entity_id))
        version = await self._services.streams.delete(
            found.environment,
            found.type,
            found.id,
            expected=int_param(req, "expected_version", ANY, low=ANY, high=2**53),
            reason=req.get_param("reason") or "",
            purge=req.get_param_as_bool("purge") or False,
            actor=caller_of(req).actor,
        )
        answer(resp, {"entityId": found.id, "entityType": found.type, "version": version, "deleted": True})


class StreamEvents:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, entity_id: str) -> None:
        caller = caller_of(req)
        body: AppendBody = decoded(_append, await body_of(req))
        events = body.events
        if events is None:
            events = [EventBody(body.name, body.eventName, body.data, body.metadata, body.version)]
        elif body.name or body.eventName:
            raise InvalidArgument("the body is both an event and a list of events", field="events", hint="send one")
        type = body.entityType or body.entity_type or req.get_param("type") or ""
        if not type:
            raise InvalidArgument("entityType is missing", field="entityType", hint='such as "order"')
        given = [one for one in (body.expectedVersion, body.expected_version) if one is not None]
        append = Append(type, entity_id, tuple(_new(caller, one) for one in events), given[0] if given else ANY)
        appended = await self._services.streams.append(
            caller.environment, [append], idempotency_key=body.idempotencyKey or body.idempotency_key
        )
        [part] = appended_shown(appended)["streams"]
        content = {**part, "eventId": part["eventIds"][0], "runIds": appended.run_ids}
        answer(resp, {**content, "duplicate": True} if appended.duplicate else content, 201)

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, entity_id: str) -> None:
        page = await self._services.entities.read(await _key(self._services, req, entity_id), **_part(req))
        answer(resp, {**_page_shown(page), "events": [event_shown(entry) for entry in page.entries]})


class StreamHistory:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, entity_id: str) -> None:
        key = await _key(self._services, req, entity_id)
        page, told = await self._services.entities.history(key, **_part(req))
        events = [{**event_shown(one.entry), "runs": [_run_shown(run) for run in one.runs]} for one in told]
        answer(resp, {**_page_shown(page), "events": events})


class StreamSnapshot:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, entity_id: str) -> None:
        found = await self._services.entities.info(await _key(self._services, req, entity_id))
        version = int_param(req, "version", history.END, low=1, high=history.END)
        row = await self._services.snapshots.newest(found.environment, found.type, found.id, version=version)
        answer(resp, snapshot_shown(row))

    async def on_put(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, entity_id: str) -> None:
        body: SnapshotBody = decoded(_snapshot, await body_of(req))
        key = await _key(self._services, req, entity_id)
        found = await self._services.entities.info(key._replace(type=body.entityType or key.type))
        row = await self._services.snapshots.save(
            found.environment, found.type, found.id, version=body.version, state=bytes(body.state)
        )
        answer(resp, snapshot_shown(row), 201)


class RunStreams:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, run_id: str) -> None:
        environment = environment_of(req)
        await self._services.runs.row(environment, run_id)
        found = await self._services.entities.of_run(environment, run_id)
        streams = [{"entityType": type, "entityId": id} for type, id in found]
        answer(resp, {"entity_ids": [id for _, id in found], "streams": streams})


def info_shown(row: EntityRow) -> dict[str, Any]:
    content: dict[str, Any] = {
        "entityId": row.id,
        "entityType": row.type,
        "version": row.version,
        "eventCount": row.event_count,
        "createdAt": clock.rfc3339(row.created_at),
        "updatedAt": clock.rfc3339(row.updated_at),
        "lastEventAt": clock.rfc3339(row.updated_at),
        "position": row.position,
        "deleted": row.deleted_at is not None,
    }
    if row.deleted_at is not None:
        content["deletedAt"] = clock.rfc3339(row.deleted_at)
    return content


def event_shown(entry: Entry) -> dict[str, Any]:
    """An entry of an entity's stream: an event, or its deletion under the name that published clients know."""
    fact = entry.fact
    entity = entity_of(entry.stream)
    assert entity is not None
    content: dict[str, Any] = {
        "id": "",
        "name": DELETED,
        "eventName": DELETED,
        "data": msgspec.Raw(entry.data),
        "metadata": msgspec.Raw(entry.metadata),
        "entityType": entity[0],
        "entityId": entity[1],
        "version": entry.version,
        "schemaVersion": 1,
        "source": "system",
        "timestamp": clock.rfc3339(entry.recorded_at),
        "position": entry.position,
    }
    if isinstance(fact, EventEmitted):
        content |= {
            "id": fact.id,
            "name": fact.name,
            "eventName": fact.name,
            "data": fact.data,
            "schemaVersion": fact.version,
            "source": fact.source,
            "runIds": fact.run_ids,
        }
        if fact.run_id:
            content["runId"] = fact.run_id
        if fact.idempotency_key:
            content["idempotencyKey"] = fact.idempotency_key
    if entry.actor:
        content["emittedBy"] = entry.actor
    return content


def appended_shown(appended: Appended) -> dict[str, Any]:
    content: dict[str, Any] = {
        "streams": [
            {"entityType": part.type, "entityId": part.id, "entityVersion": part.version, "eventIds": part.event_ids}
            for part in appended.parts
        ],
        "runIds": appended.run_ids,
    }
    if appended.duplicate:
        content["duplicate"] = True
    return content


def snapshot_shown(row: SnapshotRow) -> dict[str, Any]:
    return {
        "snapshotId": row.snapshot_id,
        "entityId": row.id,
        "entityType": row.type,
        "version": row.version,
        "state": msgspec.Raw(row.state.encode()),
        "createdAt": clock.rfc3339(row.created_at),
    }


def _page_shown(page: StreamPage) -> dict[str, Any]:
    content: dict[str, Any] = {
        "entityId": page.info.id,
        "entityType": page.info.type,
        "version": page.info.version,
        "totalCount": page.info.version,
        "count": len(page.entries),
    }
    if page.next_version:
        content["nextVersion"] = page.next_version
    return content


def _run_shown(run: RunRecord) -> dict[str, Any]:
    state = run.state
    content: dict[str, Any] = {
        "runId": state.id,
        "functionId": state.function_id,
        "status": state.status,
        "createdAt": clock.rfc3339(state.created_at),
        "steps": [
            {"stepId": step.step_id, "name": step.name, "type": step.type, "status": step.status}
            | {"durationMs": step.duration_ms}
            | ({"error": step.error.message} if step.error else {})
            for step in run.steps.values()
        ],
    }
    if state.ended_at:
        content["endedAt"] = clock.rfc3339(state.ended_at)
        content["durationMs"] = (state.ended_at - state.created_at) // 1_000
    return content


def _new(caller: Caller, body: EventBody) -> NewEvent:
    return NewEvent(
        environment=caller.environment,
        name=body.name or body.eventName,
        data=bytes(body.data),
        metadata=bytes(body.metadata),
        version=body.version,
        actor=caller.actor,
        run_id=caller.run_id,
    )


async def _key(services: Services, req: falcon.asgi.Request, entity_id: str) -> Key:
    now = services.clock.now_us()
    at = await moments.position_of(services.storage, req.get_param("at") or "", now=now)
    return Key(environment_of(req), entity_id, req.get_param("type") or "", at)


def _part(req: falcon.asgi.Request) -> Mapping[str, Any]:
    return {
        "from_version": int_param(req, "from_version", 0, low=0, high=2**53),
        "limit": int_param(req, "limit", LIMIT_DEFAULT, low=1, high=LIMIT_MAX),
        "direction": req.get_param("direction") or "forward",
    }


def routes(services: Services) -> Sequence[Route]:
    which = {"type": "of the entity; needed where several types have that id", "at": "a position, or a time"}
    part = {
        **which,
        "from_version": "the first to show, default the first there is, or backward the last",
        "limit": f"1 to {LIMIT_MAX}, default {LIMIT_DEFAULT}",
        "direction": "forward or backward",
    }
    listing = Operation(
        "Entities, by id",
        {200: "a page of entities"},
        query={
            "type": "of the entity",
            "search": "part of the id",
            "include_deleted": "true to show deleted ones too",
            "limit": f"1 to {LIMIT_MAX}, default {LIMIT_DEFAULT}",
            "cursor": "next_cursor of the page before",
        },
    )
    many = Operation(
        "Append to several entities at once, all or nothing",
        {201: "the events and their runs are durable", 200: "the key was known", 409: "a version is not as expected"},
        body="{appends: [{entityType, entityId, expectedVersion, events: [Event]}], idempotencyKey}",
    )
    info = Operation("What is known of an entity", {200: "the entity", 404: "there is none"}, query=which)
    delete = Operation(
        "Delete an entity: its past stays readable, nothing can be added",
        {200: "its last version", 404: "there is none", 409: "the version is not as expected"},
        query={"type": which["type"], "expected_version": "the version it must have", "reason": "kept in history"},
    )
    append = Operation(
        "Append one event or several to an entity",
        {201: "the events and their runs are durable", 409: "the version is not as expected", 412: "it was deleted"},
        body="Event, or {events: [Event]}, with entityType, expectedVersion, idempotencyKey",
        query={"type": "the entity's type, if it is not in the body"},
    )
    read = Operation("The events of an entity", {200: "a page of events", 404: "there is none"}, query=part)
    told = Operation("The same, with the runs each caused and their steps", {200: "a page of events"}, query=part)
    newest = Operation(
        "The newest snapshot",
        {200: "the snapshot", 404: "there is none"},
        query={"type": which["type"], "version": "the newest that is not of a later version"},
    )
    save = Operation(
        "Keep a snapshot", {201: "it is kept", 404: "there is no such entity"}, body="{version, state, entityType}"
    )
    of_run = Operation("The entities that a run appended to", {200: "their ids", 404: "there is no such run"})
    return [
        Route("/api/v1/streams", Streams(services), {"GET": listing, "POST": many}),
        Route("/api/v1/streams/{entity_id}", Stream(services), {"GET": info, "DELETE": delete}),
        Route("/api/v1/streams/{entity_id}/events", StreamEvents(services), {"GET": read, "POST": append}),
        Route("/api/v1/streams/{entity_id}/history", StreamHistory(services), {"GET": told}),
        Route("/api/v1/streams/{entity_id}/snapshot", StreamSnapshot(services), {"GET": newest, "PUT": save}),
        Route("/api/v1/runs/{run_id}/streams", RunStreams(services), {"GET": of_run}),
    ]
