"""/api/v1/events: emit one event or many, read them back."""

from __future__ import annotations

from collections.abc import Sequence

import falcon.asgi
import msgspec
from msgspec import UNSET, UnsetType

from app import clock
from app.api.answers import answer, body_of, decoded, error_of
from app.api.caller import Caller, caller_of, environment_of
from app.api.parameters import instant, query_of
from app.api.services import Answer, Body, Operation, Route, Services
from app.api.shapes.base import given
from app.api.shapes.events import (
    EmitResult,
    EmittedBatchResponse,
    EmittedResponse,
    EventNameCountResponse,
    EventResponse,
    ListEventNamesQuery,
    ListEventNamesResponse,
    ListEventsQuery,
    ListEventsResponse,
    OutcomeResponse,
)
from app.durations import parse_duration
from app.errors import InvalidArgument, IronflowError
from app.events.looking import ASKED_MAX, ROWS_MAX
from app.events.new_event import NewEvent
from app.events.prepared import Emitted
from app.events.reading import NAMES_SCANNED, EventFilter
from app.history.entry import Entry
from app.history.kinds import EventEmitted, Outcome
from app.history.kinds.base import empty, null
from app.history.kinds.entity import entity_of


class EventBody(msgspec.Struct, forbid_unknown_fields=True):
    """One event as REST takes it. The key may be spelled in either case style. The runs start `at` an instant (RFC
    3339), or after a `delay` (`10m`, or seconds), and have the `tags`. `reemitted_from` is the id of an event that this
    one is emitted anew of, changed or not."""

    name: str = ""
    data: msgspec.Raw = msgspec.field(default_factory=null)
    metadata: msgspec.Raw = msgspec.field(default_factory=empty)
    idempotencyKey: str = ""
    idempotency_key: str = ""
    version: int = 1
    source: str = "api"
    at: str = ""
    delay: str | float = 0
    tags: tuple[str, ...] = ()
    reemitted_from: str = ""


class EventsBody(msgspec.Struct, forbid_unknown_fields=True):
    """Up to 1000 events."""

    events: list[EventBody]


class PostBody(EventBody, forbid_unknown_fields=True):
    """One event, or nothing but a list of them under `events`."""

    events: list[msgspec.Raw] | None = None


_post = msgspec.json.Decoder(PostBody)
_one = msgspec.json.Decoder(EventBody)
_many = msgspec.json.Decoder(list[EventBody])
_raw_list = msgspec.json.Decoder(list[msgspec.Raw])


class Events:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        status, content = await post(self._services, caller_of(req), await body_of(req))
        answer(resp, content, status)

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        now = self._services.clock.now_us()
        query = query_of(req, ListEventsQuery)
        chosen = EventFilter(
            names=tuple(name for text in (query.name, query.names) for name in text.split(",") if name),
            source=query.source,
            search=query.search,
            since=instant(query.since, 0, now=now, field="since"),
            until=instant(query.until, 2**62, now=now, field="until"),
            sample=query.sample,
            pattern=query.pattern,
            filter=query.filter,
        )
        page = await self._services.events.list(
            environment_of(req), chosen, limit=query.limit, cursor=query.cursor, before=query.before
        )
        content = ListEventsResponse(
            events=[shown(entry) for entry in page.entries],
            count=len(page.entries),
            limit=query.limit,
            has_next=bool(page.next_cursor),
            has_prev=bool(page.prev_cursor),
            next_cursor=given(page.next_cursor),
            prev_cursor=given(page.prev_cursor),
        )
        answer(resp, content)


class Event:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, event_id: str) -> None:
        environment = environment_of(req)
        event = shown(await self._services.events.get(environment, event_id))
        caller_of(req).about(f"event/{event.name}")
        event.reemitted_as = given(tuple(await self._services.events.reemissions(environment, event_id)))
        answer(resp, event)


class EventNames:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        now = self._services.clock.now_us()
        query = query_of(req, ListEventNamesQuery)
        found = await self._services.events.names(
            environment_of(req),
            source=query.source,
            since=instant(query.since, 0, now=now, field="since"),
            until=instant(query.until, 2**62, now=now, field="until"),
        )
        content = ListEventNamesResponse(
            names=[EventNameCountResponse(name=name, count=count) for name, count in found.counts],
            scan_cap=NAMES_SCANNED,
            scanned=found.scanned,
            truncated=found.scanned >= NAMES_SCANNED,
        )
        answer(resp, content)


async def post(services: Services, caller: Caller, body: bytes) -> tuple[int, EmittedResponse | EmittedBatchResponse]:
    """Status and content of the answer to one event, or to a list of them."""
    if body.lstrip()[:1] == b"[":
        return 200, await _post_batch(services, caller, _new_events(body, caller))
    event: PostBody = decoded(_post, body)
    if event.events is None:
        caller.about(f"event/{event.name}")
        emitted = await services.emitter.emit(await caused(services, new_event(event, caller)))
        return 201, EmittedResponse(
            event_id=emitted.event_id,
            run_ids=emitted.run_ids,
            duplicate=given(emitted.duplicate),
            outcomes=outcomes_shown(emitted.outcomes),
        )
    if event != PostBody(events=event.events):
        raise InvalidArgument("the body is both an event and a list of events", field="events", hint="send one")
    return 200, await _post_batch(services, caller, [_readable(item, caller) for item in event.events])


