"""/api/v1/apikeys: made, listed, rotated, given other roles, revoked. A secret is told once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import falcon.asgi
import msgspec

from app import clock
from app.access.keys import Issued
from app.access.naming import Names
from app.access.records import Key
from app.api.answers import answer, body_of, decoded
from app.api.authors import denied_by_policies
from app.api.caller import Caller, caller_of
from app.api.conditions import CHANGED_TO, REVISION_TAG, STALE, tagged, version_of
from app.api.parameters import query_of
from app.api.services import Answer, Body, Operation, Route, Services
from app.api.shapes.access import (
    ApiKeyResponse,
    CreateApiKeyRequest,
    CreateApiKeyResponse,
    ListApiKeysQuery,
    ReplaceRolesRequest,
    RevokeApiKeyQuery,
    RotateApiKeyRequest,
)
from app.durations import parse_duration
from app.errors import InvalidArgument

_create = msgspec.json.Decoder(CreateApiKeyRequest)
_rotate = msgspec.json.Decoder(RotateApiKeyRequest)
_replace = msgspec.json.Decoder(ReplaceRolesRequest)


class ApiKeys:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        platform = query_of(req, ListApiKeysQuery).platform
        who = caller_of(req).who
        keys = self._services.access.keys.list(who)
        chosen = [key for key in keys if not platform or key.prefix.startswith("ifplatform_")]
        makers = await makers_of(self._services, caller_of(req), chosen)
        answer(resp, [ApiKeyResponse(**_told(self._services, key, makers[key.id])) for key in chosen])

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        body: CreateApiKeyRequest = decoded(_create, await body_of(req))
        if body.tool_scopes:
            raise InvalidArgument("keys are not limited to tools yet", field="tool_scopes", hint="leave it out")
        access, who = self._services.access, caller_of(req).who
        issued = await access.keys.create(
            who,
            body.name,
            body.role_ids or ["viewer"],
            environment=access.tenancy.namespace(who, body.env_id) if body.env_id else "",
            life_us=parse_duration(body.expires_in, field="expires_in") if body.expires_in else 0,
            platform=body.platform,
        )
        tagged(resp, issued.key.position)
        answer(resp, await issued_shown(self._services, caller_of(req), issued), 201)


class ApiKey:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, key_id: str) -> None:
        who = caller_of(req).who
        key = self._services.access.keys.get(who, key_id)
        tagged(resp, key.position)
        answer(resp, await shown(self._services, caller_of(req), key))

    async def on_delete(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, key_id: str) -> None:
        reason = query_of(req, RevokeApiKeyQuery).reason
        await self._services.access.keys.revoke(caller_of(req).who, key_id, reason=reason, expected=version_of(req))
        resp.status = 204


class Rotate:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, key_id: str) -> None:
        body: RotateApiKeyRequest = decoded(_rotate, await body_of(req) or b"{}")
        who = caller_of(req).who
        issued = await self._services.access.keys.rotate(
            who, key_id, overlap_s=body.overlap_seconds, expected=version_of(req)
        )
        tagged(resp, issued.key.position)
        answer(resp, await issued_shown(self._services, caller_of(req), issued))


class KeyRoles:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_put(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, key_id: str) -> None:
        body: ReplaceRolesRequest = decoded(_replace, await body_of(req))
        who = caller_of(req).who
        key = await self._services.access.keys.replace_roles(who, key_id, body.role_ids, expected=version_of(req))
        tagged(resp, key.position)
        answer(resp, await shown(self._services, caller_of(req), key))


class Maker(NamedTuple):
    """Of a key; `name` is "" for who is gone from history, or may not be known."""

    id: str
    name: str


async def makers_of(services: Services, caller: Caller, keys: Sequence[Key]) -> Mapping[str, Maker]:
    """Who made each, by the key's id."""
    access = services.access
    makers = await access.keys.makers(keys)
    names, denied = Names(access.register, services.storage), denied_by_policies(services, caller)
    named = await names.of(caller.who, list(dict.fromkeys(makers.values())), denied)
    return {
        id: Maker(maker, (found.email or found.name) if (found := named.get(maker)) else "")
        for id, maker in makers.items()
    }


