"""/api/v1/roles: those of the system, and those that an organization makes itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import falcon.asgi
import msgspec

from app import clock
from app.access.permissions import SYSTEM_ROLES
from app.access.records import Role
from app.api.answers import answer, body_of, decoded
from app.api.caller import caller_of
from app.api.services import Answer, Body, Operation, Route, Services
from app.api.shapes.access import CreateRoleRequest, RoleResponse, UpdateRoleRequest

_create = msgspec.json.Decoder(CreateRoleRequest)
_update = msgspec.json.Decoder(UpdateRoleRequest)


class Roles:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        found = self._services.access.roles.list(caller_of(req).who.org)
        answer(resp, [shown(self._services, role) for role in found])

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        body: CreateRoleRequest = decoded(_create, await body_of(req))
        role = await self._services.access.roles.create(caller_of(req).who, body.name, body.permissions)
        answer(resp, shown(self._services, role), 201)


class OneRole:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, role_id: str) -> None:
        found = self._services.access.roles.get(caller_of(req).who.org, role_id)
        answer(resp, shown(self._services, found))

    async def on_patch(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, role_id: str) -> None:
        body: UpdateRoleRequest = decoded(_update, await body_of(req))
        role = await self._services.access.roles.update(
            caller_of(req).who, role_id, name=body.name, allowed=body.permissions
        )
        answer(resp, shown(self._services, role))

    async def on_delete(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, role_id: str) -> None:
        await self._services.access.roles.delete(caller_of(req).who, role_id)
        resp.status = 204


def shown(services: Services, role: Role) -> RoleResponse:
    return RoleResponse(
        id=role.id,
        name=role.name,
        org_id=role.org,
        permissions=list(role.permissions),
        is_default=role.id in SYSTEM_ROLES,
        api_key_count=services.access.roles.holders(role),
        created_at=clock.rfc3339(role.created_at),
    )


def routes(services: Services) -> Sequence[Route]:
    role = Answer("the role", RoleResponse)
    missing: Mapping[int, str] = {404: "no such role"}
    denied: Mapping[int, str] = {403: "it is the system's, or allows what you may not"}
    every = {
        "GET": Operation(
            "Roles, those of the system first", {200: Answer("roles", list[RoleResponse])}, permission="roles:read"
        ),
        "POST": Operation(
            "Make a role",
            {201: role, **denied, 409: "there is one of that name"},
            body=Body(CreateRoleRequest, {"name": "emitter", "permissions": ["events:emit"]}),
            permission="roles:manage",
        ),
    }
    one = {
        "GET": Operation("A role, by id or name", {200: role, **missing}, permission="roles:read"),
        "PATCH": Operation(
            "Change a role, for all who have it, at once",
            {200: role, **missing, **denied},
            body=Body(UpdateRoleRequest, {"permissions": ["events:emit", "runs:read"]}),
            permission="roles:manage",
        ),
        "DELETE": Operation(
            "Delete a role that nobody has",
            {204: "it is gone", **missing, **denied, 409: "somebody has it"},
            permission="roles:manage",
        ),
    }
    return [
        Route("/api/v1/roles", Roles(services), every),
        Route("/api/v1/roles/{role_id}", OneRole(services), one),
    ]
