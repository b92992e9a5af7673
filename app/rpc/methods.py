"""IronflowService's unary methods, each once: Connect and gRPC both call these."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from google.protobuf.message import Message

from app import jsonvalue, resources
from app.api.runs import statuses
from app.api.services import Services
from app.errors import InvalidArgument, Unimplemented
from app.events.emit import Emitted, NewEvent
from app.rpc import convert
from app.runs.reading import LIMIT_DEFAULT, RunFilter
from ironflow.v1 import ironflow_pb2, types_pb2

WAIT_MS_DEFAULT = 30_000
WAIT_MS_MAX = 3_600_000
BATCH_MAX = 1_000


class Call(NamedTuple):
    """Who calls, from where, on whose behalf."""

    environment: str
    actor: str = ""
    run_id: str = ""


Method = Callable[[Services, Call, Any], Awaitable[Message]]


async def trigger(services: Services, call: Call, request: ironflow_pb2.TriggerRequest) -> ironflow_pb2.TriggerResponse:
    emitted = await services.emitter.emit(new_event(call, request))
    return ironflow_pb2.TriggerResponse(run_ids=emitted.run_ids, event_id=emitted.event_id)


async def trigger_batch(
    services: Services, call: Call, request: ironflow_pb2.TriggerBatchRequest
) -> ironflow_pb2.TriggerBatchResponse:
    if len(request.events) > BATCH_MAX:
        raise InvalidArgument(f"{len(request.events)} events are too many at once", field="events", hint="at most 1000")
    emitted = await services.emitter.emit_batch([new_event(call, one) for one in request.events])
    results = [
        ironflow_pb2.TriggerResponse(run_ids=one.run_ids, event_id=one.event_id)
        if isinstance(one, Emitted)
        else ironflow_pb2.TriggerResponse(error=types_pb2.Error(message=str(one), code=one.code))
        for one in emitted
    ]
    return ironflow_pb2.TriggerBatchResponse(results=results)


async def trigger_sync(
    services: Services, call: Call, request: ironflow_pb2.TriggerSyncRequest
) -> ironflow_pb2.TriggerSyncResponse:
    emitted = await services.emitter.emit(new_event(call, request))
    results = await wait_for(services, call, emitted.run_ids, request.timeout_ms)
    return ironflow_pb2.TriggerSyncResponse(results=results, event_id=emitted.event_id)


async def invoke_function(
    services: Services, call: Call, request: ironflow_pb2.InvokeFunctionRequest
) -> ironflow_pb2.InvokeFunctionResponse:
    emitted = await _invoke(services, call, request)
    return ironflow_pb2.InvokeFunctionResponse(run_id=emitted.run_ids[0], event_id=emitted.event_id)


async def invoke_function_sync(
    services: Services, call: Call, request: ironflow_pb2.InvokeFunctionSyncRequest
) -> ironflow_pb2.InvokeFunctionSyncResponse:
    emitted = await _invoke(services, call, request)
    [result] = await wait_for(services, call, emitted.run_ids[:1], request.timeout_ms)
    return ironflow_pb2.InvokeFunctionSyncResponse(result=result)


async def register_function(
    services: Services, call: Call, request: ironflow_pb2.RegisterFunctionRequest
) -> ironflow_pb2.RegisterFunctionResponse:
    function, created = await services.functions.register(
        call.environment, convert.definition(request), actor=call.actor
    )
    return ironflow_pb2.RegisterFunctionResponse(function=convert.function(function), created=created)


async def get_function(services: Services, call: Call, request: ironflow_pb2.GetFunctionRequest) -> types_pb2.Function:
    return convert.function(services.functions.get(call.environment, request.id))


async def list_functions(
    services: Services, call: Call, request: ironflow_pb2.ListFunctionsRequest
) -> ironflow_pb2.ListFunctionsResponse:
    known = [one for one in services.functions.list(call.environment) if request.name in one.fact.name]
    page = known[request.offset : request.offset + (request.limit or 1_000)]
    return ironflow_pb2.ListFunctionsResponse(functions=map(convert.function, page), total_count=len(known))


async def get_run(services: Services, call: Call, request: ironflow_pb2.GetRunRequest) -> types_pb2.Run:
    return convert.run(await services.runs.get(call.environment, request.id))


async def list_runs(
    services: Services, call: Call, request: ironflow_pb2.ListRunsRequest
) -> ironflow_pb2.ListRunsResponse:
    wanted = [*([request.status] if request.status else []), *request.statuses]
    chosen = RunFilter(
        function_id=request.function_id,
        event_id=request.event_id,
        statuses=statuses(",".join(map(convert.status_name, wanted))),
        search=request.search,
        since=request.since.ToMicroseconds() if request.HasField("since") else 0,
        until=request.until.ToMicroseconds() if request.HasField("until") else 2**62,
    )
    page = await services.runs.list(
        call.environment, chosen, limit=request.limit or LIMIT_DEFAULT, cursor=request.cursor
    )
    return ironflow_pb2.ListRunsResponse(
        runs=map(convert.run_row, page.rows), next_cursor=page.next_cursor, total_count=page.total
    )


async def get_run_steps(
    services: Services, call: Call, request: ironflow_pb2.GetRunStepsRequest
) -> ironflow_pb2.GetRunStepsResponse:
    record = await services.runs.get(call.environment, request.run_id)
    steps = [convert.step(request.run_id, one) for one in record.steps.values()]
    return ironflow_pb2.GetRunStepsResponse(steps=steps)


async def cancel_run(services: Services, call: Call, request: ironflow_pb2.CancelRunRequest) -> types_pb2.Run:
    await services.engine.cancel(call.environment, request.id, reason=request.reason, actor=call.actor)
    return convert.run(await services.runs.get(call.environment, request.id))


async def resume_run(services: Services, call: Call, request: ironflow_pb2.ResumeRunRequest) -> types_pb2.Run:
    if request.from_step:
        raise Unimplemented("resuming from a step is not supported yet", field="from_step", hint="leave it out")
    await services.engine.resume(call.environment, request.run_id, actor=call.actor)
    return convert.run(await services.runs.get(call.environment, request.run_id))


async def health(services: Services, call: Call, request: ironflow_pb2.HealthRequest) -> ironflow_pb2.HealthResponse:
    return ironflow_pb2.HealthResponse(status="healthy", timestamp=convert.timestamp(services.clock.now_us()))


async def info(services: Services, call: Call, request: ironflow_pb2.InfoRequest) -> ironflow_pb2.InfoResponse:
    return ironflow_pb2.InfoResponse(
        version=resources.VERSION,
        function_count=len(services.functions.list(call.environment)),
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
    "GetRun": (ironflow_pb2.GetRunRequest, get_run),
    "ListRuns": (ironflow_pb2.ListRunsRequest, list_runs),
    "GetRunSteps": (ironflow_pb2.GetRunStepsRequest, get_run_steps),
    "CancelRun": (ironflow_pb2.CancelRunRequest, cancel_run),
    "ResumeRun": (ironflow_pb2.ResumeRunRequest, resume_run),
    "Health": (ironflow_pb2.HealthRequest, health),
    "Info": (ironflow_pb2.InfoRequest, info),
}


async def wait_for(
    services: Services, call: Call, run_ids: tuple[str, ...], timeout_ms: int
) -> list[ironflow_pb2.RunResult]:
    """The runs' results, as far as they have come when the time is over."""
    if not 0 <= timeout_ms <= WAIT_MS_MAX:
        raise InvalidArgument(
            f"timeout_ms {timeout_ms} is out of range", field="timeout_ms", hint=f"0 to {WAIT_MS_MAX}"
        )
    timeout_s = (timeout_ms or WAIT_MS_DEFAULT) / 1_000

    async def one(run_id: str) -> ironflow_pb2.RunResult:
        ended = await services.waits.until_ended(call.environment, run_id, timeout_s)
        record = await services.runs.get(call.environment, run_id)
        state = record.state
        result = ironflow_pb2.RunResult(
            run_id=run_id,
            function_id=state.function_id,
            status=convert.status(state.status),
            wait_timed_out=not ended,
            duration_ms=min(2**31 - 1, max(0, (state.ended_at or state.updated_at) - state.created_at) // 1_000),
        )
        if record.output is not None:
            convert.put(result, "output", record.output)
        if state.error is not None:
            result.error.CopyFrom(convert.error(state.error))
        return result

    return list(await asyncio.gather(*map(one, run_ids)))


async def _invoke(services: Services, call: Call, request: Any) -> Emitted:
    """Emit the function's implicit event. Raises FunctionNotFound."""
    services.functions.get(call.environment, request.function_id)
    event = NewEvent(
        environment=call.environment,
        name=request.function_id,
        data=convert.payload(request, "data"),
        idempotency_key=request.idempotency_key,
        actor=call.actor,
        run_id=call.run_id,
    )
    return await services.emitter.emit(event)


def new_event(call: Call, request: Any) -> NewEvent:
    """The event of a trigger request."""
    metadata = jsonvalue.encode(convert.plain(request.metadata), field="metadata")
    return NewEvent(
        environment=call.environment,
        name=request.event,
        data=convert.payload(request, "data"),
        idempotency_key=request.idempotency_key,
        metadata=metadata,
        version=request.version or 1,
        source="sdk",
        actor=call.actor,
        run_id=call.run_id,
    )
