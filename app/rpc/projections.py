"""ProjectionService's unary methods, each once: Connect and gRPC both call these."""

from __future__ import annotations

import msgspec
from google.protobuf.message import Message

from app.api.caller import Caller
from app.api.services import Services
from app.errors import InvalidArgument, IronflowError
from app.history import moments
from app.history.kinds import NULL
from app.projections.leases import is_plain
from app.projections.noun import Projection
from app.projections.revisions import Revision
from app.projections.states import State
from app.projections.waits import TIMEOUT_S, Caught, Item
from app.rpc import convert, projection_rebuilds, projection_runners, projection_tables
from app.rpc.methods import Method
from ironflow.v1 import projection_pb2 as pb
from storage import history

LIMIT_MAX = 1_000
HISTORY_LIMIT = 100


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
        error_event_id=projection.stopped.error_event_id if projection.stopped is not None else "",
        parked=len(projection.serving.parked),
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


async def wait_catchup(
    services: Services, caller: Caller, request: pb.WaitProjectionCatchupRequest
) -> pb.WaitProjectionCatchupResponse:
    caught = await services.projections.waits.until(
        caller.environment, request.name, request.min_seq, timeout_s=convert.seconds(request, "timeout", TIMEOUT_S)
    )
    return _caught(caught)


async def wait_catchup_batch(
    services: Services, caller: Caller, request: pb.WaitProjectionCatchupBatchRequest
) -> pb.WaitProjectionCatchupBatchResponse:
    items = [Item(one.name, one.min_seq) for one in request.items]
    found = await services.projections.waits.until_all(
        caller.environment, items, timeout_s=convert.seconds(request, "timeout", TIMEOUT_S)
    )
    results = [
        pb.WaitItemResult(error=str(one)) if isinstance(one, IronflowError) else pb.WaitItemResult(result=_caught(one))
        for one in found
    ]
    return pb.WaitProjectionCatchupBatchResponse(results=results)


async def wait_for_event(
    services: Services, caller: Caller, request: pb.WaitForEventRequest
) -> pb.WaitProjectionCatchupResponse:
    caught = await services.projections.waits.until_event(
        caller.environment,
        request.event_id,
        request.projection,
        timeout_s=convert.seconds(request, "timeout", TIMEOUT_S),
    )
    return _caught(caught)


async def list_history(
    services: Services, caller: Caller, request: pb.ListProjectionHistoryRequest
) -> pb.ListProjectionHistoryResponse:
    if request.limit < 0 or request.before_revision < 0:
        raise InvalidArgument("limit and before_revision must not be negative", field="limit", hint="1 or more")
    limit = min(request.limit or HISTORY_LIMIT, LIMIT_MAX)
    found = await services.projections.revisions.list(
        caller.environment, request.name, before=request.before_revision, limit=limit + 1
    )
    page = found[:limit]
    has_more = len(found) > limit
    return pb.ListProjectionHistoryResponse(
        entries=[_revision(caller, request.name, one) for one in page],
        has_more=has_more,
        next_before_revision=page[-1].number if has_more else 0,
    )


async def get_revision(
    services: Services, caller: Caller, request: pb.GetProjectionRevisionRequest
) -> pb.GetProjectionRevisionResponse:
    found = await services.projections.revisions.get(caller.environment, request.name, request.revision)
    return pb.GetProjectionRevisionResponse(entry=_revision(caller, request.name, found))


METHODS: dict[str, tuple[type[Message], Method]] = {
    **projection_rebuilds.METHODS,
    **projection_runners.METHODS,
    **projection_tables.METHODS,
    "GetProjection": (pb.GetProjectionRequest, get),
    "ListProjections": (pb.ListProjectionsRequest, list_projections),
    "GetProjectionStatus": (pb.GetProjectionStatusRequest, get_status),
    "PauseProjection": (pb.PauseProjectionRequest, pause),
    "ResumeProjection": (pb.ResumeProjectionRequest, resume),
    "WaitProjectionCatchup": (pb.WaitProjectionCatchupRequest, wait_catchup),
    "WaitProjectionCatchupBatch": (pb.WaitProjectionCatchupBatchRequest, wait_catchup_batch),
    "ListProjectionHistory": (pb.ListProjectionHistoryRequest, list_history),
    "GetProjectionRevision": (pb.GetProjectionRevisionRequest, get_revision),
    "WaitForEvent": (pb.WaitForEventRequest, wait_for_event),
}


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
    if (table := serving.definition.table) is not None:
        message.type, message.sql_definition = "sql", table.create
        message.event_handlers.update(table.handlers)
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


def _revision(caller: Caller, name: str, revision: Revision) -> pb.ProjectionHistoryEntry:
    entry, before = revision.entry, revision.before
    message = pb.ProjectionHistoryEntry(
        event_id=f"sys_{entry.position}",
        revision=revision.number,
        actor_id=entry.actor,
        change_reason=revision.reason,
        change_type=revision.change,
        recorded_at=convert.timestamp(entry.recorded_at),
    )
    if before is not None:
        definition = pb.ProjectionDefinition(
            name=name,
            environment_id=caller.environment,
            version=before.version,
            events=before.events,
            partition_key=before.partition_key,
            mode=before.mode,
            description=before.description,
        )
        if before.table is not None:
            definition.type, definition.sql_definition = "sql", before.table.create
            definition.event_handlers.update(before.table.handlers)
        message.previous_definition.CopyFrom(definition)
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


async def _is_run_plainly(services: Services, projection: Projection) -> bool:
    """Whether the generation that is built has a runner that does not know of generations."""
    _, cursor = await services.projections.feed.reached(projection, projection.newest)
    return cursor is not None and is_plain(cursor.lease_token) and cursor.lease_until >= services.clock.now_us()


async def _position_then(services: Services, request: pb.GetProjectionRequest) -> int:
    instant = convert.instant(request, "as_of", 0)
    return await services.storage.read(lambda tx: history.position_at(tx, instant))