async def shown(services: Services, caller: Caller, key: Key) -> ApiKeyResponse:
    makers = await makers_of(services, caller, [key])
    return ApiKeyResponse(**_told(services, key, makers[key.id]))


async def issued_shown(services: Services, caller: Caller, issued: Issued) -> CreateApiKeyResponse:
    makers = await makers_of(services, caller, [issued.key])
    return CreateApiKeyResponse(**_told(services, issued.key, makers[issued.key.id]), key=issued.secret)


def _told(services: Services, key: Key, maker: Maker) -> Mapping[str, Any]:
    keys = services.access.keys
    used_at, origin = keys.last_used_at(key), keys.last_used_from(key)
    overlaps = key.previous_until > services.clock.now_us()
    return {
        "id": key.id,
        "name": key.name,
        "revision": key.position,
        "key_prefix": key.prefix,
        "role_ids": list(key.roles),
        "environment_id": services.access.tenancy.shown(key.environment) if key.environment else "",
        "created_at": clock.rfc3339(key.created_at),
        "expires_at": clock.rfc3339(key.expires_at) if key.expires_at else None,
        "last_used_at": clock.rfc3339(used_at) if used_at else None,
        "last_used_from": origin.address if origin is not None else "",
        "last_used_by": origin.agent if origin is not None else "",
        "created_by": maker.id,
        "created_by_name": maker.name,
        "previous_expires_at": clock.rfc3339(key.previous_until) if overlaps else None,
    }


def routes(services: Services) -> Sequence[Route]:
    key = Answer("the key", ApiKeyResponse, headers=REVISION_TAG)
    made = Answer("the key and its secret", CreateApiKeyResponse, headers=REVISION_TAG)
    missing: Mapping[int, str] = {404: "no such key"}
    denied: Mapping[int, str] = {403: "it may do what you may not"}
    example = {"name": "ci", "role_ids": ["viewer"], "expires_in": "90d"}
    every = {
        "GET": Operation(
            "Keys, without their secrets",
            {200: Answer("keys", list[ApiKeyResponse])},
            query=ListApiKeysQuery,
            permission="apikeys:read",
        ),
        "POST": Operation(
            "Make a key",
            {201: made, **denied, 404: "no such role or environment"},
            body=Body(CreateApiKeyRequest, example),
            permission="apikeys:manage",
        ),
    }
    one = {
        "GET": Operation("A key, without its secret", {200: key, **missing}, permission="apikeys:read"),
        "DELETE": Operation(
            "Revoke a key, at once",
            {204: "it counts no more", **missing, **denied, **STALE},
            headers=CHANGED_TO,
            query=RevokeApiKeyQuery,
            permission="apikeys:manage",
        ),
    }
    rotate = {
        "POST": Operation(
            "Give a key another secret",
            {200: made, **missing, **denied, **STALE},
            headers=CHANGED_TO,
            body=Body(RotateApiKeyRequest, {"overlap_seconds": 3600}, required=False),
            permission="apikeys:manage",
        )
    }
    roles = {
        "PUT": Operation(
            "Give a key other roles",
            {200: key, **missing, **denied, **STALE},
            headers=CHANGED_TO,
            body=Body(ReplaceRolesRequest, {"role_ids": ["viewer"]}),
            permission="apikeys:manage",
        )
    }
    return [
        Route("/api/v1/apikeys", ApiKeys(services), every),
        Route("/api/v1/apikeys/{key_id}", ApiKey(services), one),
        Route("/api/v1/apikeys/{key_id}/rotate", Rotate(services), rotate),
        Route("/api/v1/apikeys/{key_id}/roles", KeyRoles(services), roles),
    ]
