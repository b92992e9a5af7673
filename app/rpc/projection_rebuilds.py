"""ProjectionService's methods that rebuild a projection, or have it go on without events: an event that stops it is
skipped or parked, and parked ones are retried, which is a rebuild, or discarded."""

from __future__ import annotations

from google.protobuf.message import Message

from app.api.caller import Caller
from app.api.services import Services
from app.projections.noun import Passed
from app.projections.rebuild import Job
from app.rpc import convert
from app.rpc.methods import Method
from ironflow.v1 import projection_pb2 as pb


async def start(
    services: Services, caller: Caller, request: pb.RebuildProjectionRequest
) -> pb.RebuildProjectionResponse:
    job = await services.projections.rebuilds.start(
        caller.environment,
        request.name,
        partition=request.partition,
        from_event_id=request.from_event_id,
        to_event_id=request.to_event_id,
        dry_run=request.dry_run,
        actor=caller.actor,
    )
    return pb.RebuildProjectionResponse(job=_job(job))


async def get(services: Services, caller: Caller, request: pb.GetRebuildJobRequest) -> pb.GetRebuildJobResponse:
    job = await services.projections.rebuilds.job(caller.environment, request.name)
    return pb.GetRebuildJobResponse(job=_job(job))


async def cancel(services: Services, caller: Caller, request: pb.CancelRebuildRequest) -> pb.CancelRebuildResponse:
    await services.projections.rebuilds.cancel(caller.environment, request.name, actor=caller.actor)
    return pb.CancelRebuildResponse(status="cancelled")


async def skip(
    services: Services, caller: Caller, request: pb.PassProjectionEventRequest
) -> pb.PassProjectionEventResponse:
    return await _go_on(services, caller, request, park=False)


async def park(
    services: Services, caller: Caller, request: pb.PassProjectionEventRequest
) -> pb.PassProjectionEventResponse:
    return await _go_on(services, caller, request, park=True)


async def _go_on(
    services: Services, caller: Caller, request: pb.PassProjectionEventRequest, *, park: bool
) -> pb.PassProjectionEventResponse:
    after = await services.projections.parking.go_on(
        caller.environment,
        request.name,
        park=park,
        event_id=request.event_id,
        reason=request.reason,
        actor=caller.actor,
    )
    return pb.PassProjectionEventResponse(status=after.status)


async def list_parked(
    services: Services, caller: Caller, request: pb.ListParkedProjectionEventsRequest
) -> pb.ListParkedProjectionEventsResponse:
    found = services.projections.parking.parked(caller.environment, request.name)
    return pb.ListParkedProjectionEventsResponse(events=map(_parked, found))


async def retry(
    services: Services, caller: Caller, request: pb.RetryParkedProjectionEventsRequest
) -> pb.RetryParkedProjectionEventsResponse:
    job = await services.projections.parking.retry(
        caller.environment, request.name, request.event_ids, reason=request.reason, actor=caller.actor
    )
    return pb.RetryParkedProjectionEventsResponse(job=_job(job))


async def discard(
    services: Services, caller: Caller, request: pb.DiscardParkedProjectionEventsRequest
) -> pb.DiscardParkedProjectionEventsResponse:
    count = await services.projections.parking.discard(
        caller.environment, request.name, request.event_ids, reason=request.reason, actor=caller.actor
    )
    return pb.DiscardParkedProjectionEventsResponse(discarded=count)


METHODS: dict[str, tuple[type[Message], Method]] = {
    "RebuildProjection": (pb.RebuildProjectionRequest, start),
    "GetRebuildJob": (pb.GetRebuildJobRequest, get),
    "CancelRebuild": (pb.CancelRebuildRequest, cancel),
    "SkipProjectionEvent": (pb.PassProjectionEventRequest, skip),
    "ParkProjectionEvent": (pb.PassProjectionEventRequest, park),
    "ListParkedProjectionEvents": (pb.ListParkedProjectionEventsRequest, list_parked),
    "RetryParkedProjectionEvents": (pb.RetryParkedProjectionEventsRequest, retry),
    "DiscardParkedProjectionEvents": (pb.DiscardParkedProjectionEventsRequest, discard),
}


def _parked(one: Passed) -> pb.ParkedProjectionEvent:
    return pb.ParkedProjectionEvent(
        event_id=one.event_id,
        event_seq=one.position,
        error=one.error,
        reason=one.reason,
        actor=one.actor,
        parked_at=convert.timestamp(one.passed_at),
    )


def _job(job: Job) -> pb.RebuildJob:
    message = pb.RebuildJob(
        job_id=job.id,
        projection_name=job.projection,
        status=job.status,
        events_processed=job.processed,
        total_events=job.total,
        progress=job.progress,
        started_at=convert.timestamp(job.started_at),
        error=job.error,
        dry_run=job.dry_run,
    )
    if job.remaining_us is not None:
        message.estimated_remaining.FromMicroseconds(job.remaining_us)
    return message
