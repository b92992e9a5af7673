"""Functions and their versions as REST shows them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from app import clock
from app.api.shapes.base import Instant, Shape, Text, given
from app.history.kinds import FunctionRegistered, Trigger
from app.history.kinds.function import (
    Batch,
    CancelOn,
    Concurrency,
    Debounce,
    RateLimit,
    Singleton,
    Throttle,
)
from app.runs.crontab import next_tick
from app.runs.function import Function
from app.runs.versions import LIMIT_DEFAULT, LIMIT_MAX, Change, Version

VERSION_MAX = 2**31 - 1
FUNCTIONS_MAX = 1_000

Number = Annotated[int, Meta(ge=1, le=VERSION_MAX)]


class ListFunctionsQuery(msgspec.Struct):
    status: Literal["active", "paused", "archived"] | None = None
    limit: Annotated[int, Meta(ge=1, le=FUNCTIONS_MAX)] = FUNCTIONS_MAX
    cursor: Annotated[str, Meta(description="the `next_cursor` of the page before")] = ""


class GetFunctionQuery(msgspec.Struct):
    at: Annotated[str, Meta(description="as of a position, or a time")] = ""


class DeleteFunctionQuery(msgspec.Struct):
    reason: Annotated[str, Meta(description="why; kept in history")] = ""


class ListVersionsQuery(msgspec.Struct):
    limit: Annotated[int, Meta(ge=1, le=LIMIT_MAX)] = LIMIT_DEFAULT
    before: Annotated[Number, Meta(description="next_before of the page before")] | None = None


class DiffFunctionQuery(msgspec.Struct):
    from_: Annotated[Number, Meta(description="the number of a version")] = msgspec.field(name="from")
    to: Annotated[Number, Meta(description="the number of a version")]


class TriggerResponse(Shape):
    """Events that fit a pattern and an expression, or the ticks of a clock."""

    event: Text = UNSET
    expression: Text = UNSET
    cron: Text = UNSET
    timezone: Text = UNSET
    missed: Annotated[str, Meta(description="skip, once or all")] | UnsetType = UNSET
    jitter_ms: int | UnsetType = UNSET


class RetryResponse(Shape):
    max_attempts: int
    initial_delay_ms: int
    backoff_factor: float
    max_delay_ms: int
    on_exhausted: str


class FunctionContent(Shape):
    """What two versions may differ in; options that are not set are left out."""

    id: str
    name: str
    description: str
    status: str
    preferred_mode: str
    triggers: list[TriggerResponse]
    retry: RetryResponse
    timeout_ms: int
    metadata: dict[str, Any]
    endpoint_url: Text = UNSET
    concurrency: Concurrency | UnsetType = UNSET
    throttle: Throttle | UnsetType = UNSET
    rate_limit: RateLimit | UnsetType = UNSET
    debounce: Debounce | UnsetType = UNSET
    batch: Batch | UnsetType = UNSET
    singleton: Singleton | UnsetType = UNSET
    priority: Text = UNSET
    idempotency: Text = UNSET
    cancel_on: tuple[CancelOn, ...] | UnsetType = UNSET
    actor_key: Text = UNSET
    on_failure: Text = UNSET
    delay_ms: int | UnsetType = UNSET
    step_timeout_ms: int | UnsetType = UNSET
    secrets: tuple[str, ...] | UnsetType = UNSET
    tags: Annotated[tuple[str, ...], Meta(description="of its runs")] | UnsetType = UNSET


class FunctionResponse(FunctionContent, kw_only=True):
    """A function at its newest version."""

    version: Annotated[int, Meta(description="of its content")]
    revision: Annotated[int, Meta(description="another after each change of any sort: what If-Match expects")]
    pinned: Annotated[bool, Meta(description="what workers register changes nothing")]
    created_at: Instant
    updated_at: Instant
    next_run: Annotated[str, Meta(description="the next tick of its clock")] | UnsetType = UNSET


class ListFunctionsResponse(Shape):
    """A page of functions, by id."""

    functions: list[FunctionResponse]
    count: int
    next_cursor: Text = UNSET


class DeletedFunctionResponse(Shape):
    deleted: Annotated[str, Meta(description="the function's id")]


class VersionSummary(Shape):
    """A change of a function, without the function."""

    version: int
    change: Annotated[str, Meta(description="create, update, rollback, status_change, pin, unpin or delete")]
    status: str
    recorded_at: Instant
    position: int
    reason: Text = UNSET
    actor: Text = UNSET


class VersionResponse(VersionSummary, kw_only=True):
    """A function as a change left it."""

    function: FunctionResponse


class ListVersionsResponse(Shape):
    """Changes of a function, newest first."""

    versions: list[VersionSummary]
    has_more: bool
    next_before: int | UnsetType = UNSET


class ChangeResponse(Shape):
    """One difference: where, and the values on both sides; what is missing on a side is null there."""

    path: str
    before: Any
    after: Any


class DiffFunctionResponse(Shape):
    """What differs between two versions."""

    function_id: str
    from_: int = msgspec.field(name="from")
    to: int
    changes: list[ChangeResponse]


_OPTIONS = tuple(field for field in msgspec.structs.fields(FunctionContent) if field.default is UNSET)


def shown(function: Function, now_us: int) -> FunctionResponse:
    """The function as it is at `now_us`."""
    tick = next_tick(function.fact.triggers, now_us) if function.status == "active" else None
    return FunctionResponse(
        version=function.fact.version,
        revision=function.version,
        pinned=function.pinned,
        created_at=clock.rfc3339(function.created_at),
        updated_at=clock.rfc3339(function.updated_at),
        next_run=UNSET if tick is None else clock.rfc3339(tick),
        **_told(function),
    )


def content(function: Function) -> Any:
    """What two versions may differ in, as plain data."""
    return msgspec.to_builtins(FunctionContent(**_told(function)))


def version_shown(one: Version, now_us: int) -> VersionResponse:
    return VersionResponse(function=shown(one.function, now_us), **_change_told(one))


def summary_shown(one: Version) -> VersionSummary:
    return VersionSummary(**_change_told(one))


def change_shown(change: Change) -> ChangeResponse:
    return ChangeResponse(path=change.path, before=change.before, after=change.after)


def _told(function: Function) -> dict[str, Any]:
    fact = function.fact
    retry = fact.retry
    return {
        "id": fact.id,
        "name": fact.name,
        "description": fact.description,
        "status": function.status,
        "preferred_mode": fact.preferred_mode,
        "triggers": [_trigger(trigger) for trigger in fact.triggers],
        "retry": RetryResponse(
            max_attempts=retry.max_attempts,
            initial_delay_ms=retry.initial_delay_ms,
            backoff_factor=retry.backoff_factor,
            max_delay_ms=retry.delay_ms_max,
            on_exhausted=retry.on_exhausted,
        ),
        "timeout_ms": fact.timeout_ms,
        "metadata": msgspec.json.decode(fact.metadata),
        **_options(fact),
    }


def _options(fact: FunctionRegistered) -> dict[str, Any]:
    """Those that are set."""
    return {field.name: value for field in _OPTIONS if (value := getattr(fact, field.name))}


def _trigger(trigger: Trigger) -> TriggerResponse:
    if not trigger.cron:
        return TriggerResponse(event=trigger.event, expression=given(trigger.expression))
    return TriggerResponse(
        cron=trigger.cron,
        timezone=trigger.timezone,
        missed=trigger.missed,
        jitter_ms=given(trigger.jitter_ms),
        event=given(trigger.event),
    )


def _change_told(one: Version) -> dict[str, Any]:
    return {
        "version": one.number,
        "change": one.change,
        "status": one.function.status,
        "recorded_at": clock.rfc3339(one.recorded_at),
        "position": one.position,
        "reason": given(one.reason),
        "actor": given(one.actor),
    }
