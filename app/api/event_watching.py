"""POST /api/v1/events/watch: expressions over events, the columns that people add to a list of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import falcon.asgi
import msgspec
from msgspec import Meta

from app.api.answers import answer, body_of, decoded
from app.api.caller import caller_of
from app.api.services import Answer, Body, Operation, Route, Services
from app.api.shapes.base import Shape
from app.api.watching import WatchedExpression, watched_shown
from app.events.watching import EVENTS_MAX, EXPRESSIONS_MAX


class WatchEventsBody(msgspec.Struct, forbid_unknown_fields=True):
    """Expressions in CEL, and the events that they are asked of."""

    expressions: Annotated[list[str], Meta(description=f"over event; at most {EXPRESSIONS_MAX}")]
    events: Annotated[list[str], Meta(description=f"ids of at most {EVENTS_MAX}")]


class WatchEventsResponse(Shape):
    expressions: Annotated[list[WatchedExpression], Meta(description="with their values in the order of the events")]


_body = msgspec.json.Decoder(WatchEventsBody)


class WatchEvents:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        caller = caller_of(req)
        body: WatchEventsBody = decoded(_body, await body_of(req))
        found = await self._services.event_watching.values(
            caller.environment, body.expressions, body.events, asks=lambda name: caller.about(f"event/{name}")
        )
        told = [
            WatchedExpression(expression=text, values=[watched_shown(one) for one in values])
            for text, values in zip(body.expressions, found, strict=True)
        ]
        answer(resp, WatchEventsResponse(expressions=told))


def routes(services: Services) -> Sequence[Route]:
    watch = Operation(
        "What expressions over events are",
        {200: Answer("their values", WatchEventsResponse), 400: "one is no CEL"},
        body=Body(WatchEventsBody, {"expressions": ["event.data.total > 100"], "events": ["evt_…"]}),
        permission="events:read",
    )
    return [Route("/api/v1/events/watch", WatchEvents(services), {"POST": watch})]
