"""Projections as REST shows them. Lists and states are in snake_case and the rest in camelCase, as published."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from app import clock
from app.api.shapes.base import Instant, Shape, Text, given
from app.history.kinds import NULL, ProjectionDefinition
from app.projections.rebuild import Job
from app.projections.service import Status
from app.projections.states import State
from app.projections.waits import TIMEOUT_S_MAX, Caught

Partition = Annotated[str, Meta(description="of the partition key's value; else of events that have none")]
Seq = Annotated[int, Meta(ge=0, le=2**62)]
TimeoutMs = Annotated[int, Meta(ge=0, le=int(TIMEOUT_S_MAX * 1_000))]


class ListProjectionsQuery(msgspec.Struct):
    status: Annotated[str, Meta(description="active, paused, rebuilding or error")] = ""
    mode: Annotated[str, Meta(description="managed, external, declared or sql")] = ""


class ProjectionQuery(msgspec.Struct):
    partition: Partition = ""
    at: Annotated[str, Meta(description="the state as of a position, or a time: RFC 3339, or such as 15m ago")] = ""


class WatchProjectionQuery(msgspec.Struct):
    partition: Partition = ""


class CatchupQuery(msgspec.Struct):
    minSeq: Annotated[Seq, Meta(description="the position that it must have reached")] = 0
    timeout: Annotated[TimeoutMs, Meta(description="ms")] = 30_000
    partition: Partition = ""


class ReasonQuery(msgspec.Struct):
    reason: Annotated[str, Meta(description="why; kept in history")] = ""


class RuleShape(Shape, kw_only=True):
    """What a declared projection does with an event: CEL over `event` and `state`."""

    on: str
    when: Text = UNSET
    set: dict[str, str] | UnsetType = UNSET
    remove: list[str] | UnsetType = UNSET


_RUNNER = "who folds it: nobody ever has, nobody does now, somebody does, or somebody without a lease may"


class ProjectionSummary(Shape, kw_only=True):
    """A projection, without its state."""

    name: str
    version: int
    revision: Annotated[int, Meta(description="another after each change of it: what If-Match expects")]
    mode: str
    status: str
    last_event_seq: Annotated[int, Meta(description="every event for it up to this position is in its state")]
    lag: Annotated[int, Meta(description="positions of history that it has not reached yet")]
    lag_seconds: Annotated[float, Meta(description="the age of the oldest of them")]
    events_per_second: Annotated[float, Meta(description="it folded, over the last minute")] | UnsetType = UNSET
    runner: Annotated[Literal["never", "gone", "here", "unknown"], Meta(description=_RUNNER)]
    last_event_id: Annotated[str, Meta(description="of the last event that it folded")] | UnsetType = UNSET
    partitions: Annotated[int, Meta(description="that have a state; a thousand may be more")] | UnsetType = UNSET
    created_at: Instant
    updated_at: Instant
    generation: int
    events: list[str]
    partition_key: Text = UNSET
    on_error: str
    description: Text = UNSET
    skipped: Annotated[int, Meta(description="events that its reducer could not take, left out for good")]
    parked: Annotated[int, Meta(description="events left out until they are retried or discarded")]
    error_message: Text = UNSET
    error_event_id: Annotated[str, Meta(description="the event that stopped it")] | UnsetType = UNSET
    error_generation: Annotated[int, Meta(description="the generation that was stopped")] | UnsetType = UNSET
    building: Annotated[int, Meta(description="the generation that is being built")] | UnsetType = UNSET
    rebuild_begun_at: Annotated[Instant, Meta(description="of the rebuild under way, or the last one")] | UnsetType = (
        UNSET
    )


class ProjectionStateShape(Shape, kw_only=True):
    """The state of one partition."""

    projection_name: str
    environment_id: str
    partition_key: str
    state: msgspec.Raw
    last_event_id: str
    last_event_seq: int
    last_event_time: Instant | UnsetType = UNSET
    version: int
    updated_at: Instant | UnsetType = UNSET


class ProjectionUpdate(ProjectionStateShape, kw_only=True):
    """The state of one partition as watchers get it: null if it has none."""

    type: Literal["projection_update"]


class ProjectionResponse(ProjectionSummary, kw_only=True):
    """A projection, and the state of one partition of it: null if that has none."""

    state: ProjectionStateShape | None
    rules: list[RuleShape] | UnsetType = UNSET
    initial: msgspec.Raw | UnsetType = UNSET
    table_sql: Text = UNSET
    event_handlers: dict[str, str] | UnsetType = UNSET


class RegisteredProjectionResponse(ProjectionSummary, kw_only=True):
    result: Annotated[str, Meta(description="registered, updated or unchanged")]


class ProjectionStatusResponse(Shape, kw_only=True):
    name: str
    status: str
    mode: str
    lastEventSeq: int
    lag: int
    lagSeconds: float
    errorMessage: Text = UNSET
    updatedAt: Instant


class ProjectionActionResponse(Shape):
    status: str


class RebuildJobResponse(Shape, kw_only=True):
    """How far a rebuild is."""

    jobId: str
    projectionName: str
    status: Annotated[str, Meta(description="running, paused, failed or completed")]
    eventsProcessed: int
    totalEvents: int
    progress: Annotated[float, Meta(description="0 to 100")]
    startedAt: Instant
    estimatedRemainingMs: int | UnsetType = UNSET
    error: Text = UNSET
    dryRun: bool


class WaitResult(Shape):
    """How far a projection has come."""

    caughtUp: bool
    timedOut: bool
    currentSeq: int
    targetSeq: int
    behindByEvents: int
    rebuilding: bool
    mode: str


class WaitItemResult(Shape):
    result: WaitResult | UnsetType = UNSET
    error: Text = UNSET


class WaitBatchResponse(Shape):
    """One for each that was waited for, in order."""

    results: list[WaitItemResult]


def told(status: Status) -> dict[str, Any]:
    """The fields of a summary."""
    projection, serving, stopped = status.projection, status.projection.serving, status.projection.stopped
    return {
        "name": projection.name,
        "version": serving.definition.version,
        "revision": projection.revision,
        "mode": serving.definition.mode,
        "status": projection.status,
        "last_event_seq": status.position,
        "lag": status.lag,
        "lag_seconds": seconds(status.behind_us),
        "events_per_second": UNSET if status.per_second is None else round(status.per_second, 2),
        "runner": status.runner,
        "last_event_id": given(status.last_event_id),
        "partitions": UNSET if status.partitions is None else status.partitions,
        "created_at": clock.rfc3339(projection.created_at),
        "updated_at": clock.rfc3339(status.updated_at),
        "generation": serving.number,
        "events": list(serving.definition.events),
        "partition_key": given(serving.definition.partition_key),
        "on_error": serving.definition.on_error,
        "description": given(serving.definition.description),
        "skipped": serving.left_out,
        "parked": len(serving.parked),
        "error_message": given(projection.error),
        "error_event_id": given(stopped.error_event_id if stopped is not None else ""),
        "error_generation": stopped.number if stopped is not None else UNSET,
        "building": projection.building.number if projection.building is not None else UNSET,
        "rebuild_begun_at": UNSET if projection.rebuilt is None else clock.rfc3339(projection.rebuilt.begun_at),
    }


def summary(status: Status) -> ProjectionSummary:
    return ProjectionSummary(**told(status))


def whole(status: Status, state: State) -> ProjectionResponse:
    definition = status.projection.serving.definition
    return ProjectionResponse(
        **told(status),
        state=state_shown(state),
        rules=_rules(definition),
        initial=definition.initial if definition.mode == "declared" else UNSET,
        table_sql=UNSET if definition.table is None else definition.table.create,
        event_handlers=UNSET if definition.table is None else definition.table.handlers,
    )


def state_shown(state: State) -> ProjectionStateShape | None:
    """None if there is none."""
    return None if state.state is None else ProjectionStateShape(**state_fields(state))


def updated(state: State) -> ProjectionUpdate:
    """As watchers get it."""
    return ProjectionUpdate(type="projection_update", **state_fields(state))


def state_fields(state: State) -> dict[str, Any]:
    return {
        "projection_name": state.projection.name,
        "environment_id": state.projection.environment,
        "partition_key": state.partition,
        "state": NULL if state.state is None else msgspec.Raw(state.state),
        "last_event_id": state.last_event_id,
        "last_event_seq": state.position,
        "last_event_time": clock.rfc3339(state.last_event_at) if state.last_event_at else UNSET,
        "version": state.version,
        "updated_at": clock.rfc3339(state.updated_at) if state.updated_at else UNSET,
    }


def status_shown(status: Status) -> ProjectionStatusResponse:
    projection = status.projection
    return ProjectionStatusResponse(
        name=projection.name,
        status=projection.status,
        mode=projection.serving.definition.mode,
        lastEventSeq=status.position,
        lag=status.lag,
        lagSeconds=seconds(status.behind_us),
        errorMessage=given(projection.error),
        updatedAt=clock.rfc3339(status.updated_at),
    )


def seconds(us: int) -> float:
    return round(us / 1_000_000, 3)


def job_shown(job: Job) -> RebuildJobResponse:
    return RebuildJobResponse(
        jobId=job.id,
        projectionName=job.projection,
        status=job.status,
        eventsProcessed=job.processed,
        totalEvents=job.total,
        progress=job.progress,
        startedAt=clock.rfc3339(job.started_at),
        estimatedRemainingMs=UNSET if job.remaining_us is None else job.remaining_us // 1_000,
        error=given(job.error),
        dryRun=job.dry_run,
    )


def caught_shown(caught: Caught) -> WaitResult:
    return WaitResult(
        caughtUp=caught.caught_up,
        timedOut=caught.timed_out,
        currentSeq=caught.current,
        targetSeq=caught.target,
        behindByEvents=caught.behind,
        rebuilding=caught.rebuilding,
        mode=caught.mode,
    )


def _rules(definition: ProjectionDefinition) -> list[RuleShape] | UnsetType:
    if not definition.rules:
        return UNSET
    return [
        RuleShape(on=one.on, when=given(one.when), set=given(one.set), remove=given(list(one.remove)))
        for one in definition.rules
    ]
