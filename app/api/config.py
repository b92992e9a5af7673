"""/api/v1/config: configuration documents, their revisions, what changed between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import falcon.asgi
import msgspec
from msgspec import UNSET

from app import clock
from app.api import live
from app.api.answers import answer, body_of, decoded
from app.api.caller import caller_of, environment_of
from app.api.conditions import CONDITIONS, REVISION_MAX, expected_of, tagged
from app.api.live import FOLLOWING
from app.api.parameters import query_of
from app.api.services import Answer, Body, Operation, Route, Services
from app.api.shapes.base import FollowQuery, given
from app.api.shapes.config import (
    ConfigResponse,
    ConfigRevision,
    ConfigSetResult,
    ConfigSummary,
    ConfigUpdate,
    DiffConfigQuery,
    DiffConfigResponse,
    GetConfigQuery,
    ListConfigRevisionsQuery,
    ListConfigRevisionsResponse,
    ListConfigsQuery,
    ListConfigsResponse,
)
from app.errors import InvalidArgument
from app.history import moments
from app.history.entry import Entry
from app.history.interests import Interest
from app.history.kinds import ConfigUpdated
from app.values import config
from app.values.config import Config


class RestoreBody(msgspec.Struct, forbid_unknown_fields=True):
    """Which revision to bring back."""

    revision: int


_restore = msgspec.json.Decoder(RestoreBody)


class Documents:
    def __init__(self, services: Services) -> None:
        self._configs = services.configs

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        query = query_of(req, ListConfigsQuery)
        rows = await self._configs.list(environment_of(req), after=query.cursor, limit=query.limit + 1)
        more = len(rows) > query.limit
        content = ListConfigsResponse(
            configs=[
                ConfigSummary(name=row.name, revision=row.revision, updatedAt=clock.rfc3339(row.updated_at))
                for row in rows[: query.limit]
            ],
            next_cursor=rows[query.limit - 1].name if more else UNSET,
        )
        answer(resp, content)


class Document:
    def __init__(self, services: Services) -> None:
        self._configs = services.configs
        self._storage = services.storage
        self._clock = services.clock

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, name: str) -> None:
        query = query_of(req, GetConfigQuery)
        if query.at and query.revision:
            raise InvalidArgument("at and revision exclude each other", field="at", hint="give one of them")
        if query.revision:
            found = await self._configs.revision(environment_of(req), name, query.revision)
        else:
            at = await moments.position_of(self._storage, query.at, now=self._clock.now_us()) if query.at else None
            found = await self._configs.get(environment_of(req), name, at=at)
        tagged(resp, found.revision)
        answer(resp, shown(found))

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, name: str) -> None:
        expected, body = expected_of(req), await body_of(req)
        _told(
            resp,
            name,
            await self._configs.set(environment_of(req), name, body, expected=expected, actor=caller_of(req).actor),
        )

    async def on_patch(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, name: str) -> None:
        expected, body = expected_of(req), await body_of(req)
        _told(
            resp,
            name,
            await self._configs.patch(environment_of(req), name, body, expected=expected, actor=caller_of(req).actor),
        )

    async def on_delete(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, name: str) -> None:
        await self._configs.delete(environment_of(req), name, expected=expected_of(req), actor=caller_of(req).actor)
        resp.status = 204


class Revisions:
    def __init__(self, services: Services) -> None:
        self._configs = services.configs

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, name: str) -> None:
        query = query_of(req, ListConfigRevisionsQuery)
        found = await self._configs.history(environment_of(req), name, before=query.before, limit=query.limit)
        revisions = [revision_shown(entry) for entry in found]
        answer(resp, ListConfigRevisionsResponse(name=name, revisions=revisions, count=len(revisions)))


class Difference:
    def __init__(self, services: Services) -> None:
        self._configs = services.configs

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, name: str) -> None:
        environment = environment_of(req)
        query = query_of(req, DiffConfigQuery)
        after = query.to or (await self._configs.get(environment, name)).revision
        before = query.from_ or max(after - 1, 1)
        changes = await self._configs.diff(environment, name, before, after)
        answer(resp, DiffConfigResponse(name=name, from_=before, to=after, changes=changes))


class Restore:
    def __init__(self, services: Services) -> None:
        self._configs = services.configs

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, name: str) -> None:
        body: RestoreBody = decoded(_restore, await body_of(req))
        if not 1 <= body.revision <= REVISION_MAX:
            raise InvalidArgument(f"revision {body.revision} is out of range", field="revision", hint="1 or more")
        _told(
            resp,
            name,
            await self._configs.restore(
                environment_of(req), name, body.revision, expected=expected_of(req), actor=caller_of(req).actor
            ),
        )


class Watch:
    """Every revision of a document, or all documents' for the name `*`, as server-sent events."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, name: str) -> None:
        live.send(resp, live.watching(req, self._services, watched(environment_of(req), name)), update_shown)


