"""Failures and their groups, as REST shows them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from app import clock
from app.api.shapes.base import Cursor, Instant, NextCursor, Shape, Since, Text, Until, given
from app.api.shapes.runs import RunError, failure_shown
from app.search.groups import LIMIT_DEFAULT, LIMIT_MAX, Group, GroupDetail
from app.search.mark_noun import Assigned, Mark
from app.search.repairs import Repair, Repairs
from storage.failures import FailureRow

Part = Annotated[float, Meta(ge=0, le=1)]


class ListFailuresQuery(msgspec.Struct):
    function_id: Annotated[str, Meta(description="of one function")] = ""
    step: Annotated[str, Meta(description="of one step, as groups name it")] = ""
    error_type: Annotated[str, Meta(description="of one type of error")] = ""
    search: Annotated[str, Meta(description="part of message, type, step, function or fingerprint")] = ""
    status: Annotated[Literal["", "open", "resolved", "muted"], Meta(description="open, resolved or muted")] = ""
    assignee: Annotated[str, Meta(description="that somebody looks after, as groups name them")] = ""
    since: Since = ""
    until: Until = ""
    limit: Annotated[int, Meta(ge=1, le=LIMIT_MAX)] = LIMIT_DEFAULT
    cursor: Cursor = ""


class DecideFailureBody(msgspec.Struct, forbid_unknown_fields=True):
    """Why; it is kept in history."""

    reason: str


class MuteFailureBody(DecideFailureBody):
    duration: Annotated[str, Meta(description="for so long, such as 7d; for good if left out")] = ""


class AssignFailureBody(msgspec.Struct, forbid_unknown_fields=True):
    """`assignee` names somebody as people know them; without one, nobody looks after the group any more."""

    assignee: Annotated[str, Meta(description="a name, an address or an id; me for who asks")] = ""
    reason: Annotated[str, Meta(description="why; kept in history")] = ""


class MergeFailureBody(DecideFailureBody):
    into: Annotated[str, Meta(description="the fingerprint of the group that takes the failures")]


class SplitFailureBody(DecideFailureBody):
    fingerprints: Annotated[
        list[str], Meta(description="of those that were merged into the group; none means all")
    ] = []


class FailureMark(Shape):
    """What was decided last of the group. `version` is the newest of the function that had failed so when it was
    resolved; `reopened_position` is that of the failure of a newer one that opened it again."""

    at: Instant
    actor: str
    reason: str
    version: int | UnsetType = UNSET
    muted_until: Instant | UnsetType = UNSET
    reopened_position: int | UnsetType = UNSET


class FailureAssignment(Shape):
    """Who looks after the group, and who said so when."""

    assignee: str
    actor: str
    at: Instant


class SeriesResponse(Shape):
    """Failures in each of equally long spans since an instant."""

    since: Instant
    bucket_seconds: float
    counts: list[int]


class AffectedResponse(Shape):
    """How many versions of the function failed so, the first and the last of them; and how many entities had events
    for which it did."""

    versions: int
    first_version: int
    last_version: int
    entities: int


class FailedWorker(Shape):
    """How often a worker had the run in hand, of the newest 100 failures."""

    worker_id: str
    failures: int
    runs: int
    last_seen: Instant


class FailedEntity(Shape):
    """How often runs for events of an entity failed so."""

    entity_type: str
    entity_id: str
    failures: int
    last_seen: Instant


class FailureGroup(Shape):
    """Failures that are most likely of one cause. `message` is masked: <number>, <text>, <id> and so on stand for what
    differs. `completed` runs went well since, `open` ones rest failed or paused."""

    fingerprint: str
    title: str
    function_id: str
    step: str
    error_type: str
    message: str
    top_frame: str
    first_seen: Instant
    last_seen: Instant
    failures: int
    runs: int
    completed: int
    open: int
    status: Annotated[str, Meta(description="open, resolved or muted")]
    affected: AffectedResponse
    series: SeriesResponse
    decided: FailureMark | UnsetType = UNSET
    assigned: FailureAssignment | UnsetType = UNSET


class ListFailuresResponse(Shape):
    """Groups, those that failed last first."""

    failures: list[FailureGroup]
    next_cursor: NextCursor = UNSET


class FailedVersion(Shape):
    """How a version of the function is affected."""

    version: int
    failures: int
    runs: int
    first_seen: Instant
    last_seen: Instant


class FailureSample(Shape):
    """One failure; `run_status` is that of its run now, `attempt` that which failed if another one followed."""

    run_id: str
    event_id: str
    function_version: int
    message: str
    at: Instant
    position: int
    run_status: str
    attempt: int | UnsetType = UNSET


class DifferenceResponse(Shape):
    """What holds for so many of the failed inputs, and for so many of those that went well."""

    path: str
    fact: str
    failed: Part
    succeeded: Part
    lift: float


class ComparedResponse(Shape):
    """How many inputs were compared."""

    failed: int
    succeeded: int


class RepairExample(Shape):
    """One run that was repaired, by which run and entry, and what was put in place of a step's output."""

    run_id: str
    repaired_by: str
    at: Instant | UnsetType = UNSET
    position: int | UnsetType = UNSET
    actor: Text = UNSET
    reason: Text = UNSET
    step: Text = UNSET
    output: msgspec.Raw | UnsetType = UNSET


