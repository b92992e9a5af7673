"""/api/v1/views/{page}: filters that people keep, for themselves or for everybody in the environment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import falcon.asgi
import msgspec
from msgspec import Meta

from app import clock
from app.api.answers import answer, body_of, decoded
from app.api.caller import caller_of
from app.api.parameters import query_of
from app.api.services import Answer, Body, Operation, Route, Services
from app.api.shapes.base import Instant, Shape
from app.values.views import PAGES
from storage.records import ViewRow


class SaveViewBody(msgspec.Struct, forbid_unknown_fields=True):
    """A filter as the page's address has it."""

    filter: Annotated[str, Meta(description="such as status:failed since:24h")]
    shared: Annotated[bool, Meta(description="whether everybody in the environment sees it")] = False


class DeleteViewQuery(msgspec.Struct):
    owner: Annotated[str, Meta(description="whose; another's needs environments:manage. Empty: one's own")] = ""


class ViewResponse(Shape):
    """A filter that somebody keeps."""

    name: str
    filter: str
    shared: bool
    own: Annotated[bool, Meta(description="whether it is the caller's")]
    owner: Annotated[str, Meta(description="id of the key or user")]
    saved_at: Instant


class ListViewsResponse(Shape):
    views: list[ViewResponse]


_save = msgspec.json.Decoder(SaveViewBody)


class ViewList:
    def __init__(self, services: Services) -> None:
        self._views = services.views

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, page: str) -> None:
        caller = caller_of(req)
        rows = await self._views.seen(caller.environment, page, caller.actor)
        answer(resp, ListViewsResponse(views=[_shown(row, caller.actor) for row in rows]))


class View:
    def __init__(self, services: Services) -> None:
        self._views = services.views

    async def on_put(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, page: str, name: str) -> None:
        caller = caller_of(req)
        body: SaveViewBody = decoded(_save, await body_of(req))
        row = await self._views.save(
            caller.environment, page, caller.actor, name, filter=body.filter, shared=body.shared
        )
        answer(resp, _shown(row, caller.actor))

    async def on_delete(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, page: str, name: str) -> None:
        caller = caller_of(req)
        owner = query_of(req, DeleteViewQuery).owner or caller.actor
        if owner != caller.actor:
            caller.also("environments:manage", f"view/{page}/{name}")
        await self._views.delete(caller.environment, page, owner, name)
        resp.status = 204


def _shown(row: ViewRow, caller: str) -> ViewResponse:
    return ViewResponse(
        name=row.name,
        filter=row.filter,
        shared=bool(row.shared),
        own=row.owner == caller,
        owner=row.owner,
        saved_at=clock.rfc3339(row.saved_at),
    )


def routes(services: Services) -> Sequence[Route]:
    read = "runs:read"
    listing = Operation(
        f"Filters of a page ({', '.join(PAGES)}): one's own, and those that others share",
        {200: Answer("by name", ListViewsResponse), 400: "the page has none"},
        permission=read,
    )
    save = Operation(
        "Keep a filter under a name, in place of one's own of that name",
        {200: Answer("the view", ViewResponse), 400: "refused"},
        body=Body(SaveViewBody, {"filter": "status:failed since:24h", "shared": True}),
        permission=read,
    )
    delete = Operation(
        "Keep a filter no longer", {204: "it is gone", 404: "there is none"}, query=DeleteViewQuery, permission=read
    )
    return [
        Route("/api/v1/views/{page}", ViewList(services), {"GET": listing}),
        Route("/api/v1/views/{page}/{name}", View(services), {"PUT": save, "DELETE": delete}),
    ]
