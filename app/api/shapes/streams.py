"""Entities, their events and snapshots as REST shows them: in camelCase, as published."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from app import clock
from app.api.shapes.base import Cursor, Instant, NextCursor, Position, Shape, Text, given
from app.entities.reading import LIMIT_DEFAULT, LIMIT_MAX
from app.entities.streams import ANY, Appended
from app.history.entry import Entry
from app.history.kinds import EventEmitted
from app.history.kinds.entity import entity_of
from app.runs.reading import RunRecord
from storage.records import EntityRow, KeptSnapshot, SnapshotRow

VERSION_MAX = 2**53
DELETED = "$stream.deleted"


class ListStreamsQuery(msgspec.Struct):
    type: Annotated[str, Meta(description="of the entity")] = ""
    search: Annotated[str, Meta(description="part of the id")] = ""
    include_deleted: bool = False
    limit: Annotated[int, Meta(ge=1, le=LIMIT_MAX)] = LIMIT_DEFAULT
    cursor: Cursor = ""


class TypeQuery(msgspec.Struct):
    type: Annotated[str, Meta(description="of the entity; needed where several types have that id")] = ""


class StreamQuery(TypeQuery):
    at: Annotated[str, Meta(description="as of a position, or a time")] = ""


class ReadStreamQuery(StreamQuery):
    from_version: Annotated[
        int, Meta(ge=0, le=VERSION_MAX, description="the first to show; 0 is the first there is, or backward the last")
    ] = 0
    limit: Annotated[int, Meta(ge=1, le=LIMIT_MAX)] = LIMIT_DEFAULT
    direction: Literal["forward", "backward"] = "forward"


class DeleteStreamQuery(TypeQuery):
    expected_version: Annotated[int, Meta(ge=ANY, le=VERSION_MAX, description="that it must have; -1 is any")] = ANY
    reason: Annotated[str, Meta(description="kept in history")] = ""
    purge: Annotated[bool, Meta(description="replace what its events said by placeholders, for good")] = False


class ListSnapshotsQuery(TypeQuery):
    limit: Annotated[int, Meta(ge=1, le=LIMIT_MAX)] = LIMIT_DEFAULT


class SnapshotQuery(StreamQuery):
    version: Annotated[Position, Meta(description="the newest that is not of a later version")] | None = None
    optional: Annotated[bool, Meta(description="answer 204, not 404, where none was kept")] = False


class StreamInfo(Shape):
    """What is known of an entity."""

    entityId: str
    entityType: str
    version: int
    eventCount: int
    createdAt: Instant
    updatedAt: Instant
    lastEventAt: Instant
    position: int
    deleted: bool
    deletedAt: Instant | UnsetType = UNSET


class ListStreamsResponse(Shape):
    """Entities, by id."""

    streams: list[StreamInfo]
    total: int
    next_cursor: NextCursor = UNSET


class StreamEvent(Shape):
    """An entry of an entity's stream: an event, or its deletion under the name that published clients know."""

    id: str
    name: str
    eventName: str
    data: msgspec.Raw
    metadata: msgspec.Raw
    entityType: str
    entityId: str
    version: int
    schemaVersion: int
    source: str
    timestamp: Instant
    position: int
    runIds: Sequence[str] | UnsetType = UNSET
    runId: Text = UNSET
    idempotencyKey: Text = UNSET
    emittedBy: Text = UNSET


class StreamPageResponse(Shape):
    entityId: str
    entityType: str
    version: int
    totalCount: int
    count: int
    nextVersion: Annotated[int, Meta(description="from_version of the next page")] | UnsetType = UNSET


class StreamEventsResponse(StreamPageResponse, kw_only=True):
    """Events of an entity."""

    events: list[StreamEvent]


class StepOfEvent(Shape):
    stepId: str
    name: str
    type: str
    status: str
    durationMs: int
    error: Text = UNSET


class RunOfEvent(Shape):
    """A run that an event caused."""

    runId: str
    functionId: str
    status: str
    createdAt: Instant
    steps: list[StepOfEvent]
    endedAt: Instant | UnsetType = UNSET
    durationMs: int | UnsetType = UNSET


class StreamEventWithRuns(StreamEvent, kw_only=True):
    runs: list[RunOfEvent]


class StreamHistoryResponse(StreamPageResponse, kw_only=True):
    """Events of an entity, with the runs each caused."""

    events: list[StreamEventWithRuns]


class AppendedPart(Shape):
    """What was appended to one entity: its version then, and the events' ids."""

    entityType: str
    entityId: str
    entityVersion: int
    eventIds: Sequence[str]


class AppendedResponse(Shape):
    """What was appended, all of it durable, with its runs."""

    streams: list[AppendedPart]
    runIds: Sequence[str]
    duplicate: Annotated[bool, Meta(description="the idempotency key was known: nothing new")] | UnsetType = UNSET


