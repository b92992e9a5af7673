"""ProjectionService's unary methods, each once: Connect and gRPC both call these."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message

from app.api.caller import Caller
from app.api.services import Services
from app.errors import FailedPrecondition, InvalidArgument, IronflowError
from app.history import moments
from app.history.kinds import NULL, ProjectionDefinition, Rule
from app.history.kinds.entity import entity_of
from app.projections.feed import Delivered
from app.projections.leases import is_plain
from app.projections.noun import Projection
from app.projections.rebuild import Job
from app.projections.states import Saved, State
from app.projections.waits import TIMEOUT_S, Caught, Item
from app.rpc import convert
from app.rpc.methods import Method
from ironflow.v1 import projection_pb2 as pb
from storage import history
from storage.projections import Fence

LIMIT_MAX = 1_000


# For runners.


async def register(
    services: Services, caller: Caller, request: pb.RegisterProjectionRequest
) -> pb.RegisterProjectionResponse:
    definition = ProjectionDefinition(
        mode=request.mode or "managed",
        events=tuple(request.events),
        partition_key=request.partition_key,
        version=request.version or 1,
        on_error=request.on_error or "stop",
        initial=msgspec.Raw(request.initial_json) if request.initial_json else NULL,
        rules=tuple(Rule(one.on, one.when, dict(one.set), tuple(one.remove)) for one in request.rules),
        description=request.description,
        snapshot_every=request.snapshot_every or 500,
    )
    registry = services.projections.registry
    projection, status = await registry.register(
        caller.environment, request.name, definition, reason=request.change_reason, actor=caller.actor
    )
    found = await services.projections.status(projection)
    return pb.RegisterProjectionResponse(
        status="registered" if status == "registered" else "updated",
        last_event_seq=found.position,
        generation=projection.newest.number,
    )


async def unregister(
    services: Services, caller: Caller, request: pb.UnregisterProjectionRequest
) -> pb.UnregisterProjectionResponse:
    await services.projections.registry.delete(caller.environment, request.name, actor=caller.actor)
    return pb.UnregisterProjectionResponse()


async def acquire_lease(
    services: Services, caller: Caller, request: pb.AcquireProjectionLeaseRequest
) -> pb.AcquireProjectionLeaseResponse:
    _runnable(services, caller, request.name)
    lease = await services.projections.leases.acquire(
        caller.environment, request.name, version=request.version, wait_s=_seconds(request.wait_ms, "wait_ms")
    )
    if lease is None:
        return pb.AcquireProjectionLeaseResponse(granted=False)
    return pb.AcquireProjectionLeaseResponse(
        granted=True,
        lease=pb.ProjectionLease(token=lease.fence.token, epoch=lease.fence.epoch),
        ttl=_duration(services.projections.leases.ttl_s),
        generation=lease.generation,
    )


async def renew_lease(
    services: Services, caller: Caller, request: pb.RenewProjectionLeaseRequest
) -> pb.RenewProjectionLeaseResponse:
    projection = services.projections.registry.get(caller.environment, request.name)
    ttl_s = await services.projections.leases.renew(projection, _held(request))
    return pb.RenewProjectionLeaseResponse(ttl=_duration(ttl_s))


async def release_lease(
    services: Services, caller: Caller, request: pb.ReleaseProjectionLeaseRequest
) -> pb.ReleaseProjectionLeaseResponse:
    projection = services.projections.registry.get(caller.environment, request.name)
    await services.projections.leases.release(projection, _held(request))
    return pb.ReleaseProjectionLeaseResponse()


async def poll(
    services: Services, caller: Caller, request: pb.PollProjectionEventsRequest
) -> pb.PollProjectionEventsResponse:
    _runnable(services, caller, request.name)
    fence, projections = _fence(request), services.projections
    try:
        batch = await projections.next(
            caller.environment,
            request.name,
            fence,
            limit=_size(request.batch_size),
            wait_s=_seconds(request.wait_ms, "wait_ms"),
        )
    except asyncio.CancelledError:
        # Who polled is gone: another runner need not wait until its lease is over.
        projection = projections.registry.find(caller.environment, request.name)
        if projection is not None and fence.token:
            await projections.leases.release(projection, fence)
        raise
    projection = projections.registry.get(caller.environment, request.name)
    response = pb.PollProjectionEventsResponse(
        events=[event(one, as_json=request.accept_json) for one in batch.events],
        last_event_seq=batch.events[-1].position if batch.events else batch.after,
        through=batch.through,
        status=projection.status,
    )
    if not request.accept_json and projection.serving.definition.mode == "managed":
        found = await projections.states.get(
            projection, request.partition, generation=projections.leases.generation_of(projection, fence)
        )
        if found.state is not None:
            convert.put(response, "current_state", msgspec.Raw(found.state))
    return response


async def save_state(
    services: Services, caller: Caller, request: pb.SaveProjectionStateRequest
) -> pb.SaveProjectionStateResponse:
    projection = services.projections.registry.get(caller.environment, request.name)
    if projection.serving.definition.mode != "managed":
        raise FailedPrecondition(
            f"{request.name} is {projection.serving.definition.mode}: its state is not saved", field="name"
        )
    if request.partitions:
        saved = [
            Saved(
                one.partition_key,
                bytes(one.state_json),
                one.last_event_id,
                one.last_event_seq,
                convert.instant(one, "last_event_time", 0),
                max(1, one.events),
            )
            for one in request.partitions
        ]
    else:
        at = convert.instant(request, "last_event_time", 0)
        state = convert.payload(request, "state")
        saved = [Saved(request.partition_key, state, request.last_event_id, request.last_event_seq, at)]
    await services.projections.save(
        projection,
        _fence(request),
        saved,
        position=max(request.last_event_seq, request.through),
        last_event_id=request.last_event_id,
    )
    return pb.SaveProjectionStateResponse(ok=True)


async def acknowledge(
    services: Services, caller: Caller, request: pb.AckProjectionEventsRequest
) -> pb.AckProjectionEventsResponse:
    projection = services.projections.registry.get(caller.environment, request.name)
    await services.projections.save(
        projection,
        _fence(request),
        (),
        position=max(request.last_event_seq, request.through),
        last_event_id=request.last_event_id,
    )
    return pb.AckProjectionEventsResponse(ok=True)


async def report_error(
    services: Services, caller: Caller, request: pb.ReportProjectionErrorRequest
) -> pb.ReportProjectionErrorResponse:
    projections = services.projections
    projection = projections.registry.get(caller.environment, request.name)
    fence = _fence(request)
    generation = projections.leases.generation_of(projection, fence)
    await projections.check_fence(projection, generation, fence)
    skip = await projections.registry.refuse_event(
        caller.environment,
        request.name,
        generation.number,
        event_id=request.event_id,
        position=request.event_seq,
        error=request.message,
    )
    return pb.ReportProjectionErrorResponse(skip=skip)


# For readers.


async def get(services: Services, caller: Caller, request: pb.GetProjectionRequest) -> pb.GetProjectionResponse:
    projections = services.projections
    projection = projections.registry.get(caller.environment, request.name)
    generation = projection.serving
    if request.generation:
        generation = projection.generation(request.generation) or generation
    elif projection.building is not None and await _is_run_plainly(services, projection):
        generation = projection.building  # the runner reads by this call what it goes on from
    at = history.END
    if request.at or request.HasField("as_of"):
        text = request.at or str(await _position_then(services, request))
        at = await moments.position_of(services.storage, text, now=services.clock.now_us())
    found = await projections.states.get(projection, request.partition, generation=generation, at=at)
    response = pb.GetProjectionResponse(
        name=projection.name,
        partition=found.partition,
        last_event_id=found.last_event_id,
        version=found.version,
        mode=generation.definition.mode,
        registry=await _info(services, projection),
        state_last_event_seq=found.position,
        state_environment_id=projection.environment,
        generation=generation.number,
    )
    _put_state(response, found, as_json=request.accept_json)
    if found.last_event_at:
        response.last_event_time.FromMicroseconds(found.last_event_at)
    if found.updated_at:
        response.state_updated_at.FromMicroseconds(found.updated_at)
    return response


async def list_projections(
    services: Services, caller: Caller, request: pb.ListProjectionsRequest
) -> pb.ListProjectionsResponse:
    if request.limit < 0 or request.offset < 0:
        raise InvalidArgument("limit and offset must not be negative", field="limit", hint=f"at most {LIMIT_MAX}")
    found = services.projections.registry.list(caller.environment, status=request.status, mode=request.mode)
    page = found[request.offset : request.offset + (min(request.limit, LIMIT_MAX) or LIMIT_MAX)]
    return pb.ListProjectionsResponse(projections=[await _info(services, one) for one in page], total_count=len(found))


async def get_status(
    services: Services, caller: Caller, request: pb.GetProjectionStatusRequest
) -> pb.GetProjectionStatusResponse:
    projection = services.projections.registry.get(caller.environment, request.name)
    status = await services.projections.status(projection)
    response = pb.GetProjectionStatusResponse(
        name=projection.name,
        status=projection.status,
        mode=projection.serving.definition.mode,
        last_event_seq=status.position,
        lag=status.lag,
        error_message=projection.error,
        updated_at=convert.timestamp(status.updated_at),
    )
    if projection.building is not None:
        response.rebuild_target_seq = projection.building.target
        response.rebuild_start_cursor = projection.building.after
        response.rebuild_started_at.FromMicroseconds(projection.building.begun_at)
    return response


async def pause(services: Services, caller: Caller, request: pb.PauseProjectionRequest) -> pb.PauseProjectionResponse:
    paused = await services.projections.registry.pause(caller.environment, request.name, actor=caller.actor)
    return pb.PauseProjectionResponse(status=paused.status)


async def resume(
    services: Services, caller: Caller, request: pb.ResumeProjectionRequest
) -> pb.ResumeProjectionResponse:
    resumed = await services.projections.registry.resume(caller.environment, request.name, actor=caller.actor)
    return pb.ResumeProjectionResponse(status=resumed.status)


async def rebuild(
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


async def get_rebuild(services: Services, caller: Caller, request: pb.GetRebuildJobRequest) -> pb.GetRebuildJobResponse:
    job = await services.projections.rebuilds.job(caller.environment, request.name)
    return pb.GetRebuildJobResponse(job=_job(job))


async def cancel_rebuild(
    services: Services, caller: Caller, request: pb.CancelRebuildRequest
) -> pb.CancelRebuildResponse:
    await services.projections.rebuilds.cancel(caller.environment, request.name, actor=caller.actor)
    return pb.CancelRebuildResponse(status="cancelled")


async def wait_catchup(
    services: Services, caller: Caller, request: pb.WaitProjectionCatchupRequest
) -> pb.WaitProjectionCatchupResponse:
    caught = await services.projections.waits.until(
        caller.environment, request.name, request.min_seq, timeout_s=_timeout_s(request)
    )
    return _caught(caught)


async def wait_catchup_batch(
    services: Services, caller: Caller, request: pb.WaitProjectionCatchupBatchRequest
) -> pb.WaitProjectionCatchupBatchResponse:
    items = [Item(one.name, one.min_seq) for one in request.items]
    found = await services.projections.waits.until_all(caller.environment, items, timeout_s=_timeout_s(request))
    results = [
        pb.WaitItemResult(error=str(one)) if isinstance(one, IronflowError) else pb.WaitItemResult(result=_caught(one))
        for one in found
    ]
    return pb.WaitProjectionCatchupBatchResponse(results=results)


async def wait_for_event(
    services: Services, caller: Caller, request: pb.WaitForEventRequest
) -> pb.WaitProjectionCatchupResponse:
    caught = await services.projections.waits.until_event(
        caller.environment, request.event_id, request.projection, timeout_s=_timeout_s(request)
    )
    return _caught(caught)


METHODS: dict[str, tuple[type[Message], Method]] = {
    "RegisterProjection": (pb.RegisterProjectionRequest, register),
    "UnregisterProjection": (pb.UnregisterProjectionRequest, unregister),
    "AcquireProjectionLease": (pb.AcquireProjectionLeaseRequest, acquire_lease),
    "RenewProjectionLease": (pb.RenewProjectionLeaseRequest, renew_lease),
    "ReleaseProjectionLease": (pb.ReleaseProjectionLeaseRequest, release_lease),
    "PollProjectionEvents": (pb.PollProjectionEventsRequest, poll),
    "SaveProjectionState": (pb.SaveProjectionStateRequest, save_state),
    "AckProjectionEvents": (pb.AckProjectionEventsRequest, acknowledge),
    "ReportProjectionError": (pb.ReportProjectionErrorRequest, report_error),
    "GetProjection": (pb.GetProjectionRequest, get),
    "ListProjections": (pb.ListProjectionsRequest, list_projections),
    "GetProjectionStatus": (pb.GetProjectionStatusRequest, get_status),
    "PauseProjection": (pb.PauseProjectionRequest, pause),
    "ResumeProjection": (pb.ResumeProjectionRequest, resume),
    "RebuildProjection": (pb.RebuildProjectionRequest, rebuild),
    "GetRebuildJob": (pb.GetRebuildJobRequest, get_rebuild),
    "CancelRebuild": (pb.CancelRebuildRequest, cancel_rebuild),
    "WaitProjectionCatchup": (pb.WaitProjectionCatchupRequest, wait_catchup),
    "WaitProjectionCatchupBatch": (pb.WaitProjectionCatchupBatchRequest, wait_catchup_batch),
    "WaitForEvent": (pb.WaitForEventRequest, wait_for_event),
}


def event(delivered: Delivered, *, as_json: bool) -> pb.ProjectionEvent:
    """An event as runners get it. Raises FailedPrecondition for data that protobuf cannot carry."""
    entry, fact = delivered.entry, delivered.fact
    message = pb.ProjectionEvent(
        id=fact.id,
        name=fact.name,
        seq=entry.position,
        source=fact.source,
        kind=pb.PROJECTION_EVENT_KIND_EVENT,
        version=fact.version,
        partition=delivered.partition,
    )
    message.timestamp.FromMicroseconds(entry.recorded_at)
    entity = entity_of(entry.stream)
    if entity is not None:
        message.entity_type, message.entity_id = entity
        message.entity_version = entry.version
    if as_json:
        message.data_json = bytes(fact.data)
        if len(entry.metadata) > 2:
            message.metadata_json = entry.metadata
        return message
    convert.put(message, "data", fact.data)
    metadata = {**msgspec.json.decode(entry.metadata), "__partition": delivered.partition}
    convert.put(message, "metadata", msgspec.Raw(msgspec.json.encode(metadata)))
    return message


async def _info(services: Services, projection: Projection) -> pb.ProjectionInfo:
    serving, building = projection.serving, projection.building
    status = await services.projections.status(projection)
    message = pb.ProjectionInfo(
        name=projection.name,
        mode=serving.definition.mode,
        status=projection.status,
        events=serving.definition.events,
        partition_key=serving.definition.partition_key,
        version=serving.definition.version,
        last_event_seq=status.position,
        created_at=convert.timestamp(projection.created_at),
        updated_at=convert.timestamp(status.updated_at),
        environment_id=projection.environment,
        error_message=projection.error,
        description=serving.definition.description,
        version_full=serving.definition.version,
        generation=serving.number,
        on_error=serving.definition.on_error,
        initial_json=b"" if serving.definition.initial == NULL else bytes(serving.definition.initial),
        rules=[
            pb.ProjectionRule(on=one.on, when=one.when, set=one.set, remove=one.remove)
            for one in serving.definition.rules
        ],
    )
    if building is not None:
        message.rebuild_target_seq = building.target
        message.rebuild_start_cursor = building.after
        message.rebuild_started_at.FromMicroseconds(building.begun_at)
    return message


def _put_state(response: pb.GetProjectionResponse, found: State, *, as_json: bool) -> None:
    if found.state is None:
        return
    if as_json:
        response.state_json = found.state
    else:
        convert.put(response, "state", msgspec.Raw(found.state))


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


def _caught(caught: Caught) -> pb.WaitProjectionCatchupResponse:
    return pb.WaitProjectionCatchupResponse(
        caught_up=caught.caught_up,
        timed_out=caught.timed_out,
        current_seq=caught.current,
        target_seq=caught.target,
        behind_by_events=caught.behind,
        rebuilding=caught.rebuilding,
        mode=caught.mode,
    )


def _runnable(services: Services, caller: Caller, name: str) -> Projection:
    """The projection, if runners fold it. Raises FailedPrecondition."""
    projection = services.projections.registry.get(caller.environment, name)
    if projection.serving.definition.mode == "declared":
        raise FailedPrecondition(f"{name} is declared: the server folds it", field="name")
    return projection


async def _is_run_plainly(services: Services, projection: Projection) -> bool:
    """Whether the generation that is built has a runner that does not know of generations."""
    _, cursor = await services.projections.feed.reached(projection, projection.newest)
    return cursor is not None and is_plain(cursor.lease_token) and cursor.lease_until >= services.clock.now_us()


async def _position_then(services: Services, request: pb.GetProjectionRequest) -> int:
    instant = convert.instant(request, "as_of", 0)
    return await services.storage.read(lambda tx: history.position_at(tx, instant))


def _fence(request: Any) -> Fence:
    """The lease of a request, or none. Raises InvalidArgument."""
    if not request.HasField("lease"):
        return Fence()
    return _held(request)


def _held(request: Any) -> Fence:
    if not request.lease.token or request.lease.epoch < 1:
        raise InvalidArgument("the lease is missing", field="lease", hint="send token and epoch as they were granted")
    return Fence(request.lease.token, request.lease.epoch)


def _size(given: int) -> int:
    if given < 0:
        raise InvalidArgument(f"batch_size {given} is out of range", field="batch_size", hint="1 to 1000")
    return given


def _seconds(ms: int, field: str) -> float:
    if not 0 <= ms <= 60_000:
        raise InvalidArgument(f"{field} {ms} is out of range", field=field, hint="at most 60000")
    return ms / 1_000


def _timeout_s(request: Any) -> float:
    if not request.HasField("timeout"):
        return TIMEOUT_S
    seconds: float = request.timeout.ToMicroseconds() / 1_000_000
    return seconds


def _duration(seconds: float) -> Duration:
    made = Duration()
    made.FromMicroseconds(round(seconds * 1_000_000))
    return made
