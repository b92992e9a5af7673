"""/api/v1/events/schemas: what the data of events look like, and whether that is enforced."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import falcon.asgi
import msgspec

from app import clock, jsonvalue
from app.api.answers import answer, body_of, decoded
from app.api.caller import caller_of, environment_of
from app.api.parameters import query_of
from app.api.services import Answer, Body, Operation, Route, Services
from app.api.shapes.schemas import (
    DeletedSchemaResponse,
    DeletedSchemasResponse,
    DeleteSchemaQuery,
    EnforcementQuery,
    EnforcementResponse,
    EventSchemasResponse,
    ListSchemasQuery,
    ListSchemasResponse,
    ModeResponse,
    RegisteredSchemaResponse,
    SchemaCheck,
    SchemaResponse,
    UpcastResponse,
    VersionTraffic,
)
from app.errors import InvalidArgument
from app.events.schemas import MODES, VERSION_MAX, Check, hash_of
from storage.records import SchemaRow

HOUR_US = 3_600_000_000


class SchemaBody(msgspec.Struct, forbid_unknown_fields=True):
    """The schema as text in `schema_json`, or as JSON in `schema`."""

    event_name: str
    version: int = 1
    schema_json: str = ""
    schema: msgspec.Raw = msgspec.field(default_factory=msgspec.Raw)
    description: str = ""
    change_reason: str = ""


class ModeBody(msgspec.Struct, forbid_unknown_fields=True):
    mode: str


class UpcastBody(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    """Without a version to go to, the newest."""

    event_name: str
    data: msgspec.Raw
    from_version: int = 1
    to_version: int = 0


_upcast = msgspec.json.Decoder(UpcastBody)
_schema = msgspec.json.Decoder(SchemaBody)
_mode = msgspec.json.Decoder(ModeBody)


class Schemas:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        rows = self._services.schemas.list(environment_of(req), query_of(req, ListSchemasQuery).event_name)
        answer(resp, ListSchemasResponse(schemas=[shown(row) for row in rows], count=len(rows)))

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        caller = caller_of(req)
        body: SchemaBody = decoded(_schema, await body_of(req))
        if bool(body.schema_json) == bool(bytes(body.schema)):
            raise InvalidArgument("the schema is missing, or there twice", field="schema_json", hint="send it once")
        caller.about(f"schema/{body.event_name}")
        registered = await self._services.schemas.register(
            caller.environment,
            body.event_name,
            body.version,
            body.schema_json or bytes(body.schema).decode(),
            description=body.description,
            reason=body.change_reason,
            actor=caller.actor,
        )
        content = RegisteredSchemaResponse(
            status=registered.status, problems=registered.problems, **_told(registered.row)
        )
        answer(resp, content, 201 if registered.status == "created" else 200)


class SchemasOfEvent:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, name: str) -> None:
        rows = self._services.schemas.list(environment_of(req), name)
        newest = self._services.schemas.get(environment_of(req), name)
        answer(resp, EventSchemasResponse(schemas=[shown(row) for row in rows], **_told(newest)))

    async def on_delete(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, name: str) -> None:
        caller, reason = caller_of(req), query_of(req, DeleteSchemaQuery).reason
        self._services.schemas.get(caller.environment, name)
        rows = self._services.schemas.list(caller.environment, name)
        for row in rows:
            await self._services.schemas.delete(
                caller.environment, name, row.version, reason=reason, actor=caller.actor
            )
        versions = [row.version for row in rows]
        answer(resp, DeletedSchemasResponse(event_name=name, versions=versions, deleted=True))


class OneSchema:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, name: str, version: str) -> None:
        answer(resp, shown(self._services.schemas.get(environment_of(req), name, _version(version))))

    async def on_delete(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, name: str, version: str) -> None:
        caller, number = caller_of(req), _version(version)
        reason = query_of(req, DeleteSchemaQuery).reason
        await self._services.schemas.delete(caller.environment, name, number, reason=reason, actor=caller.actor)
        answer(resp, DeletedSchemaResponse(event_name=name, version=number, deleted=True))


class Enforcement:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        environment = environment_of(req)
        query = query_of(req, EnforcementQuery)
        since = self._services.clock.now_us() - query.hours * HOUR_US
        checks = await self._services.schemas.report(environment, query.event_name, since=since)
        content = EnforcementResponse(
            mode=self._services.schemas.mode(environment),
            schemas=[_check_shown(check) for check in checks],
            traffic_window_hours=query.hours,
        )
        answer(resp, content)

    async def on_put(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        caller = caller_of(req)
        body: ModeBody = decoded(_mode, await body_of(req))
        await self._services.schemas.enforce(caller.environment, body.mode, actor=caller.actor)
        answer(resp, ModeResponse(mode=body.mode))


class Upcast:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        body: UpcastBody = decoded(_upcast, await body_of(req))
        data = jsonvalue.check(bytes(body.data), field="data")
        self._services.schemas.try_upcast(
            environment_of(req), body.event_name, body.from_version, body.to_version, data
        )
        answer(resp, UpcastResponse(data=body.data, steps_applied=()))


def shown(row: SchemaRow) -> SchemaResponse:
    return SchemaResponse(**_told(row))


def _told(row: SchemaRow) -> dict[str, Any]:
    return {
        "event_name": row.event_name,
        "version": row.version,
        "schema_json": row.schema,
        "schema": msgspec.Raw(row.schema.encode()),
        "schema_hash": hash_of(row),
        "description": row.description,
        "created_at": clock.rfc3339(row.created_at),
        "updated_at": clock.rfc3339(row.updated_at),
    }


def _check_shown(check: Check) -> SchemaCheck:
    return SchemaCheck(
        event_name=check.row.event_name,
        version=check.row.version,
        schema_hash=hash_of(check.row),
        asserts=check.asserts,
        traffic=[VersionTraffic(version=version, count=count) for version, count in check.traffic.items()],
        traffic_truncated=check.traffic_truncated,
    )


def _version(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 10 and 1 <= int(text) <= VERSION_MAX):
        raise InvalidArgument(f"version {text[:40]!r} is out of range", field="version", hint="1 or more")
    return int(text)


def routes(services: Services) -> Sequence[Route]:
    missing: Mapping[int, str] = {404: "there is none"}
    example = {
        "event_name": "order.placed",
        "version": 1,
        "schema": {"type": "object", "required": ["id"], "properties": {"id": {"type": "integer"}}},
        "description": "an order that a customer placed",
    }
    listing = Operation(
        "Every schema, by event and version",
        {200: Answer("schemas", ListSchemasResponse)},
        query=ListSchemasQuery,
        permission="schemas:read",
    )
    register = Operation(
        "Register the schema of an event's version, or one that accepts more",
        {
            201: Answer("it is new", RegisteredSchemaResponse),
            200: Answer("it was there", RegisteredSchemaResponse),
            400: "it is no schema",
            409: "it refuses what the version accepts",
        },
        body=Body(SchemaBody, example),
        permission="schemas:manage",
    )
    of_event = Operation(
        "The newest schema of an event, and all of its versions",
        {200: Answer("them", EventSchemasResponse), **missing},
        permission="schemas:read",
    )
    delete_all = Operation(
        "Delete every version",
        {200: Answer("done", DeletedSchemasResponse), **missing},
        query=DeleteSchemaQuery,
        permission="schemas:manage",
    )
    one = Operation("One version", {200: Answer("the schema", SchemaResponse), **missing}, permission="schemas:read")
    delete = Operation(
        "Delete one version",
        {200: Answer("done", DeletedSchemaResponse), **missing},
        query=DeleteSchemaQuery,
        permission="schemas:manage",
    )
    report = Operation(
        "Whether schemas are enforced, and which versions were seen",
        {200: Answer("mode and schemas", EnforcementResponse)},
        query=EnforcementQuery,
        permission="schemas:read",
    )
    enforce = Operation(
        f"Enforce schemas or not: {', '.join(MODES)}",
        {200: Answer("the mode", ModeResponse)},
        body=Body(ModeBody, {"mode": MODES[0]}),
        permission="schemas:manage",
    )
    upcast = Operation(
        "Whether data of a version fit a later one as they are, without upcasters, which the SDK runs",
        {200: Answer("they do", UpcastResponse), 412: "they take an upcaster", **missing},
        body=Body(UpcastBody, {"eventName": "order.placed", "fromVersion": 1, "toVersion": 1, "data": {"id": 1}}),
        permission="schemas:read",
    )
    return [
        Route("/api/v1/events/schemas", Schemas(services), {"GET": listing, "POST": register}),
        Route("/api/v1/events/schemas/{name}", SchemasOfEvent(services), {"GET": of_event, "DELETE": delete_all}),
        Route("/api/v1/events/schemas/{name}/{version}", OneSchema(services), {"GET": one, "DELETE": delete}),
        Route("/api/v1/events/upcast", Upcast(services), {"POST": upcast}),
        Route("/api/v1/schema-enforcement", Enforcement(services), {"GET": report, "PUT": enforce}),
    ]
