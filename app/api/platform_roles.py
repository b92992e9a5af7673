"""/api/v1/platform/roles: what those may who look after the platform."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import falcon.asgi
import msgspec

from app.access import policy as pure
from app.access.actor import ORG_DEFAULT
from app.api.answers import answer, body_of, decoded
from app.api.authors import author_of
from app.api.caller import caller_of
from app.api.roles import shown
from app.api.services import Answer, Body, Operation, Route, Services
from app.api.shapes.access import RoleResponse
from app.api.shapes.platform import PlatformCreateRoleRequest, PlatformUpdateRoleRequest
from storage.records import PolicyRow

_create = msgspec.json.Decoder(PlatformCreateRoleRequest)
_update = msgspec.json.Decoder(PlatformUpdateRoleRequest)


class Roles:
    def __init__(self, services: Services) -> None:
        self._services = services
        self._platform = services.access.platform

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        answer(resp, [shown(self._services, role) for role in self._platform.roles(caller_of(req).who)])

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        body: PlatformCreateRoleRequest = decoded(_create, await body_of(req))
        policies = [self._policy(req, named) for named in body.policy_ids]
        role = await self._platform.create_role(caller_of(req).who, body.name, body.permissions)
        for row in policies:
            await self._attach(req, row, role.id)
        answer(resp, shown(self._services, role), 201)

    def _policy(self, req: falcon.asgi.Request, named: str) -> PolicyRow:
        """A policy where the platform's roles are, that the caller may change. Raises PolicyNotFound,
        PermissionDenied."""
        row = self._services.policies.get(author_of(req).environment, named, org=ORG_DEFAULT)
        caller_of(req).also("policies:write", f"policy/{row.id}")
        return row

    async def _attach(self, req: falcon.asgi.Request, row: PolicyRow, role: str) -> None:
        definition = pure.definition_of(row)
        wanted = msgspec.structs.replace(definition, roles=(*definition.roles, role))
        await self._services.policies.change(row, wanted, author=author_of(req), expected=row.version)


class OneRole(Roles):
    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, role_id: str = "") -> None:
        answer(resp, shown(self._services, self._platform.role(caller_of(req).who, role_id)))

    async def on_put(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, role_id: str) -> None:
        body: PlatformUpdateRoleRequest = decoded(_update, await body_of(req))
        changed = await self._platform.update_role(
            caller_of(req).who, role_id, name=body.name, allowed=body.permissions
        )
        answer(resp, shown(self._services, changed))

    async def on_delete(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, role_id: str) -> None:
        await self._platform.delete_role(caller_of(req).who, role_id)
        resp.status = 204


def routes(services: Services) -> Sequence[Route]:
    read, manage = "platform:roles:read", "platform:roles:manage"
    role = Answer("the role", RoleResponse)
    missing: Mapping[int, str] = {404: "no such role of the platform"}
    denied: Mapping[int, str] = {403: "it is the system's, or allows what you may not"}
    every = {
        "GET": Operation(
            "Roles of the platform, those of the system first",
            {200: Answer("roles", list[RoleResponse])},
            permission=read,
        ),
        "POST": Operation(
            "Make a role of the platform",
            {201: role, **denied, 404: "no such policy", 409: "there is one of that name"},
            body=Body(PlatformCreateRoleRequest, {"name": "support", "permissions": ["platform:impersonate:read"]}),
            permission=manage,
        ),
    }
    one = {
        "GET": Operation("A role of the platform, by id or name", {200: role, **missing}, permission=read),
        "PUT": Operation(
            "Change a role of the platform; what is left out stays as it is",
            {200: role, **missing, **denied, 409: "there is one of that name"},
            body=Body(PlatformUpdateRoleRequest, {"name": "helpdesk"}),
            permission=manage,
        ),
        "DELETE": Operation(
            "Delete a role of the platform that nobody has",
            {204: "it is gone", **missing, **denied, 409: "somebody has it"},
            permission=manage,
        ),
    }
    return [
        Route("/api/v1/platform/roles", Roles(services), every),
        Route("/api/v1/platform/roles/{role_id}", OneRole(services), one),
    ]
