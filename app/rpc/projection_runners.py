"""ProjectionService's methods for runners: they register, hold leases, poll events and save what they made of them."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message

from app import jsonvalue
from app.api.caller import Caller
from app.api.services import Services
from app.errors import FailedPrecondition, InvalidArgument
from app.history.kinds import NULL, ProjectionDefinition, Rule
from app.history.kinds.entity import entity_of
from app.projections.feed import Delivered
from app.projections.states import Saved
from app.rpc import convert
from app.rpc.methods import Method
from ironflow.v1 import projection_pb2 as pb
from storage.projections import Fence

LIMIT_MAX = 1_000


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
    projection, status = await services.projections.register(
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
    check_runnable(services, caller, request.name)
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
    check_runnable(services, caller, request.name)
    fence, projections = fence_of(request), services.projections
    try:
        batch = await projections.next(
            caller.environment,
            request.name,
            fence,
            limit=batch_size(request.batch_size),
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
        fence_of(request),
        saved,
        position=max(request.last_event_seq, request.through),
        last_event_id=request.last_event_id,
        whole=bool(request.partitions),  # published runners may save one partition after the other
    )
    return pb.SaveProjectionStateResponse(ok=True)


async def acknowledge(
    services: Services, caller: Caller, request: pb.AckProjectionEventsRequest
) -> pb.AckProjectionEventsResponse:
    projection = services.projections.registry.get(caller.environment, request.name)
    await services.projections.save(
        projection,
        fence_of(request),
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
    fence = fence_of(request)
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


async def lend(
    services: Services, caller: Caller, request: pb.LendProjectionReducerRequest
) -> pb.LendProjectionReducerResponse:
    check_runnable(services, caller, request.name)
    lending, lender = services.projections.lending, (caller.environment, request.name, request.version or 1)
    if request.fold_id:
        if not request.error:
            jsonvalue.check(request.state_json, field="state_json")
        lending.answered(lender, request.fold_id, request.state_json, request.error)
    question = await lending.next(lender, wait_s=_seconds(request.wait_ms, "wait_ms"))
    if question is None:
        return pb.LendProjectionReducerResponse()
    return pb.LendProjectionReducerResponse(
        fold_id=question.id,
        state_json=question.state or b"",
        events=[event(one, as_json=True) for one in question.events],
        skips=question.skips,
    )


METHODS: dict[str, tuple[type[Message], Method]] = {
    "RegisterProjection": (pb.RegisterProjectionRequest, register),
    "UnregisterProjection": (pb.UnregisterProjectionRequest, unregister),
    "AcquireProjectionLease": (pb.AcquireProjectionLeaseRequest, acquire_lease),
    "RenewProjectionLease": (pb.RenewProjectionLeaseRequest, renew_lease),
    "ReleaseProjectionLease": (pb.ReleaseProjectionLeaseRequest, release_lease),
    "LendProjectionReducer": (pb.LendProjectionReducerRequest, lend),
    "PollProjectionEvents": (pb.PollProjectionEventsRequest, poll),
    "SaveProjectionState": (pb.SaveProjectionStateRequest, save_state),
    "AckProjectionEvents": (pb.AckProjectionEventsRequest, acknowledge),
    "ReportProjectionError": (pb.ReportProjectionErrorRequest, report_error),
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


def check_runnable(services: Services, caller: Caller, name: str) -> None:
    """Returns for a projection that runners fold. Raises ProjectionNotFound, FailedPrecondition."""
    projection = services.projections.registry.get(caller.environment, name)
    if (mode := projection.serving.definition.mode) in ("declared", "sql"):
        raise FailedPrecondition(f"{name} is {mode}: the server folds it", field="name")


def fence_of(request: Any) -> Fence:
    """The lease of a request, or none. Raises InvalidArgument."""
    if not request.HasField("lease"):
        return Fence()
    return _held(request)


def _held(request: Any) -> Fence:
    if not request.lease.token or request.lease.epoch < 1:
        raise InvalidArgument("the lease is missing", field="lease", hint="send token and epoch as they were granted")
    return Fence(request.lease.token, request.lease.epoch)


def batch_size(given: int) -> int:
    """How many events a runner asks for, 0 if it does not say. Raises InvalidArgument."""
    if given < 0:
        raise InvalidArgument(f"batch_size {given} is out of range", field="batch_size", hint="1 to 1000")
    return given


def _seconds(ms: int, field: str) -> float:
    if not 0 <= ms <= 60_000:
        raise InvalidArgument(f"{field} {ms} is out of range", field=field, hint="at most 60000")
    return ms / 1_000


def _duration(seconds: float) -> Duration:
    made = Duration()
    made.FromMicroseconds(round(seconds * 1_000_000))
    return made
