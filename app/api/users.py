"""/api/v1/users: people who sign in, their roles and passwords; and links that sign them in once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import falcon.asgi
import msgspec

from app import clock
from app.access.records import Session, User
from app.access.roles import may_give
from app.api.answers import answer, body_of, decoded
from app.api.caller import caller_of
from app.api.services import Answer, Body, Operation, Route, Services
from app.api.shapes.access import (
    ChangePasswordRequest,
    CreateUserRequest,
    LinkResponse,
    UpdateUserRequest,
    UserResponse,
)

_create = msgspec.json.Decoder(CreateUserRequest)
_update = msgspec.json.Decoder(UpdateUserRequest)
_password = msgspec.json.Decoder(ChangePasswordRequest)


class Users:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        answer(resp, [shown(self._services, user) for user in self._services.access.users.list(caller_of(req).who)])

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        body: CreateUserRequest = decoded(_create, await body_of(req))
        user = await self._services.access.users.create(
            caller_of(req).who, body.email, body.password, name=body.name, roles=body.roles or ["viewer"]
        )
        answer(resp, shown(self._services, user), 201)


class OneUser:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, user_id: str) -> None:
        answer(resp, shown(self._services, self._services.access.users.get(caller_of(req).who, user_id)))

    async def on_patch(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, user_id: str) -> None:
        body: UpdateUserRequest = decoded(_update, await body_of(req))
        user = await self._services.access.users.update(
            caller_of(req).who, user_id, email=body.email, name=body.name, roles=body.roles, active=body.is_active
        )
        answer(resp, shown(self._services, user))

    async def on_delete(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, user_id: str) -> None:
        await self._services.access.users.delete(caller_of(req).who, user_id)
        resp.status = 204


class Password:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_patch(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, user_id: str) -> None:
        caller = caller_of(req)
        body: ChangePasswordRequest = decoded(_password, await body_of(req))
        if user_id != caller.who.id:  # one's own is anybody's to change
            caller.also("users:manage", f"user/{user_id}")
        await self._services.access.users.change_password(
            caller.who, user_id, body.new_password, current=body.current_password
        )
        resp.status = 204


class Link:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, user_id: str) -> None:
        access, who = self._services.access, caller_of(req).who
        user = access.users.get(who, user_id)
        may_give(who, access.register.permissions(user.org, user.roles), what=user.email)
        token = access.sessions.link(user)
        resp.set_header("Cache-Control", "no-store")
        answer(resp, LinkResponse(url=f"{req.prefix}/login#token={token}", token=token))


def shown(services: Services, user: User) -> UserResponse:
    return UserResponse(
        id=user.id,
        email=user.email,
        name=user.name,
        roles=list(user.roles),
        org_id=user.org,
        created_at=clock.rfc3339(user.created_at),
        updated_at=clock.rfc3339(user.updated_at),
        last_login_at=last_login_at(services, user),
        is_active=user.active,
    )


def last_login_at(services: Services, user: User) -> str | None:
    """When they signed in, as far as a session of theirs is known."""
    sessions = services.access.register.of(user.org, Session)
    last = max((one.created_at for one in sessions if one.user == user.id), default=0)
    return clock.rfc3339(last) if last else None


def routes(services: Services) -> Sequence[Route]:
    user = Answer("the user", UserResponse)
    missing: Mapping[int, str] = {404: "no such user"}
    denied: Mapping[int, str] = {403: "they may do what you may not"}
    every = {
        "GET": Operation("Users", {200: Answer("users", list[UserResponse])}, permission="users:read"),
        "POST": Operation(
            "Make a user",
            {201: user, **denied, 409: "the address is taken"},
            body=Body(
                CreateUserRequest,
                {"email": "grace@example.com", "password": "nine brown foxes", "name": "Grace", "roles": ["developer"]},
            ),
            permission="users:manage",
        ),
    }
    one = {
        "GET": Operation("A user", {200: user, **missing}, permission="users:read"),
        "PATCH": Operation(
            "Change a user",
            {200: user, **missing, **denied, 409: "the address is taken, or it would shut you out"},
            body=Body(UpdateUserRequest, {"roles": ["viewer"]}),
            permission="users:manage",
        ),
        "DELETE": Operation(
            "Delete a user, and their sessions", {204: "they are gone", **missing, **denied}, permission="users:manage"
        ),
    }
    password = {
        "PATCH": Operation(
            "Change one's own password, or another's with users:manage; sessions are over",
            {204: "it is changed", **missing, 403: "the current one is wrong, or it is not yours to change"},
            body=Body(ChangePasswordRequest, {"new_password": "ten quiet owls", "current_password": ""}),
            permission="self",
        )
    }
    link = {
        "POST": Operation(
            "A link that signs the user in, once",
            {200: Answer("the link", LinkResponse), **missing, **denied},
            permission="users:manage",
        )
    }
    return [
        Route("/api/v1/users", Users(services), every),
        Route("/api/v1/users/{user_id}", OneUser(services), one),
        Route("/api/v1/users/{user_id}/password", Password(services), password),
        Route("/api/v1/users/{user_id}/link", Link(services), link),
    ]
