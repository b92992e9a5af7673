"""IronflowService's unary methods, each once: Connect and gRPC both call these."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from google.protobuf import empty_pb2
from google.protobuf.message import Message

from app import resources
from app.api.answers import error_of
from app.api.caller import Caller
from app.api.runs import statuses
from app.api.services import Services
from app.errors import InvalidArgument, IronflowError, Unimplemented
from app.events.new_event import NewEvent
from app.events.prepared import Emitted
from app.rpc import convert, convert_function, rewind
from app.runs.function import Function
from app.runs.listing import LIMIT_DEFAULT, RunFilter
from app.runs.versions import LIMIT_DEFAULT as VERSIONS_DEFAULT
from ironflow.v1 import ironflow_pb2, types_pb2

FUNCTIONS_MAX = 1_000

Method = Callable[[Services, Caller, Any], Awaitable[Message]]
Table = Mapping[str, tuple[type[Message], Method]]


async def trigger(
    services: Services, caller: Caller, request: ironflow_pb2.TriggerRequest
) -> ironflow_pb2.TriggerResponse:
    emitted = await services.emitter.emit(new_event(caller, request))
    return _emitted(emitted)


async def trigger_batch(
    services: Services, caller: Caller, request: ironflow_pb2.TriggerBatchRequest
) -> ironflow_pb2.TriggerBatchResponse:
    answers = await services.emitter.emit_batch([_readable(caller, one) for one in request.events])
    return ironflow_pb2.TriggerBatchResponse(results=map(_told, answers))


async def trigger_sync(
    services: Services, caller: Caller, request: ironflow_pb2.TriggerSyncRequest
) -> ironflow_pb2.TriggerSyncResponse:
    event = new_event(caller, request)
    event_id, results = await services.invoker.emit_and_wait(event, timeout_ms=request.timeout_ms)
    return ironflow_pb2.TriggerSyncResponse(results=map(convert.result, results), event_id=event_id)


async def invoke_function(
    services: Services, caller: Caller, request: ironflow_pb2.InvokeFunctionRequest
) -> ironflow_pb2.InvokeFunctionResponse:
    run_id, event_id = await services.invoker.invoke(_call(caller, request, b"{}"))
    return ironflow_pb2.InvokeFunctionResponse(run_id=run_id, event_id=event_id)


async def invoke_function_sync(
    services: Services, caller: Caller, request: ironflow_pb2.InvokeFunctionSyncRequest
) -> ironflow_pb2.InvokeFunctionSyncResponse:
    event = _call(caller, request, convert.metadata(request))
    result = await services.invoker.invoke_and_wait(event, timeout_ms=request.timeout_ms)
    return ironflow_pb2.InvokeFunctionSyncResponse(result=convert.result(result))


async def register_function(
    services: Services, caller: Caller, request: ironflow_pb2.RegisterFunctionRequest
) -> ironflow_pb2.RegisterFunctionResponse:
    definition = convert_function.definition(request)
    function, created = await services.functions.register(
        caller.environment, definition, actor=caller.actor, reason=request.change_reason
    )
    return ironflow_pb2.RegisterFunctionResponse(function=_function(services, function), created=created)


async def get_function(
    services: Services, caller: Caller, request: ironflow_pb2.GetFunctionRequest
) -> types_pb2.Function:
    return _function(services, services.functions.get(caller.environment, request.id))


async def list_functions(
    services: Services, caller: Caller, request: ironflow_pb2.ListFunctionsRequest
) -> ironflow_pb2.ListFunctionsResponse:
    if request.offset < 0 or not 0 <= request.limit <= FUNCTIONS_MAX:
        field = "offset" if request.offset < 0 else "limit"
        raise InvalidArgument(
            f"{field} is out of range", field=field, hint=f"limit 1 to {FUNCTIONS_MAX}, offset from 0"
        )
    status, limit = convert_function.status_name(request.status), request.limit or FUNCTIONS_MAX
    chosen = [
        one
        for one in services.functions.list(caller.environment)
        if request.name in one.fact.name
        and (not status or one.status == status)
        and (not request.mode or one.fact.preferred_mode == request.mode.lower())
    ]
    left = [one for one in chosen if one.fact.id > request.cursor][request.offset :]
    return ironflow_pb2.ListFunctionsResponse(
        functions=[_function(services, one) for one in left[:limit]],
        next_cursor=left[limit - 1].fact.id if len(left) > limit else "",
        total_count=len(chosen),
    )


async def update_function_status(
    services: Services, caller: Caller, request: ironflow_pb2.UpdateFunctionStatusRequest
) -> types_pb2.Function:
    function = await services.functions.set_status(
        caller.environment,
        request.id,
        convert_function.status_name(request.status),
        actor=caller.actor,
        reason=request.reason,
    )
    return _function(services, function)


async def delete_function(
    services: Services, caller: Caller, request: ironflow_pb2.DeleteFunctionRequest
) -> empty_pb2.Empty:
    await services.functions.delete(caller.environment, request.id, actor=caller.actor, reason=request.reason)
    return empty_pb2.Empty()


async def list_function_history(
    services: Services, caller: Caller, request: ironflow_pb2.ListFunctionHistoryRequest
) -> ironflow_pb2.ListFunctionHistoryResponse:
    versions, more = await services.versions.list(
        caller.environment,
        request.function_id,
        limit=request.limit or VERSIONS_DEFAULT,
        before=request.from_version,
    )
    now = services.clock.now_us()
    return ironflow_pb2.ListFunctionHistoryResponse(
        entries=[convert_function.version(one, now) for one in versions], has_more=more
    )


async def get_function_at_version(
    services: Services, caller: Caller, request: ironflow_pb2.GetFunctionAtVersionRequest
) -> ironflow_pb2.GetFunctionAtVersionResponse:
    found = await services.versions.get(caller.environment, request.function_id, request.version)
    entry = convert_function.version(found, services.clock.now_us())
    return ironflow_pb2.GetFunctionAtVersionResponse(entry=entry)


async def rollback_function(
    services: Services, caller: Caller, request: ironflow_pb2.RollbackFunctionRequest
) -> ironflow_pb2.RollbackFunctionResponse:
    target = await services.versions.get(caller.environment, request.function_id, request.version)
    function = await services.functions.roll_back(
        caller.environment, target.function.fact, actor=caller.actor, reason=request.change_reason
    )
    return ironflow_pb2.RollbackFunctionResponse(function=_function(services, function))


async def get_run(services: Services, caller: Caller, request: ironflow_pb2.GetRunRequest) -> types_pb2.Run:
    return convert.run(await services.runs.get(caller.environment, request.id))


async def list_runs(
    services: Services, caller: Caller, request: ironflow_pb2.ListRunsRequest
) -> ironflow_pb2.ListRunsResponse:
    if request.offset:
        raise Unimplemented(
            "pages are not counted", field="offset", hint="give next_cursor of the page before as cursor"
        )
    wanted = [*([request.status] if request.status else []), *request.statuses]
    chosen = RunFilter(
        function_id=request.function_id,
        event_id=request.event_id,
        statuses=statuses(",".join(map(convert.status_name, wanted))),
        search=request.search,
        since=convert.instant(request, "since", 0),
        until=convert.instant(request, "until", 2**62),
        tags=tuple(request.tags),
    )
    page = await services.runs.list(
        caller.environment, chosen, limit=request.limit or LIMIT_DEFAULT, cursor=request.cursor
    )
    return ironflow_pb2.ListRunsResponse(
        runs=map(convert.run_row, page.rows), next_cursor=page.next_cursor, total_count=page.total
    )


async def get_run_steps(
    services: Services, caller: Caller, request: ironflow_pb2.GetRunStepsRequest
) -> ironflow_pb2.GetRunStepsResponse:
    record = await services.runs.get(caller.environment, request.run_id)
    steps = [convert.step(request.run_id, one) for one in record.steps.values()]
    return ironflow_pb2.GetRunStepsResponse(steps=steps)


async def cancel_run(services: Services, caller: Caller, request: ironflow_pb2.CancelRunRequest) -> types_pb2.Run:
    await services.engine.cancel(caller.environment, request.id, reason=request.reason, actor=caller.actor)
    return convert.run(await services.runs.get(caller.environment, request.id))


async def resume_run(services: Services, caller: Caller, request: ironflow_pb2.ResumeRunRequest) -> types_pb2.Run:
    await services.engine.resume(caller.environment, request.run_id, from_step=request.from_step, actor=caller.actor)
    return convert.run(await services.runs.get(caller.environment, request.run_id))


async def health(
    services: Services, caller: Caller, request: ironflow_pb2.HealthRequest
) -> ironflow_pb2.HealthResponse:
    return ironflow_pb2.HealthResponse(status="healthy", timestamp=convert.timestamp(services.clock.now_us()))


async def info(services: Services, caller: Caller, request: ironflow_pb2.InfoRequest) -> ironflow_pb2.InfoResponse:
    return ironflow_pb2.InfoResponse(
        version=resources.VERSION,
        function_count=len(services.functions.list(caller.environment)),
        active_runs=services.dispatcher.jobs_active,
        connected_workers=len(services.dispatcher.sessions),
    )


METHODS: dict[str, tuple[type[Message], Method]] = {
    "Trigger": (ironflow_pb2.TriggerRequest, trigger),
    "Emit": (ironflow_pb2.TriggerRequest, trigger),
    "TriggerBatch": (ironflow_pb2.TriggerBatchRequest, trigger_batch),
    "TriggerSync": (ironflow_pb2.TriggerSyncRequest, trigger_sync),
    "InvokeFunction": (ironflow_pb2.InvokeFunctionRequest, invoke_function),
    "InvokeFunctionSync": (ironflow_pb2.InvokeFunctionSyncRequest, invoke_function_sync),
    "RegisterFunction": (ironflow_pb2.RegisterFunctionRequest, register_function),
    "GetFunction": (ironflow_pb2.GetFunctionRequest, get_function),
    "ListFunctions": (ironflow_pb2.ListFunctionsRequest, list_functions),
    "UpdateFunctionStatus": (ironflow_pb2.UpdateFunctionStatusRequest, update_function_status),
    "DeleteFunction": (ironflow_pb2.DeleteFunctionRequest, delete_function),
    "ListFunctionHistory": (ironflow_pb2.ListFunctionHistoryRequest, list_function_history),
    "GetFunctionAtVersion": (ironflow_pb2.GetFunctionAtVersionRequest, get_function_at_version),
    "RollbackFunction": (ironflow_pb2.RollbackFunctionRequest, rollback_function),
    "GetRun": (ironflow_pb2.GetRunRequest, get_run),
    "ListRuns": (ironflow_pb2.ListRunsRequest, list_runs),
    "GetRunSteps": (ironflow_pb2.GetRunStepsRequest, get_run_steps),
    "CancelRun": (ironflow_pb2.CancelRunRequest, cancel_run),
    "ResumeRun": (ironflow_pb2.ResumeRunRequest, resume_run),
    **rewind.METHODS,
    "Health": (ironflow_pb2.HealthRequest, health),
    "Info": (ironflow_pb2.InfoRequest, info),
}


def new_event(caller: Caller, request: Any) -> NewEvent:
    """The event of a trigger request. Only those that do not wait for the runs say when they start."""
    later = isinstance(request, ironflow_pb2.TriggerRequest)
    return NewEvent(
        environment=caller.environment,
        name=request.event,
        data=convert.payload(request, "data"),
        idempotency_key=request.idempotency_key,
        metadata=convert.metadata(request),
        version=request.version or 1,
        source="sdk",
        actor=caller.actor,
        run_id=caller.run_id,
        start_at=convert.instant(request, "start_at", 0) if later else 0,
        delay_ms=request.delay_ms if later else 0,
        tags=tuple(request.tags),
    )


def _emitted(emitted: Emitted) -> ironflow_pb2.TriggerResponse:
    response = ironflow_pb2.TriggerResponse(run_ids=emitted.run_ids, event_id=emitted.event_id)
    for one in emitted.outcomes:
        told = response.outcomes.add(function_id=one.function_id, outcome=one.outcome, run_id=one.run_id)
        if one.due_at:
            told.due_at.FromMicroseconds(one.due_at)
    return response


def _function(services: Services, known: Function) -> types_pb2.Function:
    return convert_function.function(known, services.clock.now_us())


def _readable(caller: Caller, request: ironflow_pb2.TriggerRequest) -> NewEvent | IronflowError:
    try:
        return new_event(caller, request)
    except IronflowError as error:
        return error


def _told(answer: Emitted | BaseException) -> ironflow_pb2.TriggerResponse:
    """What became of one event of a batch."""
    if isinstance(answer, Emitted):
        return _emitted(answer)
    return ironflow_pb2.TriggerResponse(error=convert.refusal(error_of(answer)))


def _call(caller: Caller, request: Any, metadata: bytes) -> NewEvent:
    """The event that invokes a function."""
    return NewEvent(
        environment=caller.environment,
        name=request.function_id,
        data=convert.payload(request, "data"),
        idempotency_key=request.idempotency_key,
        metadata=metadata,
        source="sdk",
        actor=caller.actor,
        run_id=caller.run_id,
        tags=tuple(request.tags),
    )