def watched(environment: str, name: str) -> Interest:
    """The revisions of a document, or of all for the name `*`. Raises InvalidArgument."""
    if name != "*":
        config.check_name(name)
    where = config.stream(name)
    return Interest(
        environment, ("config",), lambda entry: name == "*" or entry.stream == where, asked=(f"config/{name}",)
    )


def _told(resp: falcon.asgi.Response, name: str, revision: int) -> None:
    tagged(resp, revision)
    answer(resp, ConfigSetResult(name=name, revision=revision))


def shown(found: Config) -> ConfigResponse:
    """A document as it is read."""
    return ConfigResponse(
        name=found.name,
        data=msgspec.Raw(found.data or b"null"),
        revision=found.revision,
        updatedAt=clock.rfc3339(found.updated_at),
        position=found.position,
    )


def revision_shown(entry: Entry) -> ConfigRevision:
    """An entry as one of the document's revisions."""
    return ConfigRevision(**_revision(entry))


def update_shown(entry: Entry) -> ConfigUpdate:
    """An entry as watchers get it; `data` is null once the document is gone."""
    return ConfigUpdate(type="config_update", name=entry.stream.partition("/")[2], **_revision(entry))


def _revision(entry: Entry) -> dict[str, Any]:
    fact = entry.fact
    updated = fact if isinstance(fact, ConfigUpdated) else None
    return {
        "revision": entry.version,
        "operation": updated.operation if updated else "delete",
        "data": updated.data if updated else None,
        "updatedAt": clock.rfc3339(entry.recorded_at),
        "position": entry.position,
        "restored_from": given(updated.restored_from) if updated else UNSET,
        "actor": given(entry.actor),
    }


def routes(services: Services) -> Sequence[Route]:
    missing: Mapping[int, str] = {404: "no such document"}
    condition: Mapping[int, str] = {412: "another revision is there than If-Match or If-None-Match says"}
    tag = {"ETag": "the revision"}
    written = Answer("its revision", ConfigSetResult, headers=tag)
    document = {
        "GET": Operation(
            "A document",
            {200: Answer("the document", ConfigResponse, headers=tag), **missing},
            query=GetConfigQuery,
            permission="config:read",
        ),
        "POST": Operation(
            "Set a document",
            {200: written, 400: "not an object", **condition},
            body=Body(dict[str, Any], {"theme": "dark", "limits": {"orders": 10}}),
            headers=CONDITIONS,
            permission="config:write",
        ),
        "PATCH": Operation(
            "Merge members into a document, or make it",
            {200: written, **condition},
            body=Body(dict[str, Any], {"theme": "light"}),
            headers=CONDITIONS,
            permission="config:write",
        ),
        "DELETE": Operation(
            "Delete a document; a missing one is no error",
            {204: "it is gone", **condition},
            headers=CONDITIONS,
            permission="config:write",
        ),
    }
    listing = {
        "GET": Operation(
            "Every document, by name",
            {200: Answer("names and revisions", ListConfigsResponse)},
            query=ListConfigsQuery,
            permission="config:read",
        )
    }
    revisions = {
        "GET": Operation(
            "Revisions, newest first",
            {200: Answer("revisions", ListConfigRevisionsResponse), **missing},
            query=ListConfigRevisionsQuery,
            permission="config:read",
        )
    }
    difference = {
        "GET": Operation(
            "What changed between two revisions",
            {200: Answer("changes", DiffConfigResponse), **missing},
            query=DiffConfigQuery,
            permission="config:read",
        )
    }
    restore = {
        "POST": Operation(
            "Bring a revision back, as a new one",
            {200: written, **missing, **condition},
            body=Body(RestoreBody, {"revision": 1}),
            headers=CONDITIONS,
            permission="config:write",
        )
    }
    watch = {
        "GET": Operation(
            "Follow a document, or all of them for the name *, as server-sent events",
            {200: Answer("a stream of updates, each with its position as id", ConfigUpdate, "text/event-stream")},
            query=FollowQuery,
            headers=FOLLOWING,
            permission="config:read",
        )
    }
    base = "/api/v1/config"
    return [
        Route(base, Documents(services), listing),
        Route(f"{base}/{{name}}", Document(services), document),
        Route(f"{base}/{{name}}/history", Revisions(services), revisions),
        Route(f"{base}/{{name}}/diff", Difference(services), difference),
        Route(f"{base}/{{name}}/restore", Restore(services), restore),
        Route(f"{base}/{{name}}/watch", Watch(services), watch),
    ]
