"""/api/v1/events: emit one event or many, read them back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import falcon.asgi
import msgspec

from app import clock
from app.api.answers import answer, body_of, decoded, error_of
from app.api.caller import Caller, caller_of, environment_of
from app.api.middleware import instant_param, int_param
from app.api.services import Operation, Route, Services
from app.durations import parse_duration
from app.errors import InvalidArgument, IronflowError
from app.events.emit import Emitted, NewEvent
from app.events.reading import LIMIT_DEFAULT, LIMIT_MAX, NAMES_SCANNED, EventFilter
from app.history.entry import Entry
from app.history.kinds import EventEmitted, Outcome
from app.history.kinds.entity import entity_of


class EventBody(msgspec.Struct, forbid_unknown_fields=True):
    """One event as REST takes it. The key may be spelled in either case style. The runs start `at` an instant (RFC
    3339), or after a `delay` (`10m`, or seconds)."""

    name: str = ""
    data: msgspec.Raw = msgspec.Raw(b"null")
    metadata: msgspec.Raw = msgspec.Raw(b"{}")
    idempotencyKey: str = ""
    idempotency_key: str = ""
    version: int = 1
    source: str = "api"
    at: str = ""
    delay: str | float = 0


class PostBody(EventBody, forbid_unknown_fields=True):
    """One event, or nothing but a list of them under `events`."""

    events: list[msgspec.Raw] | None = None


_post = msgspec.json.Decoder(PostBody)
_one = msgspec.json.Decoder(EventBody)
_raw_list = msgspec.json.Decoder(list[msgspec.Raw])


class Events:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        status, content = await post(self._services, caller_of(req), await body_of(req))
        answer(resp, content, status)

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        now = self._services.clock.now_us()
        names = [name for key in ("name", "names") for name in (req.get_param(key) or "").split(",") if name]
        chosen = EventFilter(
            names=tuple(names),
            source=req.get_param("source") or "",
            search=req.get_param("search") or "",
            since=instant_param(req, "since", 0, now=now),
            until=instant_param(req, "until", 2**62, now=now),
        )
        limit = int_param(req, "limit", LIMIT_DEFAULT, low=1, high=LIMIT_MAX)
        page = await self._services.events.list(
            environment_of(req),
            chosen,
            limit=limit,
            cursor=req.get_param("cursor") or "",
            before=req.get_param("before") or "",
        )
        content: dict[str, Any] = {
            "events": [shown(entry) for entry in page.entries],
            "count": len(page.entries),
            "limit": limit,
            "has_next": bool(page.next_cursor),
            "has_prev": bool(page.prev_cursor),
        }
        if page.next_cursor:
            content["next_cursor"] = page.next_cursor
        if page.prev_cursor:
            content["prev_cursor"] = page.prev_cursor
        answer(resp, content)


class Event:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, event_id: str) -> None:
        answer(resp, shown(await self._services.events.get(environment_of(req), event_id)))


class EventNames:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        names = await self._services.events.names(environment_of(req))
        scanned = sum(count for _, count in names)
        content = {
            "names": [{"name": name, "count": count} for name, count in names],
            "scan_cap": NAMES_SCANNED,
            "scanned": scanned,
            "truncated": scanned >= NAMES_SCANNED,
        }
        answer(resp, content)


async def post(services: Services, caller: Caller, body: bytes) -> tuple[int, Mapping[str, Any]]:
    """Status and content of the answer to one event, or to a list of them."""
    if body.lstrip()[:1] == b"[":
        return 200, await _post_batch(services, caller, decoded(_raw_list, body))
    event: PostBody = decoded(_post, body)
    if event.events is None:
        return 201, told(await services.emitter.emit(_new_event(event, caller)))
    if event != PostBody(events=event.events):
        raise InvalidArgument("the body is both an event and a list of events", field="events", hint="send one")
    return 200, await _post_batch(services, caller, event.events)


async def _post_batch(services: Services, caller: Caller, items: Sequence[msgspec.Raw]) -> Mapping[str, Any]:
    answers = await services.emitter.emit_batch([_readable(item, caller) for item in items])
    return {"results": [told(one) if isinstance(one, Emitted) else error_of(one).body() for one in answers]}


def told(emitted: Emitted) -> Mapping[str, Any]:
    """What the emitter of an event is told."""
    content: dict[str, Any] = {"event_id": emitted.event_id, "run_ids": emitted.run_ids}
    if emitted.duplicate:
        content["duplicate"] = True
    if emitted.outcomes:
        content["outcomes"] = outcomes_shown(emitted.outcomes)
    return content


def outcomes_shown(outcomes: Sequence[Outcome]) -> Sequence[Mapping[str, Any]]:
    """What became of an event at functions that it did not simply start."""
    return [
        {
            "function_id": one.function_id,
            "outcome": one.outcome,
            **({"run_id": one.run_id} if one.run_id else {}),
            **({"due_at": clock.rfc3339(one.due_at)} if one.due_at else {}),
        }
        for one in outcomes
    ]


def shown(entry: Entry) -> Mapping[str, Any]:
    """An event as it is read."""
    fact = entry.fact
    assert isinstance(fact, EventEmitted)
    at = clock.rfc3339(entry.recorded_at)
    content: dict[str, Any] = {
        "id": fact.id,
        "name": fact.name,
        "data": fact.data,
        "metadata": msgspec.Raw(entry.metadata),
        "source": fact.source,
        "version": fact.version,
        "timestamp": at,
        "created_at": at,
        "processed": True,
        "run_ids": fact.run_ids,
        "position": entry.position,
    }
    if fact.outcomes:
        content["outcomes"] = outcomes_shown(fact.outcomes)
    if fact.idempotency_key:
        content["idempotency_key"] = fact.idempotency_key
    if fact.run_id:
        content["run_id"] = fact.run_id
    entity = entity_of(entry.stream)
    if entity is not None:
        content["entity_type"], content["entity_id"] = entity
        content["entity_version"] = entry.version
    if entry.actor:
        content["emitted_by"] = entry.actor
    return content


def _readable(item: msgspec.Raw, caller: Caller) -> NewEvent | IronflowError:
    try:
        return _new_event(decoded(_one, bytes(item)), caller)
    except IronflowError as error:
        return error


def _new_event(body: EventBody, caller: Caller) -> NewEvent:
    return NewEvent(
        environment=caller.environment,
        name=body.name,
        data=bytes(body.data),
        idempotency_key=body.idempotencyKey or body.idempotency_key,
        metadata=bytes(body.metadata),
        version=body.version,
        source=body.source,
        actor=caller.actor,
        run_id=caller.run_id,
        start_at=clock.parse_rfc3339(body.at, field="at") if body.at else 0,
        delay_ms=parse_duration(body.delay, field="delay") // 1_000 if body.delay else 0,
    )


def routes(services: Services) -> Sequence[Route]:
    emit = Operation(
        "Emit one event, or up to 1000 in a list",
        {201: "the event and its runs are durable", 200: "one result an event, for a list", 400: "refused"},
        body="Event, or a list of Events, or {events: [Event]}",
    )
    listing = Operation(
        "Events, newest first",
        {200: "a page of events"},
        query={
            "name": "exact name, several with commas",
            "source": "where it came from",
            "since": "RFC 3339, or such as 15m",
            "until": "RFC 3339, or such as 15m",
            "search": "part of name or id",
            "limit": f"1 to {LIMIT_MAX}, default {LIMIT_DEFAULT}",
            "cursor": "next_cursor of the page before",
            "before": "prev_cursor, to page back",
        },
    )
    one = Operation("One event", {200: "the event", 404: "there is none"})
    names = Operation("Names of the newest events, with counts", {200: "names"})
    return [
        Route("/api/v1/events", Events(services), {"POST": emit, "GET": listing}),
        Route("/api/v1/events/names", EventNames(services), {"GET": names}),
        Route("/api/v1/events/{event_id}", Event(services), {"GET": one}),
    ]