class RepairResponse(Shape):
    """How runs that failed so came to completion: patched, injected, forked, resumed, replayed or
    retried."""

    how: str
    runs: int
    examples: list[RepairExample]


class MergedFailures(Shape):
    """What a group that was merged into this one has brought, and goes on bringing."""

    fingerprint: str
    title: str
    step: str
    failures: int
    first_seen: Instant
    last_seen: Instant


class FailureDetail(FailureGroup, kw_only=True):
    """A group with what helps to mend it."""

    error: RunError | None
    versions: list[FailedVersion]
    samples: list[FailureSample]
    differences: list[DifferenceResponse]
    compared: ComparedResponse
    repairs: list[RepairResponse]
    merged: list[MergedFailures]
    workers: list[FailedWorker]
    entities: Annotated[list[FailedEntity], Meta(description="at most ten, those with most failures first")]


def group_shown(group: Group) -> FailureGroup:
    return FailureGroup(**_group(group))


def detail_shown(detail: GroupDetail) -> FailureDetail:
    return FailureDetail(
        **_group(detail.group),
        error=failure_shown(detail.error),
        versions=[
            FailedVersion(
                version=one.version,
                failures=one.failures,
                runs=one.runs,
                first_seen=clock.rfc3339(one.first_at),
                last_seen=clock.rfc3339(one.last_at),
            )
            for one in detail.versions
        ],
        samples=[_sample(row, status) for row, status in detail.samples],
        differences=[DifferenceResponse(**one._asdict()) for one in detail.differences],
        compared=ComparedResponse(failed=detail.compared[0], succeeded=detail.compared[1]),
        repairs=[repairs_shown(one) for one in detail.repairs],
        merged=[
            MergedFailures(
                fingerprint=one.fingerprint,
                title=f"{one.error_type}: {one.message}",
                step=one.step,
                failures=one.failures,
                first_seen=clock.rfc3339(one.first_at),
                last_seen=clock.rfc3339(one.last_at),
            )
            for one in detail.merged
        ],
        workers=[
            FailedWorker(
                worker_id=one.worker_id,
                failures=one.failures,
                runs=one.runs,
                last_seen=clock.rfc3339(one.last_at),
            )
            for one in detail.workers
        ],
        entities=[
            FailedEntity(
                entity_type=one.entity_type,
                entity_id=one.entity_id,
                failures=one.failures,
                last_seen=clock.rfc3339(one.last_at),
            )
            for one in detail.entities
        ],
    )


def _group(group: Group) -> dict[str, Any]:
    row = group.row
    return {
        "fingerprint": row.fingerprint,
        "title": f"{row.error_type}: {row.message}",
        "function_id": row.function_id,
        "step": row.step,
        "error_type": row.error_type,
        "message": row.message,
        "top_frame": row.top_frame,
        "first_seen": clock.rfc3339(row.first_at),
        "last_seen": clock.rfc3339(row.last_at),
        "failures": row.failures,
        **group.runs._asdict(),
        "affected": AffectedResponse(**group.affected._asdict()),
        "status": group.mark.status,
        "decided": _mark(group.mark),
        "assigned": _assigned(group.mark.assigned),
        "series": SeriesResponse(
            since=clock.rfc3339(group.series.since),
            bucket_seconds=group.series.width / 1_000_000,
            counts=list(group.series.counts),
        ),
    }


def _mark(mark: Mark) -> FailureMark | UnsetType:
    if not mark.since:
        return UNSET
    return FailureMark(
        at=clock.rfc3339(mark.since),
        actor=mark.actor,
        reason=mark.reason,
        version=given(mark.version),
        muted_until=clock.rfc3339(mark.muted_until) if mark.muted_until else UNSET,
        reopened_position=given(mark.reopened_position),
    )


def _assigned(assigned: Assigned | None) -> FailureAssignment | UnsetType:
    if assigned is None:
        return UNSET
    return FailureAssignment(assignee=assigned.assignee, actor=assigned.actor, at=clock.rfc3339(assigned.at))


def _sample(row: FailureRow, status: str) -> FailureSample:
    return FailureSample(
        run_id=row.run_id,
        event_id=row.event_id,
        function_version=row.function_version,
        message=row.message,
        at=clock.rfc3339(row.failed_at),
        position=row.position,
        run_status=status,
        attempt=given(row.attempt),
    )


def repairs_shown(found: Repairs) -> RepairResponse:
    return RepairResponse(how=found.how, runs=found.count, examples=[_repair(one) for one in found.examples])


def _repair(repair: Repair) -> RepairExample:
    return RepairExample(
        run_id=repair.run_id,
        repaired_by=repair.repaired_by,
        at=clock.rfc3339(repair.at) if repair.at else UNSET,
        position=given(repair.position),
        actor=given(repair.actor),
        reason=given(repair.reason),
        step=given(repair.step),
        output=UNSET if repair.output is None else repair.output,
    )
