"""/api/v1/platform/users and /bootstrap: who looks after the platform, and the first of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import falcon.asgi
import msgspec

from app import clock
from app.access.records import User
from app.api.answers import answer, body_of, decoded
from app.api.caller import caller_of
from app.api.services import Answer, Body, Operation, Route, Services
from app.api.shapes.platform import (
    PlatformBootstrapRequest,
    PlatformBootstrapResponse,
    PlatformCreateUserRequest,
    PlatformUpdateUserRequest,
    PlatformUser,
)
from app.api.users import last_login_at

_create = msgspec.json.Decoder(PlatformCreateUserRequest)
_update = msgspec.json.Decoder(PlatformUpdateUserRequest)
_bootstrap = msgspec.json.Decoder(PlatformBootstrapRequest)

ROLES_DEFAULT = ("platform_viewer",)


class Users:
    def __init__(self, services: Services) -> None:
        self._services = services
        self._platform = services.access.platform

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        answer(resp, [self._shown(user) for user in self._platform.users(caller_of(req).who)])

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        body: PlatformCreateUserRequest = decoded(_create, await body_of(req))
        user = await self._platform.create_user(
            caller_of(req).who, body.email, body.password, name=body.name, roles=body.role_ids or ROLES_DEFAULT
        )
        answer(resp, self._shown(user), 201)

    def _shown(self, user: User) -> PlatformUser:
        return PlatformUser(
            id=user.id,
            email=user.email,
            name=user.name,
            is_active=user.active,
            role_ids=list(user.roles),
            created_at=clock.rfc3339(user.created_at),
            updated_at=clock.rfc3339(user.updated_at),
            last_login_at=last_login_at(self._services, user),
        )


class OneUser(Users):
    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, user_id: str = "") -> None:
        answer(resp, self._shown(self._platform.user(caller_of(req).who, user_id)))

    async def on_put(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, user_id: str) -> None:
        body: PlatformUpdateUserRequest = decoded(_update, await body_of(req))
        changed = await self._platform.update_user(
            caller_of(req).who,
            user_id,
            email=body.email,
            name=body.name,
            password=body.password,
            active=body.is_active,
            roles=body.role_ids,
        )
        answer(resp, self._shown(changed))

    async def on_delete(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, user_id: str) -> None:
        await self._platform.delete_user(caller_of(req).who, user_id)
        resp.status = 204


class Bootstrap:
    def __init__(self, services: Services) -> None:
        self._platform = services.access.platform

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        body: PlatformBootstrapRequest = decoded(_bootstrap, await body_of(req))
        user = await self._platform.bootstrap(caller_of(req).who, body.email, body.password, name=body.name)
        answer(resp, PlatformBootstrapResponse(id=user.id, email=user.email, name=user.name), 201)


def routes(services: Services) -> Sequence[Route]:
    read, manage = "platform:users:read", "platform:users:manage"
    user = Answer("the user", PlatformUser)
    missing: Mapping[int, str] = {404: "no such user of the platform"}
    denied: Mapping[int, str] = {403: "they may do what you may not"}
    refused: Mapping[int, str] = {400: "it is no address, no password, or no role of the platform"}
    example = {"email": "hedy@example.com", "password": "nine brown foxes", "name": "Hedy"}
    first = {"email": "lise@example.com", "password": "nine brown foxes", "name": "Lise"}
    every = {
        "GET": Operation(
            "Users who look after the platform", {200: Answer("users", list[PlatformUser])}, permission=read
        ),
        "POST": Operation(
            "Make a user who looks after the platform",
            {201: user, **refused, **denied, 409: "the address is taken"},
            body=Body(PlatformCreateUserRequest, {**example, "role_ids": ["platform_operator"]}),
            permission=manage,
        ),
    }
    one = {
        "GET": Operation("A user of the platform", {200: user, **missing}, permission=read),
        "PUT": Operation(
            "Change a user of the platform; what is left out stays as it is",
            {200: user, **missing, **refused, **denied, 409: "the address is taken, or it would shut you out"},
            body=Body(PlatformUpdateUserRequest, {"is_active": False}),
            permission=manage,
        ),
        "DELETE": Operation(
            "Delete a user of the platform, and their sessions",
            {204: "they are gone", **missing, **denied, 409: "it is you"},
            permission=manage,
        ),
    }
    bootstrap = Operation(
        "Make the first user, who may do everything",
        {
            201: Answer("the user", PlatformBootstrapResponse),
            **refused,
            409: "somebody looks after the platform already",
        },
        body=Body(PlatformBootstrapRequest, first),
        permission=manage,
    )
    return [
        Route("/api/v1/platform/bootstrap", Bootstrap(services), {"POST": bootstrap}),
        Route("/api/v1/platform/users", Users(services), every),
        Route("/api/v1/platform/users/{user_id}", OneUser(services), one),
    ]
