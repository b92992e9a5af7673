"""/api/v1/secrets: names, revisions, descriptions. Values go in and never come out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import falcon.asgi
import msgspec

from app import clock
from app.api.answers import answer, body_of, decoded
from app.api.caller import caller_of, environment_of
from app.api.services import Answer, Body, Operation, Route, Services
from app.api.shapes.base import given
from app.api.shapes.secrets import RotateResponse, SecretResponse
from app.errors import InvalidArgument
from app.runs.functions import Functions
from storage.records import SecretRow


class CreateBody(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    value: str
    description: str = ""


class UpdateBody(msgspec.Struct, forbid_unknown_fields=True):
    value: str
    description: str | None = None


class PatchBody(msgspec.Struct, forbid_unknown_fields=True):
    name: str | None = None
    description: str | None = None


_create = msgspec.json.Decoder(CreateBody)
_update = msgspec.json.Decoder(UpdateBody)
_patch = msgspec.json.Decoder(PatchBody)


class Secrets:
    def __init__(self, services: Services) -> None:
        self._vault = services.vault
        self._functions = services.functions

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        answer(resp, [shown(row, self._functions) for row in await self._vault.list(environment_of(req))])

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        body: CreateBody = decoded(_create, await body_of(req))
        caller_of(req).about(f"secret/{body.name}")
        made = await self._vault.create(
            environment_of(req), body.name, body.value, description=body.description, actor=caller_of(req).actor
        )
        answer(resp, shown(made, self._functions), 201)


class Secret:
    def __init__(self, services: Services) -> None:
        self._vault = services.vault
        self._functions = services.functions

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, name: str) -> None:
        answer(resp, shown(await self._vault.get(environment_of(req), name), self._functions))

    async def on_put(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, name: str) -> None:
        body: UpdateBody = decoded(_update, await body_of(req))
        row = await self._vault.update(
            environment_of(req), name, body.value, description=body.description, actor=caller_of(req).actor
        )
        answer(resp, shown(row, self._functions))

    async def on_patch(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, name: str) -> None:
        body: PatchBody = decoded(_patch, await body_of(req))
        environment, actor = environment_of(req), caller_of(req).actor
        if body.name is not None and body.name != name:
            caller_of(req).about(f"secret/{body.name}")
            row = await self._vault.rename(environment, name, body.name, description=body.description, actor=actor)
        elif body.description is not None:
            row = await self._vault.describe(environment, name, body.description, actor=actor)
        else:
            raise InvalidArgument("there is nothing to change", field="name", hint="give a name or a description")
        answer(resp, shown(row, self._functions))

    async def on_delete(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, name: str) -> None:
        await self._vault.delete(environment_of(req), name, actor=caller_of(req).actor)
        resp.status = 204


class Rotate:
    def __init__(self, services: Services) -> None:
        self._vault = services.vault

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        rotation = await self._vault.rotate_key()
        answer(resp, RotateResponse(master_key=rotation.master_id, environments=rotation.environments))


def shown(row: SecretRow, functions: Functions) -> SecretResponse:
    """A secret as it is read: never its value."""
    return SecretResponse(
        name=row.name,
        revision=row.revision,
        created_at=clock.rfc3339(row.created_at),
        updated_at=clock.rfc3339(row.updated_at),
        used_by=[one.fact.id for one in functions.list(row.environment) if row.name in one.fact.secrets],
        description=given(row.description),
    )


def routes(services: Services) -> Sequence[Route]:
    secret = Answer("the secret", SecretResponse)
    missing: Mapping[int, str] = {404: "no such secret"}
    every = {
        "GET": Operation(
            "Every secret, by name, without values",
            {200: Answer("secrets", list[SecretResponse])},
            permission="secrets:read",
        ),
        "POST": Operation(
            "Create a secret",
            {201: secret, 409: "it exists"},
            body=Body(CreateBody, {"name": "stripe-key", "value": "sk_test_1", "description": "of the shop"}),
            permission="secrets:manage",
        ),
    }
    one = {
        "GET": Operation("A secret, without its value", {200: secret, **missing}, permission="secrets:read"),
        "PUT": Operation(
            "Give a new value",
            {200: secret, **missing},
            body=Body(UpdateBody, {"value": "sk_test_2"}),
            permission="secrets:manage",
        ),
        "PATCH": Operation(
            "Rename or describe",
            {200: secret, **missing, 409: "the name is taken"},
            body=Body(PatchBody, {"description": "of the new shop"}),
            permission="secrets:manage",
        ),
        "DELETE": Operation(
            "Delete a secret and destroy its value", {204: "it is gone", **missing}, permission="secrets:manage"
        ),
    }
    rotate = {
        "POST": Operation(
            "Wrap the keys of all environments with a new master key",
            {
                200: Answer("which key is in use", RotateResponse),
                412: "the master key is not the server's to change",
            },
            permission="platform:master-key:rotate",
        )
    }
    return [
        Route("/api/v1/secrets", Secrets(services), every),
        Route("/api/v1/secrets/{name}", Secret(services), one),
        Route("/api/v1/master-key/rotate", Rotate(services), rotate),
    ]
