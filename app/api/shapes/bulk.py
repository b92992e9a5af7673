"""Bulk jobs as REST shows them."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from app import clock
from app.api.shapes.base import Cursor, Instant, NextCursor, Shape, Text, given
from app.history.kinds import BulkFilter
from app.runs.bulk_job import BulkJob
from app.runs.bulk_jobs import LIMIT_MAX, PER_SECOND_MAX, BulkResult, Outcomes

LIMIT_DEFAULT = 50
WAIT_S_MAX = 60.0

Limit = Annotated[int, Meta(ge=1, le=LIMIT_MAX)]
Status = Literal["running", "completed", "stopped"]


class ManyRuns(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Which runs: the filter, as a list of runs takes it, or ids instead; and what is to be done to them beside the
    verb."""

    run_ids: list[str] = []
    function_id: str = ""
    event_id: str = ""
    parent_run_id: str = ""
    failure: str = ""
    status: str = ""
    tag: str = ""
    since: str = ""
    until: str = ""
    search: str = ""
    reason: str = ""
    compensate: bool = False
    detached: bool = False
    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()


class StartBulkBody(ManyRuns, kw_only=True):
    """The verb, and the filter, as a list of runs takes it, or ids instead; `add` and `remove` are tags, `compensate`
    and `detached` are for cancel. Instants: RFC 3339, or such as 15m. `per_second`: no more runs than so many, 0 for as
    fast as it goes. The reason is recorded with each run."""

    verb: Literal["cancel", "pause", "resume", "replay", "fork", "tag"]
    per_second: Annotated[int, Meta(ge=0, le=PER_SECOND_MAX)] = 0


class StopBulkBody(msgspec.Struct, forbid_unknown_fields=True):
    reason: str = ""


class ListBulkQuery(msgspec.Struct, kw_only=True):
    status: Status | Literal[""] = ""
    limit: Limit = LIMIT_DEFAULT
    cursor: Cursor = ""


class GetBulkQuery(msgspec.Struct):
    wait: Annotated[float, Meta(ge=0, le=WAIT_S_MAX, description="seconds to wait for it to end")] = 0.0


class ListBulkResultsQuery(msgspec.Struct, kw_only=True):
    outcome: Annotated[Outcomes, Meta(description="changed, refused, or both")] = ""
    limit: Limit = LIMIT_DEFAULT
    cursor: Cursor = ""


class BulkFilterResponse(Shape, kw_only=True):
    """What was given of a filter."""

    function_id: Text = UNSET
    event_id: Text = UNSET
    parent_run_id: Text = UNSET
    failure: Text = UNSET
    status: Text = UNSET
    tag: Text = UNSET
    search: Text = UNSET
    since: Instant | UnsetType = UNSET
    until: Instant | UnsetType = UNSET


class BulkJobResponse(Shape, kw_only=True):
    """A job: of `total` runs that it was about when it began, `changed` were changed and `refused` could not be. Others
    went on by themselves before it came to them. `filter` or `named`, how many were named by their ids, say which."""

    id: str
    verb: str
    status: Status
    filter: BulkFilterResponse | UnsetType = UNSET
    named: int | UnsetType = UNSET
    reason: str
    add: list[str] | UnsetType = UNSET
    remove: list[str] | UnsetType = UNSET
    compensate: bool | UnsetType = UNSET
    detached: bool | UnsetType = UNSET
    per_second: int | UnsetType = UNSET
    total: int
    changed: int
    refused: int
    started_by: str
    started_at: Instant
    changed_at: Instant
    ended_at: Instant | UnsetType = UNSET
    ended_by: Text = UNSET
    stop_reason: Text = UNSET
    position: int


class ListBulkResponse(Shape):
    """The newest first."""

    jobs: list[BulkJobResponse]
    next_cursor: NextCursor = UNSET


class BulkResultResponse(Shape, kw_only=True):
    """What became of a run: changed, or refused and why. `made` is the run that replays or forks it."""

    run_id: str
    outcome: Literal["changed", "refused"]
    made: Text = UNSET
    code: Text = UNSET
    error: Text = UNSET


class ListBulkResultsResponse(Shape):
    """In the order in which the job came to them, from the newest run to the oldest. A page may be shorter than asked
    for, and go on."""

    results: list[BulkResultResponse]
    next_cursor: NextCursor = UNSET


def job_shown(job: BulkJob) -> BulkJobResponse:
    asked = job.asked
    return BulkJobResponse(
        id=job.id,
        verb=asked.verb,
        status=job.status,  # type: ignore[arg-type]
        filter=UNSET if asked.filter is None else _filter_shown(asked.filter),
        named=given(len(asked.run_ids)),
        reason=asked.reason,
        add=given(list(asked.add)),
        remove=given(list(asked.remove)),
        compensate=given(asked.compensate),
        detached=given(asked.detached),
        per_second=given(asked.per_second),
        total=asked.total,
        changed=job.changed,
        refused=job.refused,
        started_by=job.started_by,
        started_at=clock.rfc3339(job.started_at),
        changed_at=clock.rfc3339(job.changed_at),
        ended_at=clock.rfc3339(job.ended_at) if job.ended_at else UNSET,
        ended_by=given(job.ended_by),
        stop_reason=given(job.reason),
        position=job.position,
    )


def _filter_shown(filter: BulkFilter) -> BulkFilterResponse:
    return BulkFilterResponse(
        function_id=given(filter.function_id),
        event_id=given(filter.event_id),
        parent_run_id=given(filter.parent_run_id),
        failure=given(filter.failure),
        status=given(",".join(filter.statuses)),
        tag=given(",".join(filter.tags)),
        search=given(filter.search),
        since=clock.rfc3339(filter.since) if filter.since else UNSET,
        until=clock.rfc3339(filter.until),
    )


def result_shown(result: BulkResult) -> BulkResultResponse:
    return BulkResultResponse(
        run_id=result.run_id,
        outcome="refused" if result.code else "changed",
        made=given(result.made),
        code=given(result.code),
        error=given(result.message),
    )
