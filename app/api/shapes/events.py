"""Events as REST shows them."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from app.api.shapes.base import Cursor, Instant, Shape, Since, Text, Until
from app.events.reading import LIMIT_DEFAULT, LIMIT_MAX, SAMPLE_MAX
from app.events.subscriptions import VARIABLES


class ListEventsQuery(msgspec.Struct):
    name: Annotated[str, Meta(description="exact name, several with commas")] = ""
    names: Annotated[str, Meta(description="the same")] = ""
    pattern: Annotated[str, Meta(description="as subscriptions have it, such as order.> or entity:order.>")] = ""
    filter: Annotated[str, Meta(description=f"CEL over {', '.join(sorted(VARIABLES))}: data.total > 100")] = ""
    source: Annotated[str, Meta(description="where it came from")] = ""
    since: Since = ""
    until: Until = ""
    search: Annotated[str, Meta(description="part of name or id, A-Z in either case")] = ""
    sample: Annotated[int, Meta(ge=1, le=SAMPLE_MAX, description="of about so many one, always the same ones")] = 1
    limit: Annotated[int, Meta(ge=1, le=LIMIT_MAX)] = LIMIT_DEFAULT
    cursor: Cursor = ""
    before: Annotated[str, Meta(description="prev_cursor, to page back; instead of cursor")] = ""


class ListEventNamesQuery(msgspec.Struct):
    source: Annotated[str, Meta(description="where they came from")] = ""
    since: Since = ""
    until: Until = ""


class OutcomeResponse(Shape):
    """What became of an event at a function that it did not simply start: it waits (until `due_at`), or starts
    nothing (`run_id` is the run in its way), or took another's place."""

    function_id: str
    outcome: str
    run_id: Text = UNSET
    due_at: Instant | UnsetType = UNSET


class EmitResult(Shape):
    """What became of an event: recorded, durable with its runs; or, in a batch, why not."""

    event_id: Text = UNSET
    run_ids: tuple[str, ...] | UnsetType = UNSET
    duplicate: Annotated[bool, Meta(description="the idempotency key was known: nothing new")] | UnsetType = UNSET
    outcomes: list[OutcomeResponse] | UnsetType = UNSET
    error: Text = UNSET
    code: Text = UNSET
    hint: Text = UNSET
    field: Text = UNSET
    retryable: bool | UnsetType = UNSET


class EmittedResponse(Shape):
    """The event is durable, and its runs exist."""

    event_id: str
    run_ids: tuple[str, ...]
    duplicate: Annotated[bool, Meta(description="the idempotency key was known: nothing new")] | UnsetType = UNSET
    outcomes: list[OutcomeResponse] | UnsetType = UNSET


class EmittedBatchResponse(Shape):
    """One result an event, in order."""

    results: list[EmitResult]


class StartShape(Shape):
    """What becomes of an event at a function: `starts`, or as in the outcomes of an event that was emitted."""

    function_id: str
    outcome: str
    run_id: Annotated[str, Meta(description="the run in its way")] | UnsetType = UNSET
    due_at: Instant | UnsetType = UNSET


class EndedWaitShape(Shape):
    """A step that waits for such an event."""

    run_id: str
    step_id: str


class SchemaVerdictShape(Shape):
    """What the schema of a version says of an event's data; `path` is where they break it, `problem` how."""

    version: int
    fits: bool
    path: Text = UNSET
    problem: Text = UNSET


class EventSchemaResponse(Shape):
    """What the schemas of an event say of its data: that of its version, and the newest one, if there are any."""

    event_name: str
    version: Annotated[int, Meta(description="the event's")]
    mode: Annotated[str, Meta(description="what is done about data that do not fit: off, warn, reject")]
    versions: Annotated[list[int], Meta(description="that have a schema")]
    verdicts: list[SchemaVerdictShape]


class TakenShape(Shape):
    """A projection that an event is for. `fate`: folded, behind (it has not come so far), stopped (by this event),
    parked, skipped, or left_out (its fold begins later)."""

    name: str
    status: str
    fate: str
    position: Annotated[int, Meta(description="how far it has come")]
    behind: Annotated[int, Meta(description="positions between it and the event; 0 if it has come past")]


class EventProjectionsResponse(Shape):
    """By name."""

    projections: list[TakenShape]


class EventDryRunResponse(Shape):
    """What an event would lead to now, if it were emitted. Nothing was recorded."""

    duplicate: Annotated[bool, Meta(description="the idempotency key is known: nothing new would be recorded")]
    functions: list[StartShape]
    cancels: Annotated[tuple[str, ...], Meta(description="runs that it would cancel")]
    ends_waits: Annotated[list[EndedWaitShape], Meta(description="steps that would get it")]
    projections: Annotated[list[str], Meta(description="by name")]
    groups: Annotated[list[str], Meta(description="consumer groups that would get it, by name")]
    more: Annotated[bool, Meta(description="there is more of something than is listed")]
    schema: EventSchemaResponse


class EventResponse(Shape):
    """An event as it is read."""

    id: str
    name: str
    data: msgspec.Raw
    metadata: msgspec.Raw
    source: str
    version: int
    timestamp: Instant
    created_at: Instant
    processed: bool
    run_ids: tuple[str, ...]
    position: int
    outcomes: list[OutcomeResponse] | UnsetType = UNSET
    idempotency_key: Text = UNSET
    run_id: Annotated[str, Meta(description="the run that emitted it")] | UnsetType = UNSET
    entity_type: Annotated[str, Meta(description="of an event that was appended to an entity's stream")] | UnsetType = (
        UNSET
    )
    entity_id: Text = UNSET
    entity_version: int | UnsetType = UNSET
    emitted_by: Text = UNSET
    reemitted_from: Annotated[str, Meta(description="the event that it was emitted anew of")] | UnsetType = UNSET
    reemitted_as: (
        Annotated[tuple[str, ...], Meta(description="events that were emitted anew of it; of one event alone")]
        | UnsetType
    ) = UNSET


class ListEventsResponse(Shape):
    """Events, newest first."""

    events: list[EventResponse]
    count: int
    limit: int
    has_next: bool
    has_prev: bool
    next_cursor: Text = UNSET
    prev_cursor: Text = UNSET


class EventNameCountResponse(Shape):
    name: str
    count: int


class ListEventNamesResponse(Shape):
    """Names of the newest events."""

    names: list[EventNameCountResponse]
    scan_cap: Annotated[int, Meta(description="how many events are looked at, at most")]
    scanned: int
    truncated: bool
