"""How projections keep up, and their past, as REST shows it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from app import clock
from app.api.shapes.base import Instant, Shape
from app.api.shapes.projections import Partition, ProjectionStateShape, seconds, state_fields
from app.projections.noun import Projection
from app.projections.pace import Sample
from app.projections.states import PARTITIONS_COMPARED_MAX, Progress, State
from storage.projections import PartitionRow

PARTITIONS_MAX = 1_000


class PastQuery(msgspec.Struct):
    at: Annotated[str, Meta(description="a position, or a time: RFC 3339, or such as 15m ago")]
    partition: Partition = ""


class PartitionsQuery(msgspec.Struct):
    limit: Annotated[int, Meta(ge=1, le=PARTITIONS_MAX)] = 100
    q: Annotated[str, Meta(description="a part of the key")] = ""
    after: Annotated[str, Meta(description="the last one of the page before, by key")] = ""
    order: Annotated[
        Literal["key", "recent"],
        Meta(description=f"recent: those first that changed last, of the first {PARTITIONS_COMPARED_MAX:,} by key"),
    ] = "key"


class PastProgress(Shape, kw_only=True):
    """How far a state of the past is: so many events were folded from the position where it begins, up to another."""

    type: Literal["progress"] = "progress"
    begun: int
    position: int
    until: int
    events: int


class PastState(ProjectionStateShape, kw_only=True):
    """The state of one partition as of a position: null if it had none."""

    type: Literal["state"]


class PartitionShape(Shape, kw_only=True):
    """Where a partition is: its last event, how often its state was saved, and how long that is."""

    partition_key: str
    last_event_seq: int
    last_event_id: str
    last_event_time: Instant | UnsetType = UNSET
    version: int
    updated_at: Instant
    size_bytes: int


class ListProjectionPartitionsResponse(Shape):
    """In order; the next page begins after the last one. `total` is how many there are of those that are looked for;
    a thousand may be more."""

    partitions: list[str]
    items: list[PartitionShape]
    returned: int
    total: int


class PaceSample(Shape):
    """`events_per_second` is since the sample before; the first one has none."""

    at: Instant
    lag: int
    lag_seconds: float
    events_per_second: float | UnsetType = UNSET


class ProjectionPaceResponse(Shape):
    """What was seen of the generation that serves within the last hour, the oldest first."""

    name: str
    generation: int
    samples: list[PaceSample]


def past_shown(one: msgspec.Struct) -> PastProgress | PastState:
    """What States.past tells."""
    match one:
        case Progress():
            return PastProgress(begun=one.begun, position=one.position, until=one.until, events=one.events)
        case State():
            return PastState(type="state", **state_fields(one))
        case _:
            raise AssertionError(f"{one} is neither a state nor on the way to one")


def partitions_shown(rows: Sequence[PartitionRow], total: int) -> ListProjectionPartitionsResponse:
    return ListProjectionPartitionsResponse(
        partitions=[one.partition_key for one in rows],
        items=[
            PartitionShape(
                partition_key=one.partition_key,
                last_event_seq=one.position,
                last_event_id=one.last_event_id,
                last_event_time=clock.rfc3339(one.last_event_at) if one.last_event_at else UNSET,
                version=one.version,
                updated_at=clock.rfc3339(one.updated_at),
                size_bytes=one.size_bytes,
            )
            for one in rows
        ],
        returned=len(rows),
        total=total,
    )


def pace_shown(projection: Projection, samples: Sequence[Sample]) -> ProjectionPaceResponse:
    before = [None, *samples]
    return ProjectionPaceResponse(
        name=projection.name,
        generation=projection.serving.number,
        samples=[
            PaceSample(
                at=clock.rfc3339(one.at),
                lag=one.lag,
                lag_seconds=seconds(one.behind_us),
                events_per_second=_pace(last, one),
            )
            for last, one in zip(before, samples, strict=False)
        ],
    )


def _pace(last: Sample | None, one: Sample) -> float | UnsetType:
    if last is None or one.at <= last.at:
        return UNSET
    return round(max(0, one.folded - last.folded) * 1_000_000 / (one.at - last.at), 2)
