"""/api/v1/actors: what the keys and users are called that history tells of by their ids."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import falcon.asgi
import msgspec
from msgspec import Meta

from app.access.naming import NAMED_MAX, Named, Names
from app.access.records import KEY
from app.api.answers import answer
from app.api.authors import denied_by_policies
from app.api.caller import caller_of
from app.api.parameters import query_of
from app.api.services import Answer, Operation, Route, Services
from app.api.shapes.base import Shape
from app.errors import InvalidArgument


class ListActorsQuery(msgspec.Struct):
    ids: Annotated[str, Meta(description=f"ids of keys and users, at most {NAMED_MAX}, with commas between them")]


class ActorResponse(Shape):
    """A key or a user, as people call it."""

    id: str
    kind: Literal["key", "user"]
    name: Annotated[str, Meta(description="of a user without one: the e-mail address")]
    prefix: Annotated[str, Meta(description="how a key's secret begins; empty for a user")]
    email: Annotated[str, Meta(description="a user's; empty for a key")]
    deleted: Annotated[bool, Meta(description="it is there no longer, and was called so in the end")]


class ListActorsResponse(Shape):
    actors: list[ActorResponse]


class Actors:
    def __init__(self, services: Services) -> None:
        self._services = services
        self._names = Names(services.access.register, services.storage)

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        caller = caller_of(req)
        wanted = list(dict.fromkeys(filter(None, query_of(req, ListActorsQuery).ids.split(","))))
        if len(wanted) > NAMED_MAX:
            raise InvalidArgument(
                f"{len(wanted)} ids are asked about at once", field="ids", hint=f"at most {NAMED_MAX} of them"
            )
        found = await self._names.of(caller.who, wanted, denied_by_policies(self._services, caller))
        answer(resp, ListActorsResponse(actors=[_shown(found[id]) for id in wanted if id in found]))


def _shown(one: Named) -> ActorResponse:
    return ActorResponse(
        id=one.id,
        kind="key" if one.noun == KEY else "user",
        name=one.name,
        prefix=one.prefix,
        email=one.email,
        deleted=one.gone,
    )


def routes(services: Services) -> Sequence[Route]:
    listing = Operation(
        "What keys and users are called; those are left out that are none of the organization's, or that one may not"
        " read",
        {200: Answer("in the order in which they were asked about", ListActorsResponse), 400: "too many"},
        query=ListActorsQuery,
        permission="self",
    )
    return [Route("/api/v1/actors", Actors(services), {"GET": listing})]
