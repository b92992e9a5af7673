"""/api/v1/streams: entities, the events appended to them, and clients' snapshots. Fields in camelCase, as published."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import falcon.asgi
import msgspec

from app.api.answers import answer, body_of, decoded
from app.api.caller import Caller, caller_of, environment_of
from app.api.parameters import query_of
from app.api.services import Answer, Body, Operation, Route, Services
from app.api.shapes.base import given
from app.api.shapes.streams import (
    AppendedResponse,
    AppendedToOneResponse,
    DeletedStreamResponse,
    DeleteStreamQuery,
    EntityName,
    ListSnapshotsQuery,
    ListSnapshotsResponse,
    ListStreamsQuery,
    ListStreamsResponse,
    ReadStreamQuery,
    RunStreamsResponse,
    SnapshotQuery,
    SnapshotResponse,
    StreamEventsResponse,
    StreamEventWithRuns,
    StreamHistoryResponse,
    StreamInfo,
    StreamQuery,
    TypeQuery,
    appended_shown,
    event_shown,
    info_shown,
    run_shown,
    snapshot_shown,
    snapshots_shown,
)
from app.entities.reading import Key, StreamPage
from app.entities.streams import ANY, Append
from app.errors import InvalidArgument
from app.events.new_event import NewEvent
from app.history import moments
from app.history.kinds.base import empty, null
from app.rpc.streams import about_entity
from storage import history


class StreamEventBody(msgspec.Struct, forbid_unknown_fields=True):
    """One event of an append. The name may be given as either."""

    name: str = ""
    eventName: str = ""
    data: msgspec.Raw = msgspec.field(default_factory=null)
    metadata: msgspec.Raw = msgspec.field(default_factory=empty)
    version: int = 1


class AppendBody(StreamEventBody, forbid_unknown_fields=True):
    """One event, or a list of them under `events`, for the entity of the path."""

    entityType: str = ""
    entity_type: str = ""
    expectedVersion: int | None = None
    expected_version: int | None = None
    idempotencyKey: str = ""
    idempotency_key: str = ""
    events: list[StreamEventBody] | None = None


class PartBody(msgspec.Struct, forbid_unknown_fields=True):
    """What is appended to one of several entities; no events for a mere condition."""

    entityType: str
    entityId: str
    expectedVersion: int = ANY
    events: list[StreamEventBody] = []


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
        query = query_of(req, ListStreamsQuery)
        page = await self._services.entities.list(
            environment_of(req),
            type=query.type,
            search=query.search,
            include_deleted=query.include_deleted,
            limit=query.limit,
            cursor=query.cursor,
        )
        streams = [info_shown(row) for row in page.rows]
        answer(resp, ListStreamsResponse(streams=streams, total=page.total, next_cursor=given(page.next_cursor)))

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        status, content = await post(self._services, caller_of(req), await body_of(req))
        answer(resp, content, status)


async def post(services: Services, caller: Caller, body: bytes) -> tuple[int, Any]:
    """Append to several entities; status and content of the answer."""
    request: ManyBody = decoded(_many, body)
    for part in request.appends:
        caller.about(f"entity/{part.entityType}/{part.entityId}")
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
        key = await _key(self._services, req, entity_id, query_of(req, StreamQuery))
        found = await self._services.entities.info(key)
        about_entity(caller_of(req), found)
        answer(resp, info_shown(found))

    async def on_delete(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, entity_id: str) -> None:
        query = query_of(req, DeleteStreamQuery)
        found = await self._services.entities.info(Key(environment_of(req), entity_id, query.type))
        about_entity(caller_of(req), found)
        version = await self._services.streams.delete(
            found.environment,
            found.type,
            found.id,
            expected=query.expected_version,
            reason=query.reason,
            purge=query.purge,
            actor=caller_of(req).actor,
        )
        content = DeletedStreamResponse(entityId=found.id, entityType=found.type, version=version, deleted=True)
        answer(resp, content)


class StreamEvents:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, entity_id: str) -> None:
        caller = caller_of(req)
        body: AppendBody = decoded(_append, await body_of(req))
        events = body.events
        if events is None:
            events = [StreamEventBody(body.name, body.eventName, body.data, body.metadata, body.version)]
        elif body.name or body.eventName:
            raise InvalidArgument("the body is both an event and a list of events", field="events", hint="send one")
        type = body.entityType or body.entity_type or query_of(req, TypeQuery).type
        if not type:
            raise InvalidArgument("entityType is missing", field="entityType", hint='such as "order"')
        caller.about(f"entity/{type}/{entity_id}")
        expected = [one for one in (body.expectedVersion, body.expected_version) if one is not None]
        append = Append(type, entity_id, tuple(_new(caller, one) for one in events), expected[0] if expected else ANY)
        appended = await self._services.streams.append(
            caller.environment, [append], idempotency_key=body.idempotencyKey or body.idempotency_key
        )
        [part] = appended.parts
        content = AppendedToOneResponse(
            entityType=part.type,
            entityId=part.id,
            entityVersion=part.version,
            eventIds=part.event_ids,
            eventId=part.event_ids[0],
            runIds=appended.run_ids,
            duplicate=given(appended.duplicate),
        )
        answer(resp, content, 201)

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, entity_id: str) -> None:
        query = query_of(req, ReadStreamQuery)
        key = await _key(self._services, req, entity_id, query)
        page = await self._services.entities.read(key, **_part(query))
        about_entity(caller_of(req), page.info)
        events = [event_shown(entry) for entry in page.entries]
        answer(resp, StreamEventsResponse(events=events, **_page_told(page)))


class StreamHistory:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, entity_id: str) -> None:
        query = query_of(req, ReadStreamQuery)
        key = await _key(self._services, req, entity_id, query)
        page, told = await self._services.entities.history(key, **_part(query))
        about_entity(caller_of(req), page.info)
        events = [
            StreamEventWithRuns(
                runs=[run_shown(run) for run in one.runs], **msgspec.structs.asdict(event_shown(one.entry))
            )
            for one in told
        ]
        answer(resp, StreamHistoryResponse(events=events, **_page_told(page)))


class StreamSnapshot:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, entity_id: str) -> None:
        query = query_of(req, SnapshotQuery)
        found = await self._services.entities.info(await _key(self._services, req, entity_id, query))
        about_entity(caller_of(req), found)
        version = query.version or history.END
        look = self._services.snapshots.find if query.optional else self._services.snapshots.newest
        row = await look(found.environment, found.type, found.id, version=version)
        if row is None:
            resp.status = 204
        else:
            answer(resp, snapshot_shown(row))

    async def on_put(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, entity_id: str) -> None:
        body: SnapshotBody = decoded(_snapshot, await body_of(req))
        type = body.entityType or query_of(req, TypeQuery).type
        found = await self._services.entities.info(Key(environment_of(req), entity_id, type))
        about_entity(caller_of(req), found)
        row = await self._services.snapshots.save(
            found.environment, found.type, found.id, version=body.version, state=bytes(body.state)
        )
        answer(resp, snapshot_shown(row), 201)


class StreamSnapshots:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, entity_id: str) -> None:
        query = query_of(req, ListSnapshotsQuery)
        found = await self._services.entities.info(Key(environment_of(req), entity_id, query.type))
        about_entity(caller_of(req), found)
        kept = await self._services.snapshots.kept(found.environment, found.type, found.id, limit=query.limit)
        answer(resp, snapshots_shown(found, kept))


class RunStreams:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, run_id: str) -> None:
        environment = environment_of(req)
        await self._services.runs.row(environment, run_id)
        found = await self._services.entities.of_run(environment, run_id)
        streams = [EntityName(entityType=type, entityId=id) for type, id in found]
        answer(resp, RunStreamsResponse(entity_ids=[id for _, id in found], streams=streams))


def _page_told(page: StreamPage) -> dict[str, Any]:
    return {
        "entityId": page.info.id,
        "entityType": page.info.type,
        "version": page.info.version,
        "totalCount": page.info.version,
        "count": len(page.entries),
        "nextVersion": given(page.next_version),
    }


def _new(caller: Caller, body: StreamEventBody) -> NewEvent:
    return NewEvent(
        environment=caller.environment,
        name=body.name or body.eventName,
        data=bytes(body.data),
        metadata=bytes(body.metadata),
        version=body.version,
        actor=caller.actor,
        run_id=caller.run_id,
    )


async def _key(services: Services, req: falcon.asgi.Request, entity_id: str, query: StreamQuery) -> Key:
    at = await moments.position_of(services.storage, query.at, now=services.clock.now_us())
    return Key(environment_of(req), entity_id, query.type, at)


def _part(query: ReadStreamQuery) -> Mapping[str, Any]:
    return {"from_version": query.from_version, "limit": query.limit, "direction": query.direction}


def routes(services: Services) -> Sequence[Route]:
    missing: Mapping[int, str] = {404: "there is none, or there are several of that id"}
    event = {"name": "placed", "data": {"total": 120}}
    part = {"entityType": "order", "entityId": "o-8", "expectedVersion": -1, "events": [event]}
    listing = Operation(
        "Entities, by id",
        {200: Answer("a page of entities", ListStreamsResponse)},
        query=ListStreamsQuery,
        permission="streams:read",
    )
    many = Operation(
        "Append to several entities at once, all or nothing",
        {
            201: Answer("the events and their runs are durable", AppendedResponse),
            200: Answer("the key was known", AppendedResponse),
            409: "a version is not as expected",
        },
        body=Body(ManyBody, {"appends": [part]}),
        permission="entities:append",
    )
    info = Operation(
        "What is known of an entity",
        {200: Answer("the entity", StreamInfo), **missing},
        query=StreamQuery,
        permission="entities:read",
    )
    delete = Operation(
        "Delete an entity: nothing can be added, its past stays readable, unless it is purged",
        {200: Answer("its last version", DeletedStreamResponse), **missing, 409: "the version is not as expected"},
        query=DeleteStreamQuery,
        permission="streams:delete",
    )
    append = Operation(
        "Append one event or several to an entity",
        {
            201: Answer("the events and their runs are durable", AppendedToOneResponse),
            409: "the version is not as expected",
            412: "it was deleted",
        },
        body=Body(AppendBody, {**event, "entityType": "order", "expectedVersion": -1}),
        query=TypeQuery,
        permission="entities:append",
    )
    read = Operation(
        "The events of an entity",
        {200: Answer("a page of events", StreamEventsResponse), **missing},
        query=ReadStreamQuery,
        permission="entities:read",
    )
    told = Operation(
        "The same, with the runs each caused and their steps",
        {200: Answer("a page of events", StreamHistoryResponse), **missing},
        query=ReadStreamQuery,
        permission="entities:read",
    )
    newest = Operation(
        "The newest snapshot",
        {200: Answer("the snapshot", SnapshotResponse), 204: "none was kept, and it is optional", **missing},
        query=SnapshotQuery,
        permission="entities:read",
    )
    kept = Operation(
        "The versions that have a snapshot, newest first",
        {200: Answer("them, without the states", ListSnapshotsResponse), **missing},
        query=ListSnapshotsQuery,
        permission="entities:read",
    )
    save = Operation(
        "Keep a snapshot",
        {201: Answer("it is kept", SnapshotResponse), 404: "there is no such entity"},
        body=Body(SnapshotBody, {"version": 1, "state": {"total": 120}, "entityType": "order"}),
        query=TypeQuery,
        permission="entities:append",
    )
    of_run = Operation(
        "The entities that a run appended to",
        {200: Answer("their ids", RunStreamsResponse), 404: "there is no such run"},
        permission="entities:read",
    )
    return [
        Route("/api/v1/streams", Streams(services), {"GET": listing, "POST": many}),
        Route("/api/v1/streams/{entity_id}", Stream(services), {"GET": info, "DELETE": delete}),
        Route("/api/v1/streams/{entity_id}/events", StreamEvents(services), {"GET": read, "POST": append}),
        Route("/api/v1/streams/{entity_id}/history", StreamHistory(services), {"GET": told}),
        Route("/api/v1/streams/{entity_id}/snapshot", StreamSnapshot(services), {"GET": newest, "PUT": save}),
        Route("/api/v1/streams/{entity_id}/snapshots", StreamSnapshots(services), {"GET": kept}),
        Route("/api/v1/runs/{run_id}/streams", RunStreams(services), {"GET": of_run}),
    ]
