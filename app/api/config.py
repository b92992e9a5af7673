"""/api/v1/config: configuration documents, their revisions, what changed between them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import falcon.asgi
import msgspec

from app import clock
from app.api import live
from app.api.answers import answer, body_of, decoded
from app.api.caller import caller_of, environment_of
from app.api.conditions import REVISION_MAX, expected_of, tagged
from app.api.live import Interest
from app.api.middleware import int_param
from app.api.services import Operation, Route, Services
from app.errors import InvalidArgument
from app.history.entry import Entry
from app.history.kinds import ConfigUpdated
from app.values import config
from app.values.config import Config
from app.values.configs import HISTORY_MAX, LIST_MAX


class RestoreBody(msgspec.Struct, forbid_unknown_fields=True):
    """Which revision to bring back."""

    revision: int


_restore = msgspec.json.Decoder(RestoreBody)


class Documents:
    def __init__(self, services: Services) -> None:
        self._configs = services.configs

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        limit = int_param(req, "limit", LIST_MAX, low=1, high=LIST_MAX)
        rows = await self._configs.list(environment_of(req), after=req.get_param("cursor") or "", limit=limit + 1)
        content: dict[str, Any] = {
            "configs": [
                {"name": row.name, "revision": row.revision, "updatedAt": clock.rfc3339(row.updated_at)}
                for row in rows[:limit]
            ]
        }
        if len(rows) > limit:
            content["next_cursor"] = rows[limit - 1].name
        answer(resp, content)


class Document:
    def __init__(self, services: Services) -> None:
        self._configs = services.configs

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, name: str) -> None:
        at = int_param(req, "at", 0, low=1, high=REVISION_MAX)
        revision = int_param(req, "revision", 0, low=1, high=REVISION_MAX)
        if at and revision:
            raise InvalidArgument("at and revision exclude each other", field="at", hint="give one of them")
        if revision:
            found = await self._configs.revision(environment_of(req), name, revision)
        else:
            found = await self._configs.get(environment_of(req), name, at=at or None)
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
        limit = int_param(req, "limit", 50, low=1, high=HISTORY_MAX)
        before = int_param(req, "before", 0, low=1, high=REVISION_MAX)
        found = await self._configs.history(environment_of(req), name, before=before or None, limit=limit)
        answer(resp, {"name": name, "revisions": [revision_shown(entry) for entry in found], "count": len(found)})


class Difference:
    def __init__(self, services: Services) -> None:
        self._configs = services.configs

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, name: str) -> None:
        environment = environment_of(req)
        after = int_param(req, "to", 0, low=1, high=REVISION_MAX)
        if not after:
            after = (await self._configs.get(environment, name)).revision
        before = int_param(req, "from", max(after - 1, 1), low=1, high=REVISION_MAX)
        changes = await self._configs.diff(environment, name, before, after)
        answer(resp, {"name": name, "from": before, "to": after, "changes": changes})


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
        self._live = services.live

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, name: str) -> None:
        if name != "*":
            config.check_name(name)
        where = config.stream(name)
        interest = Interest(environment_of(req), ("config",), lambda entry: name == "*" or entry.stream == where)
        live.send(resp, live.subscribed(req, self._live, interest), update_shown)


def _told(resp: falcon.asgi.Response, name: str, revision: int) -> None:
    tagged(resp, revision)
    answer(resp, {"name": name, "revision": revision})


def shown(found: Config) -> dict[str, Any]:
    """A document as it is read."""
    return {
        "name": found.name,
        "data": msgspec.Raw(found.data or b"null"),
        "revision": found.revision,
        "updatedAt": clock.rfc3339(found.updated_at),
        "position": found.position,
    }


def revision_shown(entry: Entry) -> dict[str, Any]:
    """An entry as one of the document's revisions."""
    fact = entry.fact
    content: dict[str, Any] = {
        "revision": entry.version,
        "operation": fact.operation if isinstance(fact, ConfigUpdated) else "delete",
        "data": fact.data if isinstance(fact, ConfigUpdated) else None,
        "updatedAt": clock.rfc3339(entry.recorded_at),
        "position": entry.position,
    }
    if isinstance(fact, ConfigUpdated) and fact.restored_from:
        content["restored_from"] = fact.restored_from
    if entry.actor:
        content["actor"] = entry.actor
    return content


def update_shown(entry: Entry) -> dict[str, Any]:
    """An entry as watchers get it; `data` is null once the document is gone."""
    return {"type": "config_update", "name": entry.stream.partition("/")[2], **revision_shown(entry)}


def routes(services: Services) -> Sequence[Route]:
    missing = {404: "no such document"}
    condition = {412: "another revision is there than If-Match or If-None-Match says"}
    listing = {
        "GET": Operation(
            "Every document, by name",
            {200: "names and revisions"},
            query={"limit": f"1 to {LIST_MAX}, the default", "cursor": "next_cursor of the page before"},
        )
    }
    document = {
        "GET": Operation(
            "A document",
            {200: "the document", **missing},
            query={"at": "as of a position of history", "revision": "one of its revisions"},
        ),
        "POST": Operation(
            "Set a document", {200: "its revision", 400: "not an object", **condition}, body="the document, an object"
        ),
        "PATCH": Operation(
            "Merge members into a document, or make it", {200: "its revision", **condition}, body="members to replace"
        ),
        "DELETE": Operation("Delete a document; a missing one is no error", {204: "it is gone", **condition}),
    }
    page = {"limit": f"1 to {HISTORY_MAX}, default 50", "before": "only those before this revision"}
    revisions = {"GET": Operation("Revisions, newest first", {200: "revisions", **missing}, query=page)}
    sides = {"from": "a revision, default the one before", "to": "a revision, default the newest"}
    difference = {"GET": Operation("What changed between two revisions", {200: "changes", **missing}, query=sides)}
    restore = {
        "POST": Operation(
            "Bring a revision back, as a new one", {200: "its revision", **missing, **condition}, body="{revision}"
        )
    }
    watch = {
        "GET": Operation(
            "Follow a document, or all of them for the name *, as server-sent events",
            {200: "a stream of config_update, each with its position as id"},
            query={
                "after": "a position; else Last-Event-ID, else from now on",
                "backpressure": "when slow: buffer (nothing is missed), drop, or disconnect",
            },
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
