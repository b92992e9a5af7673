"""/api/v1/nats: how a caller's programs speak with NATS itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import falcon.asgi

from app.api.answers import answer
from app.api.caller import caller_of
from app.api.services import Answer, Operation, Route, Services
from app.api.shapes.nats import NatsCredentials


class Credentials:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        caller = caller_of(req)
        proof = caller.grant.proof if caller.grant is not None else None
        found = await self._services.bus.guests.invite(caller.who, proof, caller.environment)
        resp.set_header("Cache-Control", "no-store")
        environment = self._services.access.tenancy.shown(caller.environment)
        answer(resp, NatsCredentials(environment=environment, **found._asdict()))


def routes(services: Services) -> Sequence[Route]:
    told: Mapping[int, str | Answer] = {
        200: Answer("the same again for a key that has some", NatsCredentials),
        400: "this server uses a NATS elsewhere",
        503: "nats-server does not answer",
    }
    invite = Operation("Credentials of NATS for the caller's key", told, permission="events:subscribe")
    return [Route("/api/v1/nats/credentials", Credentials(services), {"POST": invite})]
