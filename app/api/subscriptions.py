"""/api/v1/subscribe: events as they happen, as server-sent events, resumed by their ids."""

from __future__ import annotations

from collections.abc import Sequence

import falcon.asgi

from app.api import live
from app.api.caller import caller_of
from app.api.live import FOLLOWING
from app.api.once import Once
from app.api.parameters import query_of
from app.api.services import Answer, Operation, Route, Services
from app.api.shapes.subscriptions import (
    DeliveredEvent,
    Gap,
    StreamError,
    SubscribeQuery,
    event_shown,
)
from app.api.subscribers import subscriber
from app.events.subscriptions import Wanted

_frame = Once(lambda entry: live.frame(event_shown(entry), entry.position))


class Subscribe:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        query = query_of(req, SubscribeQuery)
        resumed, caller = live.last_seen(req), caller_of(req)
        patterns = tuple(req.get_param_as_list("pattern") or ())
        for pattern in patterns:
            caller.about(f"event/{pattern}")
        wanted = Wanted(
            caller.environment,
            patterns,
            filter=query.filter,
            # A browser that connects again asks as it did at first, and tells the last id beside.
            after=query.after if resumed is None else resumed,
            since=query.since if resumed is None else "",
            replay=query.replay if resumed is None else 0,
            policy=query.backpressure,
        )
        by, sees = subscriber(self._services, caller, "sse"), self._services.door.sight(caller)
        live.send_frames(resp, await self._services.subscriptions.open(wanted, sees, by=by), _frame)


def routes(services: Services) -> Sequence[Route]:
    subscribe = Operation(
        "Follow events, messages, entities and what happens to runs, as server-sent events",
        {
            200: Answer(
                "a stream of events, each with its position as id",
                (DeliveredEvent, Gap, StreamError),
                "text/event-stream",
            ),
            400: "a pattern, the filter or where to begin is wrong",
        },
        query=SubscribeQuery,
        headers=FOLLOWING,
        permission="events:subscribe",
    )
    return [Route("/api/v1/subscribe", Subscribe(services), {"GET": subscribe})]