async def _post_batch(
    services: Services, caller: Caller, events: Sequence[NewEvent | IronflowError]
) -> EmittedBatchResponse:
    for event in events:
        if isinstance(event, NewEvent):
            caller.about(f"event/{event.name}")
    if any(isinstance(event, NewEvent) and event.reemitted_from for event in events):
        events = [await _caused_or_why(services, event) for event in events]
    answers = await services.emitter.emit_batch(events)
    return EmittedBatchResponse(results=[_told(one) for one in answers])


async def caused(services: Services, event: NewEvent) -> NewEvent:
    """The event; one that is emitted anew with what it is emitted anew of as its cause. Raises InvalidArgument if there
    is no such event."""
    if not event.reemitted_from:
        return event
    cause = await services.events.original(event.environment, event.reemitted_from)
    return msgspec.structs.replace(event, cause=cause)


async def _caused_or_why(services: Services, event: NewEvent | IronflowError) -> NewEvent | IronflowError:
    if isinstance(event, IronflowError):
        return event
    try:
        return await caused(services, event)
    except IronflowError as error:
        return error


def _told(answered: Emitted | BaseException) -> EmitResult:
    """What became of one event of a batch."""
    if isinstance(answered, Emitted):
        if not answered.outcomes and not answered.duplicate:
            return EmitResult(event_id=answered.event_id, run_ids=answered.run_ids)
        return EmitResult(
            event_id=answered.event_id,
            run_ids=answered.run_ids,
            duplicate=given(answered.duplicate),
            outcomes=outcomes_shown(answered.outcomes),
        )
    return EmitResult(**error_of(answered).body())


def outcomes_shown(outcomes: Sequence[Outcome]) -> list[OutcomeResponse] | UnsetType:
    """What became of an event at functions that it did not simply start."""
    if not outcomes:
        return UNSET
    return [
        OutcomeResponse(
            function_id=one.function_id,
            outcome=one.outcome,
            run_id=given(one.run_id),
            due_at=clock.rfc3339(one.due_at) if one.due_at else UNSET,
        )
        for one in outcomes
    ]


def shown(entry: Entry) -> EventResponse:
    """An event as it is read."""
    fact = entry.fact
    assert isinstance(fact, EventEmitted)
    at = clock.rfc3339(entry.recorded_at)
    entity = entity_of(entry.stream)
    return EventResponse(
        id=fact.id,
        name=fact.name,
        data=fact.data,
        metadata=msgspec.Raw(entry.metadata),
        source=fact.source,
        version=fact.version,
        timestamp=at,
        created_at=at,
        processed=True,
        run_ids=fact.run_ids,
        position=entry.position,
        outcomes=outcomes_shown(fact.outcomes),
        idempotency_key=given(fact.idempotency_key),
        run_id=given(fact.run_id),
        entity_type=entity[0] if entity else UNSET,
        entity_id=entity[1] if entity else UNSET,
        entity_version=entry.version if entity else UNSET,
        emitted_by=given(entry.actor),
        reemitted_from=given(fact.reemitted_from),
    )


def _new_events(body: bytes, caller: Caller) -> Sequence[NewEvent | IronflowError]:
    """The events of a list; where one cannot be read, why."""
    try:
        return [new_event(one, caller) for one in _many.decode(body)]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, IronflowError):
        return [_readable(item, caller) for item in decoded(_raw_list, body)]


def _readable(item: msgspec.Raw, caller: Caller) -> NewEvent | IronflowError:
    try:
        return new_event(decoded(_one, bytes(item)), caller)
    except IronflowError as error:
        return error


def new_event(body: EventBody, caller: Caller) -> NewEvent:
    """The event that a caller sent, otherwise not yet checked. Raises InvalidArgument for a time that is none."""
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
        tags=body.tags,
        reemitted_from=body.reemitted_from,
    )


def routes(services: Services) -> Sequence[Route]:
    event = {"name": "order.placed", "data": {"id": 7, "total": 120}, "metadata": {"tenant": "a"}}
    emit = Operation(
        "Emit one event, or up to 1000 in a list",
        {
            201: Answer("the event and its runs are durable", EmittedResponse),
            200: Answer("one result an event, for a list", EmittedBatchResponse),
            400: "refused",
            409: "the idempotency key was used for another event",
        },
        body=Body((EventBody, list[EventBody], EventsBody), event),
        permission="events:emit",
    )
    listing = Operation(
        f"Events, newest first; by pattern or filter, of {ROWS_MAX:,} or {ASKED_MAX:,} at a time: next_cursor may come "
        "with a short page, or an empty one",
        {200: Answer("a page of events", ListEventsResponse)},
        query=ListEventsQuery,
        permission="events:read",
    )
    one = Operation(
        "One event", {200: Answer("the event", EventResponse), 404: "there is none"}, permission="events:read"
    )
    names = Operation(
        "Names of the newest events, with counts",
        {200: Answer("names", ListEventNamesResponse)},
        query=ListEventNamesQuery,
        permission="events:read",
    )
    return [
        Route("/api/v1/events", Events(services), {"POST": emit, "GET": listing}),
        Route("/api/v1/events/names", EventNames(services), {"GET": names}),
        Route("/api/v1/events/{event_id}", Event(services), {"GET": one}),
    ]
