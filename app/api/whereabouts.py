"""/api/v1/whereabouts: where something is that is not where it was looked for."""

from __future__ import annotations

from collections.abc import Sequence

import falcon.asgi

from app import texts
from app.access.guard import Request
from app.api.answers import answer
from app.api.caller import Caller, caller_of
from app.api.parameters import query_of
from app.api.services import Answer, Operation, Route, Services
from app.api.shapes.whereabouts import WhereaboutsQuery, WhereaboutsResponse, whereabouts_shown
from app.search import whereabouts

NEEDED = {
    "run": ("runs:read", "run"),
    "function": ("functions:read", "function"),
    "projection": ("projections:read", "projection"),
    "bucket": ("kv:read", "kv"),
    "entity": ("entities:read", "entity"),
}
"""By kind, what one needs to know of it, and how policies name it."""


class WhereIs:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        caller, query = caller_of(req), query_of(req, WhereaboutsQuery)
        texts.check(query.id, field="id")
        permission, noun = NEEDED[query.kind]
        resource = f"{noun}/{query.id}"
        caller.also(permission, resource)

        def sees(environment: str) -> bool:
            return self._sees(caller, permission, resource, environment)

        found = await whereabouts.find(self._services.storage, caller.environment, query.kind, query.id, sees=sees)
        answer(resp, whereabouts_shown(found, self._services.access.tenancy.name))

    def _sees(self, caller: Caller, permission: str, resource: str, environment: str) -> bool:
        """Whether the caller could read it there. Nobody is told: it is we who ask."""
        actor, grant, tenancy = caller.who, caller.grant, self._services.access.tenancy
        if actor.environment or tenancy.owner(environment) != actor.org or not actor.may(permission):
            return False
        call = (grant.method, grant.address) if grant is not None else ()
        return self._services.policies.foreseen(Request(actor, permission, resource, environment, *call)) is None


def routes(services: Services) -> Sequence[Route]:
    where = Operation(
        "Where something is that was not found: deleted here, in other environments that one may see, or nowhere ever",
        {200: Answer("where it is", WhereaboutsResponse), 403: "it takes the permission to read what is looked for"},
        query=WhereaboutsQuery,
        permission="self",
    )
    return [Route("/api/v1/whereabouts", WhereIs(services), {"GET": where})]