class AppendedToOneResponse(AppendedPart, kw_only=True):
    """What was appended to the entity, durable, with its runs."""

    eventId: str
    runIds: Sequence[str]
    duplicate: bool | UnsetType = UNSET


class DeletedStreamResponse(Shape):
    entityId: str
    entityType: str
    version: int
    deleted: bool


class SnapshotResponse(Shape):
    """A state that a client folded up to a version, and keeps here."""

    snapshotId: str
    entityId: str
    entityType: str
    version: int
    state: msgspec.Raw
    createdAt: Instant


class KeptSnapshotResponse(Shape):
    snapshotId: str
    version: int
    createdAt: Instant
    sizeBytes: int


class ListSnapshotsResponse(Shape):
    """The versions of an entity that have a snapshot, newest first, without the states."""

    entityId: str
    entityType: str
    snapshots: list[KeptSnapshotResponse]
    count: int


class EntityName(Shape):
    entityType: str
    entityId: str


class RunStreamsResponse(Shape):
    """The entities that a run appended to."""

    entity_ids: list[str]
    streams: list[EntityName]


def info_shown(row: EntityRow) -> StreamInfo:
    return StreamInfo(
        entityId=row.id,
        entityType=row.type,
        version=row.version,
        eventCount=row.event_count,
        createdAt=clock.rfc3339(row.created_at),
        updatedAt=clock.rfc3339(row.updated_at),
        lastEventAt=clock.rfc3339(row.updated_at),
        position=row.position,
        deleted=row.deleted_at is not None,
        deletedAt=UNSET if row.deleted_at is None else clock.rfc3339(row.deleted_at),
    )


def event_shown(entry: Entry) -> StreamEvent:
    """An entry of an entity's stream."""
    fact = entry.fact
    entity = entity_of(entry.stream)
    assert entity is not None, f"{entry} is no entity's"
    emitted = fact if isinstance(fact, EventEmitted) else None
    return StreamEvent(
        id=emitted.id if emitted else "",
        name=emitted.name if emitted else DELETED,
        eventName=emitted.name if emitted else DELETED,
        data=emitted.data if emitted else msgspec.Raw(entry.data),
        metadata=msgspec.Raw(entry.metadata),
        entityType=entity[0],
        entityId=entity[1],
        version=entry.version,
        schemaVersion=emitted.version if emitted else 1,
        source=emitted.source if emitted else "system",
        timestamp=clock.rfc3339(entry.recorded_at),
        position=entry.position,
        runIds=emitted.run_ids if emitted else UNSET,
        runId=given(emitted.run_id) if emitted else UNSET,
        idempotencyKey=given(emitted.idempotency_key) if emitted else UNSET,
        emittedBy=given(entry.actor),
    )


def appended_shown(appended: Appended) -> AppendedResponse:
    return AppendedResponse(
        streams=[
            AppendedPart(entityType=part.type, entityId=part.id, entityVersion=part.version, eventIds=part.event_ids)
            for part in appended.parts
        ],
        runIds=appended.run_ids,
        duplicate=given(appended.duplicate),
    )


def snapshot_shown(row: SnapshotRow) -> SnapshotResponse:
    return SnapshotResponse(
        snapshotId=row.snapshot_id,
        entityId=row.id,
        entityType=row.type,
        version=row.version,
        state=msgspec.Raw(row.state.encode()),
        createdAt=clock.rfc3339(row.created_at),
    )


def snapshots_shown(info: EntityRow, kept: Sequence[KeptSnapshot]) -> ListSnapshotsResponse:
    return ListSnapshotsResponse(
        entityId=info.id,
        entityType=info.type,
        snapshots=[
            KeptSnapshotResponse(
                snapshotId=one.snapshot_id,
                version=one.version,
                createdAt=clock.rfc3339(one.created_at),
                sizeBytes=one.size_bytes,
            )
            for one in kept
        ],
        count=len(kept),
    )


def run_shown(run: RunRecord) -> RunOfEvent:
    state = run.state
    steps = [
        StepOfEvent(
            stepId=step.step_id,
            name=step.name,
            type=step.type,
            status=step.status,
            durationMs=step.duration_ms,
            error=step.error.message if step.error else UNSET,
        )
        for step in run.steps.values()
    ]
    return RunOfEvent(
        runId=state.id,
        functionId=state.function_id,
        status=state.status,
        createdAt=clock.rfc3339(state.created_at),
        steps=steps,
        endedAt=clock.rfc3339(state.ended_at) if state.ended_at else UNSET,
        durationMs=(state.ended_at - state.created_at) // 1_000 if state.ended_at else UNSET,
    )
