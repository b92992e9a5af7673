"""/api/v1/subscribe: events as they happen, as server-sent events, resumed by their ids."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import falcon.asgi
import msgspec

from app import clock
from app.api import live
from app.api.answers import encode
from app.api.caller import caller_of
from app.api.live import FOLLOWING
from app.api.once import Once
from app.api.parameters import query_of
from app.api.services import Answer, Operation, Route, Services
from app.api.shapes.base import given
from app.api.shapes.subscriptions import (
    DeliveredEvent,
    Gap,
    StreamError,
    SubscribeQuery,
    event_shown,
)
from app.api.subscribers import subscriber
from app.events.subscriptions import Wanted
from app.history import channels
from app.history.channels import Channel
from app.history.entry import Entry
from app.history.kinds import EventEmitted

_PLACE = b"\0"
"""No JSON has it."""


def framed(entry: Entry) -> bytes:
    """What is sent of the entry."""
    fact, channel = entry.fact, channels.of(entry)
    if not isinstance(fact, EventEmitted) or channel[0] != channels.EVENTS or fact.run_id:
        return live.frame(event_shown(entry), entry.position)
    record, data, metadata = entry.record, bytes(fact.data), entry.metadata
    if not (live.in_one_line(data) and live.in_one_line(metadata)):
        return live.frame(event_shown(entry), record.position)
    at = clock.rfc3339(record.recorded_at).encode()
    form = _form(channel, fact.source, fact.version, record.actor)
    return form % (record.position, encode(fact.id), data, metadata, at, record.position)


@lru_cache(1_024)
def _form(channel: Channel, source: str, version: int, actor: str) -> bytes:
    """The frame of every event that has these in common, as encoding makes it, with places for what each has of its
    own: most of a frame is the same as in the one before."""
    place: Any = msgspec.Raw(_PLACE)
    moment: Any = msgspec.Raw(b'"%b"' % _PLACE)
    form = DeliveredEvent(
        type="event",
        id=place,
        topic=channels.text(channel),
        name=channels.name(channel),
        data=place,
        metadata=place,
        source=source,
        version=version,
        timestamp=moment,
        position=place,
        emitted_by=given(actor),
    )
    before, *between, after = encode(form).replace(b"%", b"%%").split(_PLACE)
    return b"id: %d\ndata: " + b"%b".join((before, *between)) + b"%d" + after + b"\n\n"


_frame = Once(framed)


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
